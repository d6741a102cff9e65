"""Who was there: marking a cohort in one go, closing a session so that it counts, correcting it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lti_tool import audit, clock, jobs
from lti_tool.gradebook import progress
from lti_tool.meetings import pairs, room
from lti_tool.meetings.members import expected_in, members_of
from lti_tool.meetings.rows import course_of_meeting, lock, program_of_meeting
from lti_tool.meetings.tables import HERE, Attendance, Meeting, Presence
from lti_tool.programs.fields import FormError

_MARKS = select(Attendance).where(Attendance.meeting_id == bindparam("meeting_id"))


def marks_of(session: Session, meeting_id: int) -> dict[int, Attendance]:
    """What has been marked in a session, by person id."""
    rows = session.scalars(_MARKS, {"meeting_id": meeting_id})
    return {row.person_id: row for row in rows}


def mark(session: Session, meeting: Meeting, marks: Mapping[int, Presence], actor_id: int | None) -> int:
    """Say how people took part; those whom `marks` leaves out stay as they are. Returns how many changed.

    Of two people who mark at once the later one wins, person by person; the audit has both. Pairs that follow who is
    here are made again, and a correction of a closed session counts, in the same transaction. Raises FormError when
    somebody does not belong to the session.
    """
    lock(session, meeting)
    rows = marks_of(session, meeting.id)
    unmarked = marks.keys() - rows.keys()
    if unmarked and not unmarked <= set(expected_in(session, meeting)):
        text = _("Somebody in this list does not belong to the cohort. Reload the page to see who does.")
        raise FormError({"presence": text})
    before = {person_id: row.presence for person_id, row in rows.items()}
    changed = {person_id: presence for person_id, presence in marks.items() if before.get(person_id) != presence}
    if not changed:
        return 0
    _note(session, meeting, "attendance marked", actor_id, {p: before.get(p) for p in changed}, changed)
    for person_id, presence in changed.items():
        row = rows.setdefault(person_id, Attendance(meeting_id=meeting.id, person_id=person_id))
        row.presence, row.marked_by_id, row.marked_at = presence.value, actor_id, clock.now()
        session.add(row)
    _settle(session, meeting, changed, rows)
    return len(changed)


def unmark(session: Session, meeting: Meeting, person_id: int, actor_id: int | None) -> None:
    """Take somebody's mark back, as if nobody had said anything yet; the audit keeps it."""
    lock(session, meeting)
    rows = marks_of(session, meeting.id)
    row = rows.pop(person_id, None)
    if row is None or meeting.closed_at is not None:
        return
    session.delete(row)
    _note(session, meeting, "attendance unmarked", actor_id, {person_id: row.presence}, {})
    _settle(session, meeting, [person_id], rows)


def _settle(session: Session, meeting: Meeting, person_ids: Iterable[int], rows: Mapping[int, Attendance]) -> None:
    """What follows from marks that have just changed for some people; `rows` are all that there are now."""
    meeting.version += 1
    session.flush()
    here = sorted(person_id for person_id, row in rows.items() if row.presence in HERE)
    room.follow_who_is_here(session, meeting, here)
    if meeting.closed_at is not None:
        _count(session, meeting, person_ids)
    if meeting.starts_at > clock.now():
        jobs.ring(session, pairs.JOB)  # of a session that has begun nobody plans the pairs


def close(session: Session, meeting: Meeting, actor_id: int | None) -> None:
    """End a session: it counts from now on, and whoever was not marked was absent. Closing twice does no harm.

    Raises FormError before the session has begun.
    """
    lock(session, meeting)
    if meeting.closed_at is not None:
        return
    now = clock.now()
    if meeting.starts_at > now:
        raise FormError({"close": _("This session has not begun yet. Close it when it is over, or move it first.")})
    members = [person.id for person in members_of(session, meeting)]
    unmarked = [person_id for person_id in members if person_id not in marks_of(session, meeting.id)]
    session.add_all(
        Attendance(
            meeting_id=meeting.id,
            person_id=person_id,
            presence=Presence.ABSENT.value,
            marked_by_id=actor_id,
            marked_at=now,
        )
        for person_id in unmarked
    )
    meeting.closed_at = now
    meeting.version += 1
    absent = dict.fromkeys(unmarked, Presence.ABSENT)
    _note(session, meeting, "session closed", actor_id, dict.fromkeys(unmarked), absent)
    _count(session, meeting, members)
    pairs.plan_if_repeating(session, meeting.cohort_id)


def reopen(session: Session, meeting: Meeting, actor_id: int | None) -> None:
    """Let a closed session count no longer, until it is closed again. Its marks stay."""
    lock(session, meeting)
    if meeting.closed_at is None:
        return
    meeting.closed_at = None
    meeting.version += 1
    _note(session, meeting, "session reopened", actor_id, {}, {})
    _count(session, meeting, marks_of(session, meeting.id))


def _count(session: Session, meeting: Meeting, person_ids: Iterable[int]) -> None:
    session.flush()
    progress.changed(session, program_of_meeting(session, meeting).id, list(person_ids))


def _note(
    session: Session,
    meeting: Meeting,
    action: str,
    actor_id: int | None,
    before: Mapping[int, str | None],
    after: Mapping[int, Presence],
) -> None:
    audit.record(
        session,
        action,
        "meeting",
        meeting.id,
        course_id=course_of_meeting(session, meeting),
        actor_id=actor_id,
        before={str(person_id): presence for person_id, presence in before.items()},
        after={str(person_id): presence.value for person_id, presence in after.items()},
    )
