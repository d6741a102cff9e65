"""What a learner's cells should show, from how far they are. Pure functions.

A score is what was earned over what was due so far, so that perfect attendance shows as full in week 3; it is
empty before anything is due. `FullyGraded` is the only word with which every LMS keeps a score, so a score
always carries it and `activityProgress` says that more is to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from lti_tool.gradebook.states import NOTHING, Message
from lti_tool.lti.grades import Activity, Grading

if TYPE_CHECKING:
    from lti_tool.gradebook.progress import Progress

MAXIMUM = 100.0


def measured(progress: Progress | None, unit: str) -> Message:
    """The cell of one measure: "5 of 8 sessions"."""
    if progress is None or not progress.due:
        return NOTHING
    return Message(
        score=_share(progress.done, progress.due),
        comment=_("%(done)s of %(total)s %(unit)s", done=progress.done, total=progress.total, unit=unit),
        activity=Activity.COMPLETED if progress.due >= progress.total else Activity.IN_PROGRESS,
        grading=Grading.FULLY_GRADED,
    )


def completion(parts: Sequence[Progress], *, over: bool) -> Message:
    """The cell of the program: without a score until everything was due, or the program is over."""
    done, due, total = (sum(getattr(part, name) for part in parts) for name in ("done", "due", "total"))
    if not due:
        return NOTHING
    comment = _("%(done)s of %(total)s done", done=done, total=total)
    if over or due >= total:
        return Message(_share(done, due), comment, Activity.COMPLETED, Grading.FULLY_GRADED)
    return Message(None, comment, Activity.IN_PROGRESS, Grading.PENDING)


def _share(done: int, due: int) -> float:
    return round(MAXIMUM * done / due, 2)
