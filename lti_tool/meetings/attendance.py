"""Who was there: marking a cohort in one go, closing a session so that it counts, correcting it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from lti_tool import audit, clock, jobs
from lti_tool.gradebook import progress
from lti_tool.meetings import pairs, room
from lti_tool.meetings.members import expected_in
from lti_tool.meetings.rows import course_of_meeting, lock, program_of_meeting
from lti_tool.meetings.signals import meeting_closed
from lti_tool.meetings.tables import HERE, Attendance, Meeting, Presence
from lti_tool.programs.fields import FormError

# Somebody comes late and everybody waits for their pair, so these statements are built once.
_table = cast(Table, Attendance.__table__)
_MARKS = select(Attendance).where(Attendance.meeting_id == bindparam("meeting_id"))
_PRESENCES = select(_table.c.person_id, _table.c.presence).where(_table.c.meeting_id == bindparam("meeting_id"))
_MARK = insert(_table)
_MARK_ANEW = update(_table).where(
    _table.c.meeting_id == bindparam("of_meeting"), _table.c.person_id == bindparam("of_person")
)


def marks_of(session: Session, meeting_id: int) -> dict[int, Attendance]:
    """What has been marked in a session, by person id."""
    rows = session.scalars(_MARKS, {"meeting_id": meeting_id})
    return {row.person_id: row for row in rows}


def presences_of(session: Session, meeting_id: int) -> dict[int, str]:
    """The same without by whom and when."""
    return dict(iter(session.execute(_PRESENCES, {"meeting_id": meeting_id})))


def mark(session: Session, meeting: Meeting, marks: Mapping[int, Presence], actor_id: int | None) -> int:
    """Say how people took part; those whom `marks` leaves out stay as they are. Returns how many changed.

    Of two people who mark at once the later one wins, person by person; the audit has both. Pairs that follow who is
    here are made again, and a correction of a closed session counts, in the same transaction. Raises FormError when
    somebody does not belong to the session.
    """
    lock(session, meeting)
    before = presences_of(session, meeting.id)
    unmarked = marks.keys() - before.keys()
    if unmarked and not unmarked <= set(expected_in(session, meeting)):
        text = _("Somebody in this list does not belong to the cohort. Reload the page to see who does.")
        raise FormError({"presence": text})
    changed = {person_id: presence for person_id, presence in marks.items() if before.get(person_id) != presence}
    if not changed:
        return 0
    _note(session, meeting, "attendance marked", actor_id, {p: before.get(p) for p in changed}, changed)
    _store(session, meeting, changed, before.keys(), actor_id)
    _settle(session, meeting, before | changed)
    return len(changed)


def _store(
    session: Session, meeting: Meeting, marks: Mapping[int, Presence], marked: Set[int], actor_id: int | None
) -> None:
    """Write marks, of which those of people who are `marked` replace others."""
    by = {"marked_by_id": actor_id, "marked_at": clock.now()}
    new = [
        {"meeting_id": meeting.id, "person_id": person_id, "presence": presence.value, **by}
        for person_id, presence in marks.items()
        if person_id not in marked
    ]
    if new:
        session.execute(_MARK, new)
    for person_id in marks.keys() & marked:
        found = {"of_meeting": meeting.id, "of_person": person_id}
        session.execute(_MARK_ANEW.values(presence=marks[person_id].value, **by), found)


def unmark(session: Session, meeting: Meeting, person_id: int, actor_id: int | None) -> None:
    """Take somebody's mark back, as if nobody had said anything yet; the audit keeps it."""
    lock(session, meeting)
    before = presences_of(session, meeting.id)
    presence = before.pop(person_id, None)
    if presence is None or meeting.closed_at is not None:
        return
    session.execute(delete(_table).where(_table.c.meeting_id == meeting.id, _table.c.person_id == person_id))
    _note(session, meeting, "attendance unmarked", actor_id, {person_id: presence}, {})
    _settle(session, meeting, before)


def _settle(session: Session, meeting: Meeting, presences: Mapping[int, str]) -> None:
    """What follows from marks that have just changed; `presences` are all that there are now."""
    meeting.version += 1
    here = sorted(person_id for person_id, presence in presences.items() if presence in HERE)
    room.follow_who_is_here(session, meeting, here)
    if meeting.closed_at is not None:
        _count(session, meeting, presences)  # all: what is asked of partners depends on who was there
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
    marked = presences_of(session, meeting.id)
    unmarked = [person_id for person_id in expected_in(session, meeting) if person_id not in marked]
    absent = dict.fromkeys(unmarked, Presence.ABSENT)
    _store(session, meeting, absent, marked.keys(), actor_id)
    meeting.closed_at = now
    meeting.version += 1
    _note(session, meeting, "session closed", actor_id, dict.fromkeys(unmarked), absent)
    meeting_closed.send(program_of_meeting(session, meeting), session=session, meeting=meeting)
    _count(session, meeting, [*marked, *unmarked])
    pairs.plan_if_repeating(session, meeting.cohort_id)


def reopen(session: Session, meeting: Meeting, actor_id: int | None) -> None:
    """Let a closed session count no longer, until it is closed again. Its marks stay."""
    lock(session, meeting)
    if meeting.closed_at is None:
        return
    meeting.closed_at = None
    meeting.version += 1
    _note(session, meeting, "session reopened", actor_id, {}, {})
    _count(session, meeting, presences_of(session, meeting.id))


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
