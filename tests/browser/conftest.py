"""One demonstration for all tests with a browser: three weeks of a program, played once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.demonstration import running_demonstration


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The LMS's address for each role."""
    with running_demonstration(tmp_path_factory.mktemp("demonstration") / "demo") as found:
        yield found
