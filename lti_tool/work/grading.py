"""Grading a hand-in by its rubric, as staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.tables import Grading
from lti_tool.work import answers, rubric
from lti_tool.work.rows import credited, lock, module_of, note
from lti_tool.work.tables import Assignment, Grade, Submission

LEVEL = "level-"  # followed by the number of a criterion
LONGEST_COMMENT = 2000


def grade(session: Session, submission: Submission, fields: Mapping[str, str], actor_id: int, now: datetime) -> Grade:
    """Give points: `level-1` and so on, the place of the level reached; `comment`; `seen`, what was read of it.

    A later grade replaces an earlier one. Raises FormError.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    module = module_of(session, assignment)
    if module.assignment_grading != Grading.POINTS:
        raise FormError({"grade": _("This assignment is not graded by points.")})
    if actor_id in credited(session, submission):
        raise FormError({"grade": _("Nobody can grade their own work.")})
    levels = _levels(rubric.parse(module.assignment_rubric), fields)
    reader = Reader(fields)
    comment = reader.optional_text("comment", LONGEST_COMMENT)
    reader.check()
    lock(session, assignment)
    session.refresh(submission, ["text", "link", "file_digest"])
    if fields.get("seen") != answers.fingerprint(submission):
        raise FormError({"grade": _("This was changed in the meantime. Read it again, then grade it.")})
    found = session.get(Grade, submission.id, populate_existing=True)
    if found is not None and (found.levels, found.comment) == (levels, comment):
        return found
    if found is None:
        found = Grade(submission_id=submission.id)
        session.add(found)
    found.levels, found.points, found.comment = levels, sum(levels), comment
    found.graded_by_id, found.graded_at = actor_id, now
    note(session, assignment, submission, "assignment graded", actor_id, {"points": found.points})
    return found


def _levels(criteria: list[rubric.Criterion], fields: Mapping[str, str]) -> list[int]:
    chosen = [fields.get(f"{LEVEL}{number}", "") for number in range(1, len(criteria) + 1)]
    for level, criterion in zip(chosen, criteria, strict=True):
        if level not in {str(place) for place in range(len(criterion.levels))}:
            raise FormError({"grade": _("Choose a level for “%(name)s”.", name=criterion.name)})
    return [int(level) for level in chosen]
