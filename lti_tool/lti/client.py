"""The one way in which this program calls an LMS: pooled, timed, bounded, and never redirected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

import lti_tool
from lti_tool import clock
from lti_tool.lti import addresses
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
from lti_tool.lti.pinned import PinnedAdapter
from lti_tool.lti.registrations import Registration
from lti_tool.lti.timely import TimelyAdapter

MAX_BYTES = 10 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
POOL_SIZE = 64
MAX_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an LMS answered, read to its end."""

    service: str
    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, what: str = "the answer") -> Any:
        """The body as JSON. Raises Unreadable, which says that `what` is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(f"{what} is not JSON") from error

    def unreadable(self, reason: str) -> Unreadable:
        return Unreadable(self.service, reason, status=self.status, excerpt=excerpt(self.body))


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: even if it follows no redirect, requests reads it to its end and parses where it leads."""


class LmsClient:
    """One for each process; its methods may be called from many threads at once."""

    def __init__(self, *, timeout: float, allow_private: bool) -> None:
        self.timeout = timeout
        self.allow_private = allow_private
        self.session = _Session()
        self.session.headers["User-Agent"] = f"Peerloop/{lti_tool.__version__}"
        # A .netrc would replace our Authorization header, and a cookie of one platform is nobody else's.
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = TimelyAdapter if allow_private else PinnedAdapter
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE))

    def close(self) -> None:
        self.session.close()

    def send(
        self,
        service: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        most: int | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status.

        Raises Refused for an address that must not be called, Retryable when no whole answer came,
        Unreadable when it is larger than `most` bytes, MAX_BYTES if nothing is said.
        """
        try:
            addresses.check_form(url, allow_private=self.allow_private)
            prepared = self.session.prepare_request(requests.Request(method, url, dict(headers), data=body))
            if url.isascii():
                # A next link is opaque: requests would spell some of its characters differently.
                prepared.url = url
            with self.session.send(prepared, timeout=self.timeout, allow_redirects=False, stream=True) as response:
                body_read = self._read(service, response, most or MAX_BYTES)
                return Answer(service, method, response.status_code, response.headers, body_read)
        except addresses.AddressError as error:
            raise Refused(service, f"the address {error}") from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            raise Refused(service, "the request cannot be made") from error
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Retryable(
                service, _describe(error), answer_lost=method != "GET" and not _never_connected(error)
            ) from error

    def _read(self, service: str, response: requests.Response, most: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(CHUNK_BYTES):
            size += len(part)
            parts.append(part)
            if size > most:
                raise Unreadable(service, f"the answer is larger than {most} bytes", status=response.status_code)
        return b"".join(parts)


def failure(answer: Answer, registration: Registration) -> LmsError:
    """The typed failure that an answer other than 2xx means."""
    status, text, rules = answer.status, excerpt(answer.body), registration.rules
    if rules.is_throttled(status, text, answer.headers):
        return Throttled(
            answer.service,
            "the LMS asks us to slow down",
            status=status,
            excerpt=text,
            retry_after=_retry_after(answer),
        )
    if status in (408, 425) or status >= 500:
        return Retryable(
            answer.service,
            "the LMS has a problem",
            status=status,
            excerpt=text,
            retry_after=_retry_after(answer),
            answer_lost=answer.method != "GET" and status in (500, 502, 504),
        )
    if status == 401:
        return Unauthorised(answer.service, "the LMS does not accept our token", status=status, excerpt=text)
    if rules.is_superseded(status, text):
        return Superseded(answer.service, "the LMS holds something as new or newer", status=status, excerpt=text)
    if 300 <= status < 400:
        return Refused(answer.service, "the LMS answered with a redirect", status=status, excerpt=text)
    return Refused(answer.service, "the LMS refused the request", status=status, excerpt=text)


def _retry_after(answer: Answer) -> float | None:
    """Seconds from the header Retry-After, a number or a date. RFC 9110, 10.2.3."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - clock.wall()).total_seconds(), 0.0), MAX_RETRY_AFTER)


def _never_connected(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _describe(error: Exception) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return "the LMS did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate of the LMS could not be verified"
    return "the connection to the LMS failed"
