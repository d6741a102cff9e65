"""Faults that a test asks a service to show, as a slow or broken LMS would."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request

SERVICES = frozenset({"memberships", "groups", "lineitems", "scores", "results", "token", "jwks"})
PLAIN_KINDS = frozenset(
    {"throttle", "drop-before", "drop-after", "broken-json", "wrong-type", "expired-token"}
    | {"endless-pages", "repeat-page", "repeat-person", "foreign-next-link"}
)
DRIPS = 8  # parts in which a slow body comes


class Fault:
    """One fault as the control API takes it.

    ``kind`` is one of PLAIN_KINDS, ``status:<code>[;retry-after=<seconds>]``, ``slow:<seconds>`` before the answer or
    ``slow-body:<seconds>`` while it comes. By ``throttle`` the LMS says in its own way that this is too fast.
    ``times`` is how often it is shown (None: always), ``share`` in how many of the requests (None: in all).
    ``users`` limits it to requests that concern these people.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        self.service: str = described["service"]
        self.kind: str = described["kind"]
        self.times: int | None = described.get("times")
        self.share: float = described.get("share") or 1.0
        self.users: list[str] | None = described.get("users")
        if self.service not in SERVICES:
            raise ValueError(f"unknown service {self.service!r}; known: {sorted(SERVICES)}")
        name, _, argument = self.kind.partition(":")
        if name in ("slow", "slow-body"):
            self.delay = float(argument)
        elif name == "status":
            code, _, wait = argument.partition(";retry-after=")
            self.status, self.retry_after = int(code), wait or None
        elif self.kind not in PLAIN_KINDS:
            raise ValueError(
                f"unknown kind {self.kind!r}; known: {sorted(PLAIN_KINDS)}, status:…, slow:…, slow-body:…"
            )

    def __repr__(self) -> str:
        return f"{self.service} {self.kind}"

    def concerns(self, service: str, people: frozenset[str]) -> bool:
        if self.service != service or self.times == 0 or random.random() >= self.share:  # noqa: S311 - no secret
            return False
        # Which people a roster page holds is known only later; there "users" names whom to repeat.
        return self.users is None or service == "memberships" or not people.isdisjoint(self.users)


class Faults:
    """The faults that stand, and how often each service was called."""

    def __init__(self, throttled: Callable[[], Response]) -> None:
        self._throttled = throttled
        self._standing: list[Fault] = []
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()

    def replace(self, described: list[dict[str, Any]]) -> None:
        standing = [Fault(one) for one in described]
        with self._lock:
            self._standing = standing

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"service": f.service, "kind": f.kind, "times": f.times} for f in self._standing]

    def _take(self, service: str) -> list[Fault]:
        """The faults of this request: every delay, and the first other one."""
        people = _people_of_request()
        with self._lock:
            self.calls[service] += 1
            matching = [fault for fault in self._standing if fault.concerns(service, people)]
            slow = [fault for fault in matching if fault.kind.startswith("slow:")]
            taken = slow + [fault for fault in matching if fault not in slow][:1]
            for fault in taken:
                if fault.times is not None:
                    fault.times -= 1
            return taken

    def around(self, service: str, answer: Callable[[], Response]) -> tuple[Response, str | None]:
        """The answer as the standing faults spoil it, and the kind of the fault."""
        spoiling = None
        for fault in self._take(service):
            if fault.kind.startswith("slow:"):
                time.sleep(fault.delay)
            else:
                spoiling = fault
        if spoiling is None:
            return answer(), None
        if spoiling.kind == "throttle":
            return self._throttled(), spoiling.kind
        return _spoilt(spoiling, answer), spoiling.kind


def _people_of_request() -> frozenset[str]:
    people = {request.args.get("user_id")}
    body = request.get_json(silent=True, force=True) if request.method == "POST" else None
    if isinstance(body, dict):
        people.add(body.get("userId"))
    return frozenset(person for person in people if isinstance(person, str))


def _spoilt(fault: Fault, answer: Callable[[], Response]) -> Response:
    if fault.kind.startswith("status:"):
        response = Response(json.dumps({"error": "fault"}), fault.status, mimetype="application/json")
        if fault.retry_after:
            response.headers["Retry-After"] = fault.retry_after
        return response
    if fault.kind == "drop-before":
        return _dropped()
    if fault.kind == "expired-token":
        return Response(json.dumps({"error": "the token has expired"}), 401, mimetype="application/json")
    response = answer()
    return _AFTER[fault.kind.partition(":")[0]](fault, response)


def _dropped() -> Response:
    """An answer that promises more bytes than it sends: the server then closes the connection."""

    def some() -> Iterator[bytes]:
        yield b"{"

    return Response(some(), headers={"Content-Length": "4096"}, mimetype="application/json")


def _drop_after(_fault: Fault, response: Response) -> Response:
    response.close()
    return _dropped()


def _break_json(_fault: Fault, response: Response) -> Response:
    body = response.get_data()
    response.set_data(body[: max(1, len(body) * 2 // 3)])
    return response


def _mistype(_fault: Fault, response: Response) -> Response:
    """A page for people in place of the answer, as a proxy in between may show it."""
    response.set_data("<!doctype html><title>One moment</title><p>We will be back soon.")
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


def _drip(fault: Fault, response: Response) -> Response:
    body = response.get_data()
    size = max(1, -(-len(body) // DRIPS))

    def parts() -> Iterator[bytes]:
        for start in range(0, len(body), size):
            time.sleep(fault.delay / DRIPS)
            yield body[start : start + size]

    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return Response(parts(), response.status_code, headers | {"Content-Length": str(len(body))})


def _repeat_page(_fault: Fault, response: Response) -> Response:
    response.headers["Link"] = f'<{request.url}>; rel="next"'
    return response


def _never_end(_fault: Fault, response: Response) -> Response:
    turn = int(request.args.get("turn", "0")) + 1
    base, _, query = request.url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("turn=")]
    response.headers["Link"] = f'<{base}?{"&".join([*kept, f"turn={turn}"])}>; rel="next"'
    return response


def _repeat_person(fault: Fault, response: Response) -> Response:
    body = response.get_json()
    repeated = [m for m in body["members"] if m["user_id"] in (fault.users or [])] or body["members"][:1]
    body["members"] += repeated
    response.set_data(json.dumps(body))
    return response


def _lead_astray(_fault: Fault, response: Response) -> Response:
    response.headers["Link"] = f'<https://elsewhere.example{request.path}?page=2>; rel="next"'
    return response


_AFTER: dict[str, Callable[[Fault, Response], Response]] = {
    "drop-after": _drop_after,
    "broken-json": _break_json,
    "wrong-type": _mistype,
    "slow-body": _drip,
    "repeat-page": _repeat_page,
    "endless-pages": _never_end,
    "repeat-person": _repeat_person,
    "foreign-next-link": _lead_astray,
}
