"""Which tests run in one process, because they share something that takes long to start.

(The marks that pytest-xdist has for this go into the ids of tests, and those of pytest 9.2 can no longer be changed.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

SHARED = {
    "tests/test_loop.py": "the demonstration",
    "tests/browser/test_admin.py": "the demonstration",
    "tests/browser/test_every_page.py": "the demonstration",
    "tests/browser/test_using_it.py": "the demonstration",
    "tests/browser/test_registering.py": "two sites to register at",
    "tests/families/test_every_lms.py": "every LMS",
    "tests/families/test_played.py": "every LMS",
}


class TogetherWhereShared(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Each test by itself to whoever is idle, but those of `SHARED` together; the largest groups first."""

    def _split_scope(self, nodeid: str) -> str:
        return SHARED.get(nodeid.partition("::")[0], nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherWhereShared:
    """Replaces what `--dist` names."""
    return TogetherWhereShared(config, log)
