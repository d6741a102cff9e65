"""Attendance: marked in one go, corrected with its history, counted in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_tool.audit import AuditEntry
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance, measure, pairs
from lti_tool.meetings.members import members_of
from lti_tool.meetings.tables import Attendance, Meeting, Presence
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person
from tests.support import factories
from tests.support.moments import SetNow, counted_queries, set_now

__all__ = ["set_now"]

PRESENT, LATE, EXCUSED, ABSENT = Presence.PRESENT, Presence.LATE, Presence.EXCUSED, Presence.ABSENT


class Scene:
    """A cohort of people with the sessions of its program; time stands at the end of the first one."""

    def __init__(self, count: int, set_now: SetNow) -> None:
        self.course = factories.make_course()
        self.program: Program = factories.make_program(self.course)
        self.people: list[Person] = factories.make_people(self.course, count)
        self.cohort: Cohort = factories.make_cohort(self.program, self.people)
        self.set_now = set_now
        self.move_to(1)

    def meeting(self, number: int) -> Meeting:
        query = select(Meeting).where(Meeting.cohort_id == self.cohort.id).order_by(Meeting.starts_at)
        return db.session.scalars(query).all()[number - 1]

    def move_to(self, number: int) -> None:
        self.set_now(self.meeting(number).ends_at)

    def hold(self, number: int, marks: dict[int, Presence] | None = None) -> None:
        """Hold a session: everybody is present but for `marks` (by index), pairs are made, it is closed."""
        self.move_to(number)
        chosen = {p.id: (marks or {}).get(index, PRESENT) for index, p in enumerate(self.people)}
        with transaction() as session:
            meeting = session.get_one(Meeting, self.meeting(number).id)
            attendance.mark(session, meeting, chosen, None)
            pairs.pair_present(session, meeting)
            attendance.close(session, meeting, None)

    def progress(self, index: int) -> tuple[int, int, int] | None:
        found = measure.count(db.session(), self.program.id, [p.id for p in self.people], factories.NOW)
        one = found.get(self.people[index].id)
        return (one.done, one.due, one.total) if one else None

    def groups(self, number: int) -> list[set[str]]:
        meeting_id = self.meeting(number).id
        return [set(group) for group in pairs.seats_of(db.session(), [meeting_id])[meeting_id]]


MakeScene = Callable[[int], Scene]


@pytest.fixture
def make_scene(set_now: SetNow) -> MakeScene:
    return lambda count: Scene(count, set_now)


def _cell(scene: Scene, index: int) -> Cell:
    query = select(Cell).join(Column).where(Column.measure == "sessions", Cell.person_id == scene.people[index].id)
    return db.session.scalars(query).one()


@pytest.mark.usefixtures("any_app")
def test_a_closed_session_counts_and_who_was_not_marked_was_absent(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    with transaction() as session:
        meeting = session.get_one(Meeting, scene.meeting(1).id)
        attendance.mark(session, meeting, {scene.people[0].id: PRESENT, scene.people[1].id: LATE}, None)
        attendance.close(session, meeting, None)
    assert [scene.progress(index) for index in range(4)] == [(1, 1, 8), (1, 1, 8), (0, 1, 8), (0, 1, 8)]
    assert _cell(scene, 0).wanted_comment == "1 of 8 sessions"
    assert _cell(scene, 0).wanted_score == 100
    assert _cell(scene, 3).wanted_score == 0


@pytest.mark.usefixtures("any_app")
def test_before_it_is_closed_a_session_counts_for_nobody(make_scene: MakeScene) -> None:
    scene = make_scene(2)
    with transaction() as session:
        meeting = session.get_one(Meeting, scene.meeting(1).id)
        attendance.mark(session, meeting, {scene.people[0].id: PRESENT}, None)
    assert scene.progress(0) == (0, 0, 8)
    assert db.session.query(Cell).count() == 0


@pytest.mark.usefixtures("any_app")
def test_who_was_excused_owes_one_session_less(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1, {0: EXCUSED})
    scene.hold(2)
    assert scene.progress(0) == (1, 1, 7)
    assert scene.progress(1) == (2, 2, 8)


@pytest.mark.usefixtures("any_app")
def test_a_correction_after_closing_counts_at_once_and_keeps_its_history(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1, {0: ABSENT})
    assert _cell(scene, 0).wanted_score == 0
    with transaction() as session:
        attendance.mark(session, scene.meeting(1), {scene.people[0].id: LATE}, scene.people[1].id)
    assert scene.progress(0) == (1, 1, 8)
    assert _cell(scene, 0).wanted_score == 100
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    key = str(scene.people[0].id)
    assert (last.actor_id, last.before, last.after) == (scene.people[1].id, {key: "absent"}, {key: "late"})


@pytest.mark.usefixtures("app")
def test_closing_twice_and_marking_the_same_again_change_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1)
    entries = db.session.query(AuditEntry).count()
    with transaction() as session:
        meeting = scene.meeting(1)
        assert attendance.mark(session, meeting, {scene.people[0].id: PRESENT}, None) == 0
        attendance.close(session, meeting, None)
    assert db.session.query(AuditEntry).count() == entries


@pytest.mark.usefixtures("any_app")
def test_a_reopened_session_counts_for_nobody_until_it_is_closed_again(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1)
    with transaction() as session:
        attendance.reopen(session, scene.meeting(1), None)
    assert scene.progress(0) == (0, 0, 8)
    assert _cell(scene, 0).wanted_score is None
    with transaction() as session:
        attendance.close(session, scene.meeting(1), None)
    assert scene.progress(0) == (1, 1, 8)


@pytest.mark.usefixtures("app")
def test_a_session_that_has_not_begun_is_not_closed(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    with transaction() as session, pytest.raises(FormError, match="not begun"):
        attendance.close(session, scene.meeting(2), None)


@pytest.mark.usefixtures("app")
def test_a_stranger_is_not_marked(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    (stranger,) = factories.make_people(scene.course, ["Stranger"])
    with transaction() as session, pytest.raises(FormError, match="does not belong"):
        attendance.mark(session, scene.meeting(1), {stranger.id: PRESENT}, None)
    assert db.session.query(Attendance).count() == 0


@pytest.mark.usefixtures("any_app")
def test_who_joins_later_owes_only_the_sessions_since(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1)
    (late,) = factories.make_people(scene.course, ["Late Joiner"])
    with transaction() as session:
        since = scene.meeting(1).ends_at + timedelta(days=1)
        session.add(
            Membership(program_id=scene.program.id, cohort_id=scene.cohort.id, person_id=late.id, since=since)
        )
    scene.people.append(late)
    assert late not in members_of(db.session(), scene.meeting(1))
    assert scene.progress(4) == (0, 0, 7)
    scene.hold(2)
    assert scene.progress(4) == (1, 1, 7)


@pytest.mark.usefixtures("any_app")
def test_who_moves_to_another_cohort_takes_along_what_counts(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.hold(1)
    scene.hold(2, {0: ABSENT})
    other = factories.make_cohort(scene.program, factories.make_people(scene.course, ["Xu", "Yi"]), name="B")
    with transaction() as session:
        moved_at = scene.meeting(2).ends_at + timedelta(days=1)
        membership = session.scalars(select(Membership).where(Membership.person_id == scene.people[0].id)).one()
        membership.until = moved_at
        session.flush()
        session.add(
            Membership(program_id=scene.program.id, cohort_id=other.id, person_id=scene.people[0].id, since=moved_at)
        )
    assert scene.progress(0) == (1, 2, 8)


@pytest.mark.usefixtures("app")
def test_who_left_the_course_is_not_expected_any_more(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    with transaction() as session:
        gone = session.scalars(select(Enrolment).where(Enrolment.person_id == scene.people[0].id)).one()
        gone.left_at = scene.meeting(1).ends_at
    names = [person.name for person in members_of(db.session(), scene.meeting(2))]
    assert names == ["Person 02", "Person 03", "Person 04"]
    assert len(members_of(db.session(), scene.meeting(1))) == 4


@pytest.mark.usefixtures("any_app")
def test_counting_asks_the_database_as_often_for_many_people_as_for_one(make_scene: MakeScene) -> None:
    scene = make_scene(12)
    scene.hold(1)
    sent = []
    program_id = scene.program.id
    for people in (scene.people[:1], scene.people):
        ids = [person.id for person in people]
        with counted_queries() as queries:
            measure.count(db.session(), program_id, ids, factories.NOW)
        sent.append(len(queries))
    assert sent[0] == sent[1] == 4


@pytest.mark.usefixtures("any_app")
def test_pairs_are_made_from_those_who_are_here_with_a_trio_when_odd(make_scene: MakeScene) -> None:
    scene = make_scene(6)
    scene.hold(1, {5: ABSENT})
    groups = scene.groups(1)
    assert sorted(map(len, groups)) == [2, 3]
    assert str(scene.people[5].id) not in set.union(*groups)


@pytest.mark.usefixtures("any_app")
def test_nobody_meets_a_partner_again_while_that_can_be_avoided(make_scene: MakeScene) -> None:
    scene = make_scene(6)
    met: list[frozenset[str]] = []
    for number in range(1, 6):
        scene.hold(number)
        met += [frozenset(group) for group in scene.groups(number)]
    assert len(met) == len(set(met)) == 15


@pytest.mark.usefixtures("app")
def test_when_somebody_comes_late_the_pairs_are_made_again(make_scene: MakeScene) -> None:
    scene = make_scene(6)
    with transaction() as session:
        meeting = scene.meeting(1)
        attendance.mark(session, meeting, {p.id: PRESENT for p in scene.people[:4]}, None)
        pairs.pair_present(session, meeting)
    before = scene.groups(1)
    assert len(before) == 2
    with transaction() as session:
        meeting = scene.meeting(1)
        attendance.mark(session, meeting, {p.id: LATE for p in scene.people[4:]}, None)
        pairs.pair_present(session, meeting)
    after = scene.groups(1)
    assert all(group in after for group in before)
    assert len(after) == 3


@pytest.mark.usefixtures("app")
def test_one_person_alone_is_told_so_and_nobody_here_is_no_pair(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    with transaction() as session:
        meeting = scene.meeting(1)
        with pytest.raises(FormError, match="Mark who is here first"):
            pairs.pair_present(session, meeting)
        attendance.mark(session, meeting, {scene.people[0].id: PRESENT}, None)
        pairs.pair_present(session, meeting)
    assert scene.groups(1) == [{str(scene.people[0].id)}]
    assert pairs.partners(db.session(), scene.meeting(1).id, scene.people[0].id) == []


@pytest.mark.usefixtures("any_app")
def test_planned_pairs_follow_the_members(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.set_now(factories.NOW)
    while pairs.plan_stale():
        pass
    assert all(len(scene.groups(number)) == 2 for number in range(1, 9))
    (late,) = factories.make_people(scene.course, ["Late Joiner"])
    with transaction() as session:
        session.add(
            Membership(program_id=scene.program.id, cohort_id=scene.cohort.id, person_id=late.id, since=factories.NOW)
        )
        attendance.mark(session, scene.meeting(2), {scene.people[0].id: EXCUSED}, None)
    assert pairs.plan_stale()
    assert not pairs.plan_stale()
    assert sorted(map(len, scene.groups(1))) == [2, 3]
    assert set.union(*scene.groups(2)) == {str(person.id) for person in (*scene.people[1:], late)}


@pytest.mark.usefixtures("any_app")
def test_who_is_no_longer_a_learner_is_planned_with_nobody(make_scene: MakeScene) -> None:
    scene = make_scene(4)
    scene.set_now(factories.NOW)
    while pairs.plan_stale():
        pass
    mentor = scene.people[0].id
    with transaction() as session:
        session.execute(update(Enrolment).where(Enrolment.person_id == mentor).values(role=Role.MENTOR.value))
    assert pairs.plan_stale()
    assert str(mentor) not in set.union(*scene.groups(1))


@pytest.mark.usefixtures("any_app")
def test_a_cohort_of_one_or_none_does_not_keep_the_worker_busy(make_scene: MakeScene) -> None:
    scene = make_scene(1)
    scene.set_now(factories.NOW)
    assert pairs.plan_stale()
    assert not pairs.plan_stale()
    factories.make_cohort(scene.program, [], name="B")
    assert not pairs.plan_stale()


@pytest.mark.usefixtures("app")
def test_plans_change_when_people_have_met_who_were_to_meet_later(make_scene: MakeScene) -> None:
    scene = make_scene(6)
    scene.set_now(factories.NOW)
    pairs.plan_stale()
    scene.hold(1, {0: ABSENT, 1: ABSENT})
    met = {frozenset(group) for group in scene.groups(1)}
    planned = [frozenset(group) for number in range(2, 5) for group in scene.groups(number)]
    assert not met.intersection(planned)
