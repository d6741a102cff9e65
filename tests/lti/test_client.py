"""Calls to an LMS: who we are, how long we wait, how much we read, and what a failure tells."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import jwt
import pytest
from flask import Request, Response

from lti_tool import clock
from lti_tool.lti import client
from lti_tool.lti.client import Answer
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import (
    LmsError,
    Refused,
    Retryable,
    Superseded,
    Throttled,
    Unauthorised,
    Unreadable,
    excerpt,
)
from lti_tool.lti.tokens import Tokens
from tests.support.platform import Platform, Tool

SCOPES = ("scope-b", "scope-a")


def call(connection: Connection, url: str | None = None, method: str = "GET") -> Answer:
    return connection.call("roster", method, url or f"{connection.registration.issuer}/x", scopes=SCOPES)


def answering(status: int, body: str = "", **headers: str) -> Callable[[Request], Response]:
    return lambda _request: Response(body, status, headers={k.replace("_", "-"): v for k, v in headers.items()})


# -- Tokens


def test_a_token_is_asked_for_as_the_security_framework_says(
    tool: Tool, platform: Platform, connection: Connection
) -> None:
    platform.answers["/x"] = answering(200)
    assert call(connection).status == 200
    [asked] = platform.token_requests
    assert asked["content_type"] == "application/x-www-form-urlencoded"
    assert asked["grant_type"] == "client_credentials"
    assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert asked["scope"] == "scope-a scope-b"
    jwks = tool.app.test_client().get("/lti/jwks").json
    assert jwks
    key = jwt.PyJWK(jwks["keys"][0])
    header = jwt.get_unverified_header(asked["client_assertion"])
    assert header == {"alg": "RS256", "typ": "JWT", "kid": key.key_id}
    claims = jwt.decode(asked["client_assertion"], key, algorithms=["RS256"], audience=platform.url("/token"))
    assert claims["iss"] == claims["sub"] == platform.client_id
    assert claims["aud"] == platform.url("/token")
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert claims["exp"] - claims["iat"] == 300
    assert claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"] == "deployment-1"


def test_an_audience_of_its_own_is_used_where_the_platform_has_one(tool: Tool, platform: Platform) -> None:
    registration = tool.register(platform, audience="https://api.example.edu/token")
    platform.answers["/x"] = answering(200)
    call(tool.connect(registration))
    claims = jwt.decode(platform.token_requests[0]["client_assertion"], options={"verify_signature": False})
    assert claims["aud"] == "https://api.example.edu/token"


def test_a_token_is_kept_and_shared_by_sixteen_threads(platform: Platform, connection: Connection) -> None:
    platform.token_delay = 0.05
    platform.answers["/x"] = answering(200, "yes")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: call(connection).body, range(64)))
    assert answers == [b"yes"] * 64
    assert len(platform.token_requests) == 1


def test_a_token_about_to_expire_is_replaced_and_every_request_has_a_fresh_jti(
    platform: Platform, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.answers["/x"] = answering(200)
    began, monotonic, passed = clock.wall(), time.monotonic(), 0.0
    monkeypatch.setattr(time, "monotonic", lambda: monotonic + passed)
    monkeypatch.setattr(clock, "wall", lambda: began + timedelta(seconds=passed))
    call(connection)
    passed += 3600 - 61
    call(connection)
    assert len(platform.token_requests) == 1
    passed += 2
    call(connection)
    jtis = [
        jwt.decode(asked["client_assertion"], options={"verify_signature": False})["jti"]
        for asked in platform.token_requests
    ]
    assert len(set(jtis)) == len(jtis) == 2


def test_a_token_that_the_platform_has_forgotten_is_replaced_once(platform: Platform, connection: Connection) -> None:
    platform.answers["/x"] = answering(200)
    call(connection)
    platform.valid_tokens.clear()
    assert call(connection).status == 200
    assert len(platform.token_requests) == 2


def test_a_platform_that_accepts_no_token_is_not_asked_for_ever(platform: Platform, connection: Connection) -> None:
    platform.answers["/x"] = answering(401, '{"error": "invalid_token"}')
    with pytest.raises(Unauthorised) as error:
        call(connection)
    assert error.value.status == 401
    assert len(platform.token_requests) == 2


def test_scopes_that_were_not_granted_are_named(platform: Platform, connection: Connection) -> None:
    platform.granted = "scope-a"
    with pytest.raises(Unauthorised, match="scope-b"):
        call(connection)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answering(400, '{"error":"invalid_client"}'), Unauthorised),
        (answering(500), Retryable),
        (answering(429), Throttled),
        (answering(200, "<html>"), Unreadable),
        (answering(200, "[]"), Unreadable),
        (answering(200, '{"access_token": 7}'), Unreadable),
        (answering(200, '{"access_token": "a\\nb"}'), Unreadable),
    ],
)
def test_a_failure_to_get_a_token_says_what_to_do(
    platform: Platform,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    kind: type[LmsError],
) -> None:
    monkeypatch.setattr(platform, "_token", lambda: answer(None))
    with pytest.raises(kind) as error:
        call(connection)
    assert type(error.value) is kind
    assert error.value.service == "token"


@pytest.mark.parametrize("seconds", ["7200", None, "soon", -5, 10**400])
def test_an_odd_lifetime_of_a_token_does_no_harm(platform: Platform, connection: Connection, seconds: Any) -> None:
    platform.token_seconds = seconds
    platform.answers["/x"] = answering(200)
    call(connection)
    call(connection)
    assert len(platform.token_requests) == 1


# -- Failures


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "bad", Refused),
        (400, "Provided timestamp of 1 before last updated timestamp of 2", Superseded),
        (403, "no", Refused),
        (404, "", Refused),
        (408, "", Retryable),
        (409, "", Superseded),
        (422, "", Refused),
        (429, "", Throttled),
        (500, "", Retryable),
        (502, "", Retryable),
        (503, "", Retryable),
        (302, "", Refused),
    ],
)
def test_a_failure_is_typed_by_what_to_do_next(
    platform: Platform, connection: Connection, status: int, body: str, kind: type[LmsError]
) -> None:
    platform.answers["/x"] = answering(status, body, Location="https://evil.example/")
    with pytest.raises(LmsError) as error:
        call(connection)
    assert type(error.value) is kind
    assert (error.value.service, error.value.status, error.value.excerpt) == ("roster", status, body)
    assert len(platform.requests) == 1


def test_a_redirect_without_end_is_not_read_to_its_end(platform: Platform, connection: Connection) -> None:
    headers = {"Location": "https://evil.example/"}
    platform.answers["/x"] = lambda _request: Response(itertools.repeat(b"x" * 65536), 302, headers)
    with pytest.raises(Unreadable, match="larger"):
        call(connection)


def in_a_while() -> str:
    return format_datetime(clock.wall() + timedelta(seconds=100), usegmt=False)


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (429, lambda: "7", 7),
        (503, in_a_while, pytest.approx(100, abs=3)),
        (503, lambda: "some time", None),
        (503, lambda: "Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        (503, lambda: "Mon, 01 Jan 2026 00:00:00 +99999999999", None),
    ],
    ids=["number", "date", "words", "far year", "far zone"],
)
def test_a_platform_says_when_to_come_back(
    platform: Platform, connection: Connection, status: int, said: Callable[[], str], seconds: Any
) -> None:
    platform.answers["/x"] = answering(status, Retry_After=said())
    with pytest.raises(Retryable) as error:
        call(connection)
    assert isinstance(error.value, Throttled) == (status == 429)
    assert error.value.retry_after == seconds


def test_what_a_failure_quotes_is_short_and_holds_no_token() -> None:
    body = b'<b>no</b>\n\x00 "access_token": "s3cret", Bearer abc.def eyJhbGciOi.eyJzdWIiOi.sig' + b"x" * 5000
    quoted = excerpt(body)
    assert quoted.startswith("<b>no</b>")
    assert len(quoted) <= 300
    assert not any(secret in quoted for secret in ("s3cret", "abc.def", "eyJ"))


@contextmanager
def raw_server(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that misbehaves in ways that no web framework allows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def accept() -> None:
            connection, _address = listener.accept()
            connections.append(connection)
            connection.recv(65536)
            handle(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        thread.join()
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("target", [b"//[", b"https://[::1", b"https://\xff\xfe/", b"https://\xc3\xa9"])
def test_a_redirect_is_not_even_looked_at(connection: Connection, target: bytes) -> None:
    def redirect(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")

    with raw_server(redirect) as url, pytest.raises(Refused, match="redirect"):
        call(connection, url)


def test_a_connection_that_is_dropped_may_have_done_its_work(connection: Connection) -> None:
    with raw_server(lambda connection: connection.close()) as url, pytest.raises(Retryable) as error:
        call(connection, url, "POST")
    assert error.value.answer_lost
    with raw_server(lambda connection: connection.close()) as url, pytest.raises(Retryable) as error:
        call(connection, url, "GET")
    assert not error.value.answer_lost


def test_an_error_of_the_server_may_hide_that_the_work_was_done(platform: Platform, connection: Connection) -> None:
    for status, method, lost in (
        (500, "POST", True),
        (504, "POST", True),
        (503, "POST", False),
        (500, "GET", False),
    ):
        platform.answers["/x"] = answering(status)
        with pytest.raises(Retryable) as error:
            call(connection, method=method)
        assert error.value.answer_lost is lost, (status, method)


def test_when_no_token_could_be_had_nothing_was_done(tool: Tool, platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        registration = tool.register(platform, token_url=f"http://127.0.0.1:{port}/token")
        quick = client.LmsClient(timeout=0.2, allow_private=True)
        connection = tool.connect(registration)
        with pytest.raises(Retryable) as error:
            call(replace(connection, client=quick, tokens=Tokens(quick)), method="POST")
    quick.close()
    assert error.value.service == "token"
    assert not error.value.answer_lost


def test_a_server_that_is_not_there_has_certainly_done_nothing(connection: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Retryable) as error:
        call(connection, f"http://127.0.0.1:{port}/x", "POST")
    assert not error.value.answer_lost


def test_a_server_that_does_not_answer_is_given_up(connection: Connection) -> None:
    quick = client.LmsClient(timeout=0.2, allow_private=True)
    call_quickly = replace(connection, client=quick)
    done = threading.Event()
    started = time.monotonic()

    def wait(_connection: socket.socket) -> None:
        done.wait(5)

    with raw_server(wait) as url:
        with pytest.raises(Retryable, match="in time") as error:
            call(call_quickly, url, "POST")
        done.set()
    assert time.monotonic() - started < 2
    assert error.value.answer_lost
    quick.close()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"H"),
    ],
    ids=["chunks", "content", "headers", "status"],
)
def test_an_answer_that_drips_for_ever_is_given_up(connection: Connection, beginning: bytes, drop: bytes) -> None:
    quick = client.LmsClient(timeout=0.3, allow_private=True)

    def drip(connection: socket.socket) -> None:
        connection.sendall(beginning)
        try:
            while True:
                connection.sendall(drop)
                time.sleep(0.05)
        except OSError:
            return

    started = time.monotonic()
    with raw_server(drip) as url, pytest.raises(Retryable, match="in time"):
        call(replace(connection, client=quick), url)
    assert time.monotonic() - started < 2
    quick.close()


def test_an_answer_without_end_is_cut_off(
    platform: Platform, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 1000)
    platform.answers["/x"] = answering(200, "x" * 1001)
    with pytest.raises(Unreadable, match="larger"):
        call(connection)
    platform.answers["/x"] = answering(200, "x" * 1000)
    assert len(call(connection).body) == 1000


def test_requests_name_their_sender_and_keep_no_cookies(platform: Platform, connection: Connection) -> None:
    platform.answers["/x"] = answering(200, Set_Cookie="session=1; Path=/")
    call(connection)
    call(connection)
    headers = platform.requests[1][2]
    assert headers["User-Agent"].startswith("Peerloop/")
    assert "Cookie" not in headers
