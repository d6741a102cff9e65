"""Who is in one cohort though they must not meet, as learners say. For staff only."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from lti_tool.cohorts import words
from lti_tool.cohorts.words import _, ngettext
from lti_tool.questions import knowing


def told(session: Session, course_id: int, cohorts: Sequence[Sequence[int]], names: words.Names) -> str | None:
    """The pairs that one of these cohorts brings together, in a sentence; `cohorts` have ids of people."""
    place = {person: index for index, members in enumerate(cohorts) for person in members}
    pairs = [
        _("%(one)s with %(other)s", one=names[str(one)], other=names[str(other)])
        for one, other in knowing.wishes_of(session, course_id, place).apart
        if place[one] == place[other]
    ]
    if not pairs:
        return None
    return ngettext(
        "%(num)s pair that must not meet, as learners say, is in one cohort: %(pairs)s.",
        "%(num)s pairs that must not meet, as learners say, are in one cohort: %(pairs)s.",
        len(pairs),
        pairs=words.listed(pairs),
    )
