"""Taking something on, saying how it went, and having seen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.commitments import queries
from lti_tool.commitments.tables import DONE, Commitment, Outcome
from lti_tool.gradebook import progress
from lti_tool.meetings import room
from lti_tool.meetings.members import members_of
from lti_tool.meetings.rows import lock, program_of_meeting, raise_versions
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.schedule import local_time
from lti_tool.roster.tables import Person

LONGEST_TEXT = 500
FARTHEST = timedelta(days=60)
DUE_AT = time(18, 0)
FACILITATOR = "facilitator"  # what the field `witness` holds where the facilitator is to see it


def take_on(
    session: Session, meeting: Meeting, person_id: int, fields: Mapping[str, str], zone: str, now: datetime
) -> Commitment:
    """Write down what a member of a session will do: `text` (up to 500 characters) until 18:00 of `day` in `zone`,
    seen by `witness`. It can be changed until it is said how it went.

    Raises FormError.
    """
    lock(session, meeting)
    if now < meeting.starts_at - room.EARLY:
        raise FormError({"text": _("You can write this down once the session has begun.")})
    reader = Reader(fields)
    today = now.astimezone(ZoneInfo(zone)).date()
    text, day = reader.text("text", LONGEST_TEXT), reader.day("day", today, today + FARTHEST)
    witness_id = _witness(session, meeting, person_id, reader)
    reader.check()
    due_at = local_time(day, DUE_AT, zone)
    commitment = own(session, meeting.id, person_id)
    is_new = commitment is None
    if commitment is None:
        commitment = Commitment(meeting_id=meeting.id, person_id=person_id, made_at=now)
        session.add(commitment)
    elif commitment.outcome is not None:
        raise FormError(
            {"text": _("You have said how this went. What you take on next belongs to the next session.")}
        )
    elif (commitment.text, commitment.due_at, commitment.witness_id) == (text, due_at, witness_id):
        return commitment
    commitment.text, commitment.due_at, commitment.witness_id = text, due_at, witness_id
    # The first one of a session says that all who were there are asked for theirs.
    asked = queries.marked_in(session, meeting.id) if is_new else ()
    _note(session, commitment, meeting, "commitment written down", person_id, asked)
    return commitment


def witnesses(session: Session, meeting: Meeting, person_id: int) -> Sequence[Person]:
    """Who of a session can be somebody's witness, by name."""
    return [person for person in members_of(session, meeting) if person.id != person_id]


def _witness(session: Session, meeting: Meeting, person_id: int, reader: Reader) -> int | None:
    chosen = reader.values.get("witness", "")
    if chosen == FACILITATOR:
        return None
    by_id = {str(person.id): person.id for person in witnesses(session, meeting, person_id)}
    if chosen not in by_id:
        reader.errors["witness"] = _("Choose somebody of this session, or your facilitator.")
    return by_id.get(chosen)


def say_how_it_went(session: Session, commitment: Commitment, fields: Mapping[str, str], now: datetime) -> None:
    """Take down `outcome`, and `hindrance` (what got in the way) unless it was kept; until the witness has confirmed.

    Raises FormError.
    """
    meeting = _locked(session, commitment)
    if commitment.confirmed_at is not None:
        raise FormError({"outcome": _("This has been confirmed and can no longer be changed.")})
    reader = Reader(fields)
    outcome = fields.get("outcome", "")
    if outcome not in set(Outcome):
        reader.errors["outcome"] = _("Choose how it went.")
    hindrance = reader.optional_text("hindrance", LONGEST_TEXT) if outcome != Outcome.KEPT else None
    reader.check()
    if (commitment.outcome, commitment.hindrance) == (outcome, hindrance):
        return
    commitment.outcome, commitment.hindrance, commitment.answered_at = outcome, hindrance, now
    _note(session, commitment, meeting, "commitment answered", commitment.person_id)


def confirm(session: Session, commitment: Commitment, actor_id: int, seen: str, now: datetime) -> None:
    """Say as the witness, or as the cohort's facilitator, that it was done. Confirming twice does no harm.

    `seen` is the outcome that was read. Raises FormError. The caller has checked who `actor_id` is.
    """
    meeting = _locked(session, commitment)
    if commitment.person_id == actor_id:
        raise FormError({"confirm": _("Nobody confirms what they took on themselves: the witness does.")})
    if commitment.confirmed_at is not None:
        return
    if commitment.outcome != seen or seen not in DONE:
        raise FormError({"confirm": _("What was said of it has changed. Read it again, then confirm it.")})
    commitment.confirmed_by_id, commitment.confirmed_at = actor_id, now
    _note(session, commitment, meeting, "commitment confirmed", actor_id)


def own(session: Session, meeting_id: int, person_id: int) -> Commitment | None:
    """What somebody took on in a session."""
    return session.scalar(
        select(Commitment).where(Commitment.meeting_id == meeting_id, Commitment.person_id == person_id)
    )


def _locked(session: Session, commitment: Commitment) -> Meeting:
    """Let those who write about one session wait for each other, and see what the last one did."""
    meeting = session.get_one(Meeting, commitment.meeting_id)
    lock(session, meeting)
    session.refresh(commitment, ["text", "outcome", "hindrance", "confirmed_at", "confirmed_by_id"])
    return meeting


def _note(
    session: Session,
    commitment: Commitment,
    meeting: Meeting,
    action: str,
    actor_id: int,
    others: Sequence[int] = (),
) -> None:
    """Write down what was done with a commitment; it counts for its person, and `others` it may count for too."""
    session.flush()
    meeting.version += 1  # the facilitator's page shows how many have written something down
    raise_versions(session, queries.next_meetings(session, meeting, commitment.person_id))
    program = program_of_meeting(session, meeting)
    audit.record(
        session,
        action,
        "commitment",
        commitment.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": commitment.person_id, "outcome": commitment.outcome},
    )
    progress.changed(session, program.id, sorted({commitment.person_id, *others}))
