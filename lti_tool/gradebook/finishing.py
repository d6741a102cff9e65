"""The end of a program: completion becomes final even if a session was never closed."""

from __future__ import annotations

from sqlalchemy import select

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.gradebook import progress
from lti_tool.gradebook.columns import COMPLETION
from lti_tool.gradebook.tables import Column


def finish_due() -> bool:
    """Recount one program that has ended since. False when there is none."""
    now = clock.now()
    with transaction() as session:
        column = session.scalar(
            select(Column)
            .where(Column.measure == COMPLETION, Column.finished_at.is_(None), Column.ends_at <= now)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if column is None:
            return False
        progress.everybody(session, column.program_id, now)
        if column.ends_at <= now:  # the recount may have found a longer plan
            column.finished_at = now
    return True
