"""A connection goes to the address that was checked, whatever the DNS says a moment later."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lti_tool.lti import addresses
from lti_tool.lti.client import LmsClient
from lti_tool.lti.failures import Refused, Retryable
from tests.lti.https_lms import NAME, STAND_IN, Lms, https_lms


@pytest.fixture
def lms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    with https_lms(tmp_path, monkeypatch) as lms:
        yield lms


@pytest.fixture
def client(lms: Lms, tmp_path: Path) -> Iterator[LmsClient]:
    assert lms
    client = LmsClient(timeout=5, allow_private=False)
    client.session.verify = str(tmp_path / "lms.pem")
    yield client
    client.close()


def test_the_checked_address_is_called_by_the_name_that_it_was_given(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200
    assert lms.resolved == 1
    assert lms.server_names == [NAME]
    assert lms.hosts == [lms.url.removeprefix("https://").removesuffix("/keys")]


def test_a_pooled_connection_is_used_again_without_asking_the_dns(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    for _ in range(5):
        client.send("keys", "GET", lms.url, headers={})
    assert lms.resolved == 1
    assert len(lms.clients) == 1


def test_a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection(
    lms: Lms, client: LmsClient
) -> None:
    lms.dns = [[STAND_IN], ["10.0.0.5"], [STAND_IN, "169.254.169.254"]]
    client.send("keys", "GET", lms.url, headers={})
    client.close()
    for private in ("10.0.0.5", "169.254.169.254"):
        with pytest.raises(Refused, match=private):
            client.send("keys", "GET", lms.url, headers={})
    assert len(lms.hosts) == 1


def test_the_certificate_must_be_for_the_name_and_not_the_address(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable, match="certificate"):
        client.send("keys", "GET", lms.url.replace(NAME, STAND_IN), headers={})
    assert lms.hosts == []


def test_a_second_address_is_tried_when_the_first_does_not_answer(
    lms: Lms, client: LmsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = "127.0.0.2"
    monkeypatch.setattr(addresses, "_is_public", lambda address: address in {STAND_IN, closed})
    lms.dns = [[closed, STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200


OTHERS = [f"127.0.0.{number}" for number in range(2, 10)]
"""Addresses at which nobody listens."""


@pytest.fixture
def public(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every address stand for a public one."""
    assert lms
    monkeypatch.setattr(addresses, "_is_public", lambda _address: True)


@pytest.fixture
def silent(lms: Lms) -> Iterator[list[str]]:
    """Addresses that answer nothing at all: whoever connects waits behind a queue that is full."""
    port = urlsplit(lms.url).port
    with ExitStack() as held:
        for address in OTHERS:
            server = held.enter_context(socket.socket())
            server.bind((address, port))
            server.listen(0)
            held.enter_context(socket.create_connection((address, port)))
        yield OTHERS


@pytest.fixture
def hurried(client: LmsClient) -> LmsClient:
    client.timeout = 1
    return client


@pytest.mark.usefixtures("public")
def test_however_many_addresses_are_silent_the_wait_is_no_longer_than_for_one(
    lms: Lms, hurried: LmsClient, silent: list[str]
) -> None:
    lms.dns = [silent]
    began = time.monotonic()
    with pytest.raises(Retryable, match="did not answer in time"):
        hurried.send("keys", "GET", lms.url, headers={})
    assert 0.9 < time.monotonic() - began < 1.5


@pytest.mark.usefixtures("public")
def test_a_silent_address_leaves_time_for_the_next_one(lms: Lms, hurried: LmsClient, silent: list[str]) -> None:
    lms.dns = [[*silent[:2], STAND_IN]]
    assert hurried.send("keys", "GET", lms.url, headers={}).status == 200


@pytest.mark.usefixtures("public")
def test_a_few_of_many_addresses_are_tried(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[*OTHERS[:3], STAND_IN], [*OTHERS[:4], STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200
    client.close()
    with pytest.raises(Retryable):
        client.send("keys", "GET", lms.url, headers={})


@pytest.mark.usefixtures("public")
def test_where_ipv6_leads_nowhere_ipv4_is_tried_in_spite_of_many_addresses(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[*(f"::ffff:{address}" for address in OTHERS), STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200


def test_a_name_that_does_not_resolve_may_do_so_later(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable) as error:
        client.send("keys", "POST", "https://nowhere.invalid/", headers={})
    assert not error.value.answer_lost
    assert lms.hosts == []
