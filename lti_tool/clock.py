"""The two times there are.

`wall()` is the wire's time: tokens, states, visits, leases. `now()` is the program's time: sessions, due
dates, deeds. They are the same unless a demonstration moves the second one by a file (see
`PEERLOOP_CLOCK_FILE`), so that three weeks of a program can be played in a minute without lying to the LMS.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lti_tool import settings


def wall() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The program's present, aware, in UTC."""
    return wall() + _offset(settings.current().clock_file)


def _offset(file: Path | None) -> timedelta:
    if file is None:
        return timedelta()
    return timedelta(seconds=float(file.read_text() or 0))
