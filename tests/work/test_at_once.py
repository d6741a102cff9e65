"""Two people, or two taps, at the same instant: nothing is doubled, nothing fails."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.meetings import attendance, pairs
from lti_tool.meetings.tables import Attendance, Meeting, PairSeat, Presence
from lti_tool.work import rules
from lti_tool.work.tables import Assignment, Submission
from tests.support import factories
from tests.support.moments import SetNow, set_now
from tests.work.scene import at_once

__all__ = ["set_now"]


def test_the_same_text_handed_in_by_several_taps_is_one_submission(any_app: Flask) -> None:
    course = factories.make_course()
    people = factories.make_people(course, 2)
    factories.make_cohort(factories.make_program(course), people)
    person_id = people[0].id
    (assignment_id, begins), *_more = db.session.execute(select(Assignment.id, Meeting.starts_at).join(Meeting))

    def hand_in(_number: int) -> None:
        with transaction() as session:
            assignment = session.get_one(Assignment, assignment_id)
            rules.hand_in(session, assignment, person_id, {"text": "Done."}, begins)

    assert at_once(any_app, hand_in) == []
    assert db.session.query(Submission).count() == 1


def test_several_facilitators_mark_pair_and_close_at_once(any_app: Flask, set_now: SetNow) -> None:
    course = factories.make_course()
    people = factories.make_people(course, 6)
    factories.make_cohort(factories.make_program(course), people)
    first = db.session.scalars(select(Meeting).order_by(Meeting.starts_at)).first()
    assert first is not None
    set_now(first.ends_at)
    meeting_id, ids = first.id, [person.id for person in people]

    def hold(number: int) -> None:
        mine = ids[number : number + 3]
        with transaction() as session:
            meeting = session.get_one(Meeting, meeting_id)
            attendance.mark(session, meeting, dict.fromkeys(mine, Presence.PRESENT), ids[number])
            if meeting.closed_at is None:
                pairs.pair_present(session, meeting)
        with transaction() as session:
            attendance.close(session, session.get_one(Meeting, meeting_id), ids[number])

    assert at_once(any_app, hold) == []
    assert sorted(db.session.scalars(select(Attendance.person_id))) == ids
    seats = db.session.scalars(select(PairSeat.person_id)).all()
    assert len(seats) == len(set(seats))
    closings = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "session closed")).all()
    assert len(closings) == 1
