"""The processes of a demonstration: the sandbox LMS, the tool, its worker. Each on its own, as in real life."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import requests

from lti_tool.matching.compiled import cache

START_SECONDS = 120.0  # a busy machine reads the libraries slowly; a process that has ended is noticed at once
STOP_SECONDS = 10.0
PEERLOOP = (sys.executable, "-m", "lti_tool")


class DemoError(Exception):
    """The demonstration cannot go on. The message is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a demonstration runs: its two addresses and its folder."""

    tool: str
    lms: str
    data: Path
    family: str = "standard"
    """Which LMS the sandbox plays."""

    @property
    def clock_file(self) -> Path:
        return self.data / "clock"

    @property
    def shell_file(self) -> Path:
        return self.data / "use.sh"

    def settings(self) -> dict[str, str]:
        """The settings by which `peerloop` acts on this demonstration. A database that the caller chose is kept."""
        own = f"sqlite:///{self.data.absolute() / 'peerloop.db'}"
        return {
            "PEERLOOP_DATABASE_URL": os.environ.get("PEERLOOP_DATABASE_URL", own),
            "PEERLOOP_BASE_URL": self.tool,
            "PEERLOOP_ALLOW_PRIVATE_PLATFORMS": "true",
            "PEERLOOP_KEYS_DIR": str(self.data.absolute() / "keys"),
            "PEERLOOP_CLOCK_FILE": str(self.clock_file.absolute()),
        }

    def environment(self) -> dict[str, str]:
        """The environment of the tool's processes."""
        return {**os.environ, **self.settings()}

    def write_shell_file(self) -> None:
        """A file for a shell to read, whose `peerloop` is then this one and acts on this demonstration."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.settings().items()]
        lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
        self.shell_file.write_text("\n".join(lines) + "\n")


def free_port() -> int:
    """A port that nothing uses, below those that the system gives to outgoing connections.

    A port of that range could be taken by any client between this answer and the server's start or restart.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def require_free(port: int, option: str, variable: str) -> None:
    """Raise DemoError when `port` is taken, naming the option and the variable of make that choose another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            words = f"port {port} is taken; choose another by {option} (make demo {variable}=…)"
            raise DemoError(words) from None


def peerloop(place: Place, *arguments: str) -> str:
    """Run a command of the tool to its end. Returns what it printed; raises DemoError with what it complained of."""
    done = subprocess.run(
        [*PEERLOOP, *arguments], env=place.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise DemoError(f"peerloop {' '.join(arguments[:2])} failed: {' '.join(complaint)}")
    return done.stdout


@contextmanager
def running(place: Place) -> Iterator[None]:
    """Start the LMS, the tool and its worker, and stop all three in the end, whatever happens."""
    ports = {name: address.rsplit(":", 1)[1] for name, address in (("tool", place.tool), ("lms", place.lms))}
    sandbox = (sys.executable, "-m", "lti_tool.sandbox", "--port", ports["lms"], "--base-url", place.lms)
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (place.data / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=place.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process

    try:
        lms = start("lms", (*sandbox, "--family", place.family, "--data", str(place.data / "lms")))
        _wait_until_answers(place.lms, lms, place.data / "lms.log")
        tool = start("tool", (*PEERLOOP, "serve", "--port", ports["tool"]))
        _wait_until_compiled(tool, place.data / "tool.log")
        _wait_until_answers(f"{place.tool}/readyz", tool, place.data / "tool.log")
        start("worker", (*PEERLOOP, "worker"))
        yield
    finally:
        _stop(started)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_compiled(process: subprocess.Popen[bytes], log: Path) -> None:
    """The tool answers nobody before that, which a busy machine may take minutes for; it does it once."""
    if cache.is_complete():
        return
    words = "Compiling the search for cohorts: the first time only, a minute or more on a busy machine"
    click.echo(words, err=True)
    while not cache.is_complete():
        _require_alive(process, log)
        time.sleep(0.5)


def _require_alive(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise DemoError(f"a process of the demonstration stopped: {' '.join(last)} (see {log})")


def _wait_until_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        _require_alive(process, log)
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    wait_for(answers, f"{url} to answer", START_SECONDS)


def wait_for(true: Callable[[], bool], what: str, seconds: float) -> None:
    """Ask again and again until `true`. Raises DemoError naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} s for {what} in vain")
        time.sleep(0.1)
