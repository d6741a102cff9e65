"""Spot checks: of what partners have confirmed, a share is drawn for the facilitator to look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from math import floor

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool.programs.fields import FormError, Reader
from lti_tool.work import answers
from lti_tool.work.rows import credited, lock, note
from lti_tool.work.tables import Assignment, Submission

LONGEST_REASON = 500


def is_drawn(number: int, percent: int, assignment_id: int) -> bool:
    """Whether the partner's confirmation with this number (from 1) in an assignment is looked at.

    Of n confirmations the share is drawn to within one, whatever n is; where the count begins differs by assignment,
    so that it is not always the first who are looked at.
    """
    begins = int.from_bytes(sha256(str(assignment_id).encode()).digest()[:4], "big") / 2**32
    share = percent / 100
    return floor(number * share + begins) > floor((number - 1) * share + begins)


def draw(session: Session, submission: Submission, percent: int) -> None:
    """Decide once whether a hand-in that a partner has just confirmed is looked at. What was sent back always is."""
    if submission.drawn:
        return
    before = select(func.count(Submission.drawn)).where(
        Submission.assignment_id == submission.assignment_id, Submission.id != submission.id
    )
    submission.drawn = is_drawn((session.scalar(before) or 0) + 1, percent, submission.assignment_id)


def look_at(
    session: Session, submission: Submission, fields: Mapping[str, str], actor_id: int, now: datetime
) -> None:
    """Say of a drawn hand-in that it is fine, or with `back` send it back and say in `why` what is missing.

    Then it counts no more until it was changed and confirmed again. Raises FormError.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    lock(session, assignment)
    session.refresh(
        submission, ["text", "link", "file_digest", "drawn", "looked_at", "confirmed_at", "confirmed_by_id"]
    )
    if actor_id in {*credited(session, submission), submission.confirmed_by_id}:
        raise FormError(
            {"look": _("Nobody looks at their own work here, nor at what they confirmed: another facilitator does.")}
        )
    if submission.looked_at is not None:
        return
    if not submission.drawn or submission.confirmed_at is None:
        raise FormError({"look": _("This was not drawn to be looked at, or is no longer confirmed.")})
    if fields.get("seen") != answers.fingerprint(submission):
        raise FormError({"look": _("This was changed in the meantime. Read it again.")})
    if not fields.get("back"):
        submission.looked_at, submission.looked_by_id = now, actor_id
        note(session, assignment, submission, "assignment looked at", actor_id)
        return
    reader = Reader(fields)
    submission.sent_back = reader.text("why", LONGEST_REASON)
    reader.check()
    submission.confirmed_at = submission.confirmed_by_id = None
    note(session, assignment, submission, "assignment sent back", actor_id)
