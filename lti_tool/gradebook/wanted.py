"""What a learner's cells should show, from how far they are. Pure functions.

A score is what was earned over what was due so far, so that perfect attendance shows as full in week 3; it is
empty before anything is due. `FullyGraded` is the only word with which every LMS keeps a score, so a score
always carries it and `activityProgress` says that more is to come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from lti_tool.gradebook.states import NOTHING, Message
from lti_tool.lti.grades import Activity, Grading

MAXIMUM = 100.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of the `due` so far; `total` is the whole program. Excused things are in none of the three.

    `earned` is what the done ones are worth where one may be worth less than one; the score is made of it.
    """

    done: int
    due: int
    total: int
    earned: float | None = None

    @property
    def worth(self) -> float:
        """What counts for the score."""
        return self.done if self.earned is None else self.earned


def measured(progress: Progress | None, unit: str) -> Message:
    """The cell of one measure: "5 of 8 sessions"."""
    if progress is None or not progress.due:
        return NOTHING
    return Message(
        score=_share(progress.worth, progress.due),
        comment=_("%(done)s of %(total)s %(unit)s", done=progress.done, total=progress.total, unit=unit),
        activity=Activity.COMPLETED if progress.due >= progress.total else Activity.IN_PROGRESS,
        grading=Grading.FULLY_GRADED,
    )


def week(parts: Iterable[Progress]) -> Message:
    """The cell of one week: "1 of 2 done"."""
    all_of_it = together(parts)
    if not all_of_it.due:
        return NOTHING
    return Message(
        score=_share(all_of_it.worth, all_of_it.due),
        comment=_done(all_of_it),
        activity=Activity.COMPLETED if all_of_it.due >= all_of_it.total else Activity.IN_PROGRESS,
        grading=Grading.FULLY_GRADED,
    )


def completion(parts: Iterable[Progress], *, over: bool) -> Message:
    """The cell of the program: without a score until everything was due, or the program is over."""
    all_of_it = together(parts)
    if not all_of_it.due:
        return NOTHING
    if over or all_of_it.due >= all_of_it.total:
        score = _share(all_of_it.worth, all_of_it.due)
        return Message(score, _done(all_of_it), Activity.COMPLETED, Grading.FULLY_GRADED)
    return Message(None, _done(all_of_it), Activity.IN_PROGRESS, Grading.PENDING)


def together(parts: Iterable[Progress]) -> Progress:
    """Several progresses as one."""
    held = tuple(parts)
    earned = None if all(part.earned is None for part in held) else sum(part.worth for part in held)
    done, due, total = (sum(getattr(part, name) for part in held) for name in ("done", "due", "total"))
    return Progress(done, due, total, earned)


def _done(part: Progress) -> str:
    text: str = _("%(done)s of %(total)s done", done=part.done, total=part.total)
    return text


def _share(worth: float, due: int) -> float:
    return round(MAXIMUM * worth / due, 2)
