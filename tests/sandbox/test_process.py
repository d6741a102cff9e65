import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from lti_tool.demo.processes import free_port
from tests.sandbox.minitool import MiniTool
from tests.support.sandbox import ROOT, SandboxProcess


def start(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lti_tool.sandbox", "--data", str(data), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_everything_survives_a_restart(own_sandbox: SandboxProcess) -> None:
    tool = MiniTool(own_sandbox, "Peerloop")
    people = own_sandbox.control.state()["courses"]["ctx-feedback"]["people"]
    learner = next(p["sub"] for p in people if p["role"] == "learner" and p["active"] and not p["test_user"])
    (joined,) = own_sandbox.control.people({"action": "add", "course": "ctx-feedback", "name": "Late Comer"})
    item, assertion = tool.create_item(), tool.assertion()
    tool.ask_token(assertion)
    tool.score(item, learner, comment="kept", timestamp="2026-01-05T08:00:00Z")
    teacher = next(p["sub"] for p in people if p["role"] == "instructor")
    robot, number = own_sandbox.robot(teacher), item["id"].partition("?")[0].rpartition("/")[2]
    robot.get(f"/courses/ctx-feedback/gradebook?edit={number}.{learner}")
    robot.submit(robot.form(f"/gradebook/{number}"), score="3", comment="by hand")
    key, before = (own_sandbox.data / "platform-key.pem").read_bytes(), own_sandbox.control.state()

    assert own_sandbox.stop() == 0
    own_sandbox.start()

    after = own_sandbox.control.state()
    assert {name: after[name] for name in ("courses", "tools", "links", "overrides")} == {
        name: before[name] for name in ("courses", "tools", "links", "overrides")
    }
    assert joined in {person["sub"] for person in after["courses"]["ctx-feedback"]["people"]}
    assert (own_sandbox.data / "platform-key.pem").read_bytes() == key
    assert tool.ask_token(assertion).status_code == 401
    assert tool.score(item, learner, timestamp="2026-01-05T08:00:00Z").status_code == 409
    result = tool.result(item, learner)
    assert result is not None
    assert (result["resultScore"], result["scoringUserId"]) == (3, teacher)
    assert [entry["status"] for entry in own_sandbox.control.scores()] == [200, 409]
    assert robot.launch(f"/enter/person/{joined}").text == "Hello"
    robot.close()
    tool.close()


def test_a_score_that_was_answered_survives_a_kill(own_sandbox: SandboxProcess) -> None:
    tool = MiniTool(own_sandbox, "Peerloop")
    people = own_sandbox.control.state()["courses"]["ctx-feedback"]["people"]
    learner = next(p["sub"] for p in people if p["role"] == "learner" and p["active"] and not p["test_user"])
    item = tool.create_item()
    assert tool.score(item, learner).status_code == 200
    own_sandbox.kill()
    own_sandbox.start()
    assert len(tool.results(item)) == 1
    tool.close()


def test_it_is_ready_within_a_second_or_two_and_stops_at_once(own_sandbox: SandboxProcess) -> None:
    own_sandbox.stop()
    started = time.monotonic()
    own_sandbox.start()
    assert time.monotonic() - started < 3
    stopping = time.monotonic()
    assert own_sandbox.stop() == 0
    assert time.monotonic() - stopping < 3


def test_a_taken_port_gives_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start(tmp_path, "--port", port)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "example.org"])  # noqa: S104
def test_it_refuses_to_listen_beyond_this_machine(tmp_path: Path, host: str) -> None:
    ended = start(tmp_path, "--host", host, "--port", str(free_port()))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "loopback" in ended.stderr


def test_without_a_control_token_there_is_no_control_api(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "lti_tool.sandbox", "--data", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                answer = requests.get(f"http://localhost:{port}/control/state", timeout=20)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.status_code == 404
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_secrets_lie_in_files_that_only_the_owner_reads(own_sandbox: SandboxProcess) -> None:
    for name in ("platform-key.pem", "session.key"):
        assert (own_sandbox.data / name).stat().st_mode & 0o777 == 0o600
    assert own_sandbox.data.stat().st_mode & 0o777 == 0o700


def test_the_sandbox_shares_no_code_with_the_tool() -> None:
    for path in (ROOT / "lti_tool" / "sandbox").rglob("*.py"):
        imports = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in imports if "pylti1p3" in line or "config" in line.split()]
        assert not [line for line in imports if "lti_tool" in line and "lti_tool.sandbox" not in line]


def test_the_roster_is_the_same_on_every_machine(own_sandbox: SandboxProcess, sandbox: SandboxProcess) -> None:
    def subs(process: SandboxProcess) -> list[str]:
        return [person["sub"] for person in process.control.state()["courses"]["ctx-coaching"]["people"]]

    assert subs(own_sandbox) == subs(sandbox)
