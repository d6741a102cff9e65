"""Real workers on threads, of which one runs at a time: each stops before every call and every write transaction."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter

from lti_tool.database import db
from lti_tool.lti.budget import Budget
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tokens import Tokens
from lti_tool.lti.wire import Wire
from tests.simulation.moves import Fate

LONGEST = 60.0  # seconds of real time for one step of a worker; only a simulation that hangs takes so long


class DiedError(BaseException):
    """The worker's process ends here."""


class Unlimited(Budget):
    """Lets every call go out at once: what is played here is the gradebook, by a clock of its own."""

    @contextmanager
    def call(self, registration: Registration, service: str) -> Iterator[None]:  # noqa: ARG002 - the real one's
        yield


class Worker:
    """One process of the product: an app of its own, on the database that it shares with the others."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.on_fault: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], None] = lambda: None
        self.answer: Callable[[requests.PreparedRequest, Fate], requests.Response] | None = None
        self.is_idle = True
        self._fate = self._fate_of_commit = Fate.WELL
        self._dead = False
        self._error: BaseException | None = None
        self._found_work = False
        self._thread: threading.Thread | None = None
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        wire: Wire = app.extensions["lti"]
        with app.app_context():
            app.extensions["lti"] = replace(wire, tokens=Tokens(wire.client), budget=Unlimited(db.engine))
        session = wire.client.session
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Network(self))

    def start(self, unit: Callable[[], bool]) -> None:
        """Begin one unit of work; it stops before its first step."""
        self.is_idle, self._dead, self._error, self._found_work = False, False, None, False
        self._thread = threading.Thread(target=self._run, args=(unit,))
        self._thread.start()
        self._wait()

    @property
    def is_running(self) -> bool:
        """Whether who asks is this worker's own thread, not one that keeps lanes for another app of this process."""
        return threading.current_thread() is self._thread

    def go(self, fate: Fate) -> bool:
        """Let it do its next step, and stop before the one after. False when the unit has ended without work."""
        self._fate = fate
        self._go.release()
        self._wait()
        return not self.is_idle or self._found_work

    def _wait(self) -> None:
        if not self._stopped.acquire(timeout=LONGEST):
            raise TimeoutError("a worker neither stops nor ends")
        if self._error is not None:
            raise self._error

    def _run(self, unit: Callable[[], bool]) -> None:
        try:
            with self.app.app_context():
                self._found_work = unit()
        except DiedError:
            self._found_work = True
        except BaseException as error:
            self._error = error
        finally:
            self.is_idle = True
            self._stopped.release()

    def stop(self) -> Fate:
        """Stop here until told how the next step goes."""
        if self._dead:
            raise DiedError
        self._stopped.release()
        self._go.acquire()
        return self._fate

    def die(self) -> None:
        """End the process. Raises DiedError."""
        self._dead = True
        self.on_fault()
        raise DiedError

    def begins(self) -> None:
        """A transaction of this worker is about to begin."""
        self._fate_of_commit = self.stop()

    def commits(self) -> None:
        """A transaction of this worker is about to be committed."""
        if self._dead:
            raise DiedError
        if self._fate_of_commit is Fate.DIES_BEFORE:
            self.die()

    def committed(self) -> None:
        """A transaction of this worker has been committed."""
        self.on_commit()
        if self._fate_of_commit is Fate.DIES_AFTER:
            self.die()


class _Network(BaseAdapter):
    """What lies below `LmsClient`: no sockets, and a stop before every call."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def send(self, request: requests.PreparedRequest, *_args: Any, **_more: Any) -> requests.Response:
        if urlsplit(str(request.url)).path == "/token":
            return answered(request, 200, {"access_token": "t", "token_type": "Bearer", "expires_in": 86_400})
        fate = self._worker.stop()
        assert self._worker.answer is not None
        return self._worker.answer(request, fate)

    def close(self) -> None:
        """There is nothing to close."""


def answered(
    request: requests.PreparedRequest, status: int, body: object, headers: dict[str, str] | None = None
) -> requests.Response:
    """An answer as requests gives it."""
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    response.headers.update({"Content-Type": "application/json", **(headers or {})})
    response.raw = io.BytesIO(json.dumps(body).encode())
    return response


def query(request: requests.PreparedRequest) -> dict[str, str]:
    """The query of a request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}
