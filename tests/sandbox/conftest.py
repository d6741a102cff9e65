from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.minitool import MiniTool
from tests.support.sandbox import SandboxProcess


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def tool(sandbox: SandboxProcess) -> Iterator[MiniTool]:
    tool = MiniTool(sandbox, "Peerloop")
    yield tool
    tool.close()


@pytest.fixture(scope="session")
def other_tool(sandbox: SandboxProcess, tool: MiniTool) -> Iterator[MiniTool]:
    """A second registered tool, which must not see what belongs to the first."""
    assert tool.client_id
    other = MiniTool(sandbox, "Another tool")
    yield other
    other.close()


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A process of its own, for tests that stop it or change its people."""
    process = SandboxProcess(tmp_path / "data")
    yield process
    process.close()


@pytest.fixture(autouse=True)
def no_faults_remain(sandbox: SandboxProcess) -> Iterator[None]:
    yield
    sandbox.control.clear_faults()


@pytest.fixture(scope="session")
def learners(sandbox: SandboxProcess) -> list[str]:
    """The subs of the people who can be graded in the first course."""
    people = sandbox.control.state()["courses"]["ctx-feedback"]["people"]
    return [p["sub"] for p in people if p["role"] == "learner" and p["active"] and not p["test_user"]]


@pytest.fixture(scope="session")
def staff(sandbox: SandboxProcess) -> dict[str, str]:
    """One sub for each other kind of person of the first course."""
    people = sandbox.control.state()["courses"]["ctx-feedback"]["people"]
    found = {p["role"]: p["sub"] for p in people if p["role"] != "learner"}
    found["test"] = next(p["sub"] for p in people if p["test_user"])
    found["left"] = next(p["sub"] for p in people if not p["active"])
    return found
