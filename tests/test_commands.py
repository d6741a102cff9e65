"""The console script: what operators type, what they read, and how processes end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from cryptography.fernet import Fernet

from lti_tool.cli import main
from lti_tool.demo.processes import free_port

ROOT = Path(__file__).resolve().parents[1]


def installed_in(folder: Path) -> dict[str, str]:
    values = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
    return values | {
        "PEERLOOP_DATABASE_URL": f"sqlite:///{folder / 'peerloop.db'}",
        "PEERLOOP_KEYS_DIR": str(folder / "keys"),
    }


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with its database made, and nothing done in it."""
    folder = tmp_path_factory.mktemp("installed") / "peerloop"
    folder.mkdir()
    assert peerloop(installed_in(folder), "db", "upgrade").returncode == 0
    return folder


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of an installation of its own."""
    folder = tmp_path / "peerloop"
    shutil.copytree(installed, folder)
    return installed_in(folder)


def peerloop(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lti_tool", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lti_tool", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_every_command_explains_itself() -> None:
    for words in (
        [],
        ["serve"],
        ["worker"],
        ["db", "upgrade"],
        ["sync", "run"],
        ["platform", "add"],
        ["platform", "change"],
        ["platform", "remove"],
        ["admin", "link"],
        ["doctor"],
        ["keys", "rotate"],
        ["keys", "list"],
        ["keys", "retire"],
        ["demo"],
        ["match"],
    ):
        helped = CliRunner().invoke(main, [*words, "--help"], prog_name="peerloop")
        assert helped.exit_code == 0, words
        assert "Usage: peerloop" in helped.output, words


def test_a_demonstration_needs_two_ports(environment: dict[str, str]) -> None:
    refused = peerloop(environment, "demo", "--port", "9080", "--lms-port", "9080")
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines() == [
        "Error: Peerloop and the LMS need a port each; choose another than 9080 by --lms-port (LMS_PORT=…)"
    ]


@pytest.mark.parametrize("ending", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.long)])
def test_a_demonstration_that_is_ended_half_way_leaves_nothing_running(
    tmp_path: Path, ending: signal.Signals
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
    port, lms_port = free_port(), free_port()
    ports = ("--port", str(port), "--lms-port", str(lms_port))
    process = start(environment, "demo", *ports, "--data", str(tmp_path / "demo"))
    while not is_open(lms_port):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(ending)
    process.communicate(timeout=30)
    assert process.returncode == 128 + ending
    assert not is_open(port)
    assert not is_open(lms_port)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_upgrading_twice_does_no_harm(environment: dict[str, str]) -> None:
    again = peerloop(environment, "db", "upgrade")
    assert again.returncode == 0
    assert "already" in again.stdout


def test_a_platform_is_registered_by_hand_and_listed(environment: dict[str, str]) -> None:
    added = peerloop(
        environment, "platform", "add", "--name", "Northfield", "--issuer", "https://lms.example.edu",
        "--client-id", "1234", "--auth-url", "https://lms.example.edu/auth", "--token-url", "https://lms.example.edu/token",
        "--jwks-url", "https://lms.example.edu/jwks", "--deployment", "1", "--json",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    shown = json.loads(added.stdout)
    assert shown["login_url"] == f"http://localhost:8080/lti/login/{shown['id']}"
    [listed] = json.loads(peerloop(environment, "platform", "list", "--json").stdout)
    assert listed["name"] == "Northfield"


def test_due_work_is_done_in_the_foreground(environment: dict[str, str]) -> None:
    done = peerloop(environment, "sync", "run", "--until-idle", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout).values()) == {0}


def test_a_wrong_setting_is_one_line_and_a_failure(environment: dict[str, str]) -> None:
    for arguments in (["serve"], ["worker"], ["platform", "list"]):
        refused = peerloop(environment | {"PEERLOOP_BASE_URL": "https://tool.example.edu"}, *arguments)
        assert refused.returncode != 0
        assert refused.stderr.strip().splitlines() == [
            "Error: PEERLOOP_SECRET_KEY is not set: https://tool.example.edu is not a loopback address, "
            "so it is never generated"
        ]


def test_a_database_of_another_version_is_one_line_and_a_failure(environment: dict[str, str], tmp_path: Path) -> None:
    empty = environment | {"PEERLOOP_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    refused = peerloop(empty, "serve")
    assert refused.returncode != 0
    assert "peerloop db upgrade" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_one_line_and_a_failure(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = peerloop(environment, "serve", "--port", str(port))
    assert refused.returncode != 0
    assert refused.stderr.strip() == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_the_tool_serves_until_it_is_told_to_stop(environment: dict[str, str]) -> None:
    port = free_port()
    base = f"http://localhost:{port}"
    with start(environment | {"PEERLOOP_BASE_URL": base}, "serve", "--port", str(port)) as server:
        assert _ask_until_ready(f"{base}/readyz").json() == {"status": "ok", "workers": 0}
        assert requests.get(f"{base}/healthz", timeout=5).status_code == 200
        [key] = requests.get(f"{base}/lti/jwks", timeout=5).json()["keys"]
        assert not {"d", "p", "q"} & key.keys()
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=12) == 0


def _ask_until_ready(url: str) -> requests.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return requests.get(url, timeout=2)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_worker_stops_cleanly_within_ten_seconds(environment: dict[str, str]) -> None:
    with start(environment, "worker") as worker:
        assert worker.stdout is not None
        assert b"worker has started" in worker.stdout.readline()
        time.sleep(1.5)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=10) == 0


@pytest.mark.parametrize(("process", "is_lost"), [("serve", False), ("worker", True)])
def test_no_process_starts_with_a_wrong_or_a_lost_encryption_key(
    environment: dict[str, str], process: str, is_lost: bool
) -> None:
    assert peerloop(environment, "keys", "rotate").returncode == 0
    if is_lost:
        (
            Path(environment["PEERLOOP_KEYS_DIR"]) / "key-encryption-key"
        ).unlink()  # another one is generated in its place
    else:
        environment = environment | {"PEERLOOP_KEY_ENCRYPTION_KEY": Fernet.generate_key().decode()}
    refused = peerloop(environment, process)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: PEERLOOP_KEY_ENCRYPTION_KEY does not fit")
    assert refused.stderr.count("\n") == 1
