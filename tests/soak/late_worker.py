"""`peerloop worker` on a machine whose clock is behind: `python -m tests.soak.late_worker SECONDS`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from lti_tool import clock
from lti_tool.cli import main


def late_by(seconds: float) -> None:
    """Put this process's clock back."""
    behind = timedelta(seconds=seconds)
    clock.wall = lambda: datetime.now(UTC) - behind


if __name__ == "__main__":
    late_by(float(sys.argv[1]))
    main(["worker"])
