"""A demonstration that stays: the sandbox LMS, the tool and its worker after three weeks of a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lti_tool.demo.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 30


@dataclass(frozen=True)
class Demonstration:
    """The LMS's address for each role; what was counted, by what it is: as found, and as expected."""

    data: Path
    addresses: dict[str, str]
    counts: dict[str, tuple[int, int]]


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """One for all tests that look at it (see `sharing`)."""
    with running_demonstration(tmp_path_factory.mktemp("demonstration") / "demo") as running:
        yield running


@pytest.fixture(scope="session")
def addresses(demonstration: Demonstration) -> dict[str, str]:
    """The LMS's address for each role."""
    return demonstration.addresses


@contextmanager
def running_demonstration(data: Path) -> Iterator[Demonstration]:
    """Play the demonstration in `data` and keep it running."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
    ports = ("--port", str(free_port()), "--lms-port", str(free_port()))
    process = subprocess.Popen(
        [sys.executable, "-m", "lti_tool", "demo", "--json", *ports, "--data", str(data)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        printed = process.stdout.readline()  # ends with the process, so a demonstration that fails does not hang us
        if not printed:
            raise RuntimeError("the demonstration ended before it offered its addresses; its error is above")
        yield Demonstration(data, **json.loads(printed))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        process.stdout.close()
