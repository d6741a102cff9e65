"""The sandbox LMS playing each family: one process for each, for as long as the tests of this folder run."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.sandbox import SandboxProcess

PlayedLms = Callable[[str], SandboxProcess]


@pytest.fixture(scope="package")
def played_lms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedLms]:
    """Starts the LMS of a family when it is first asked for. Several tools may be registered in it."""
    processes: dict[str, SandboxProcess] = {}

    def play(family: str) -> SandboxProcess:
        if family not in processes:
            processes[family] = SandboxProcess(tmp_path_factory.mktemp(family), family=family)
        return processes[family]

    yield play
    for process in processes.values():
        process.close()
