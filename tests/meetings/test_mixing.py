"""Pairs of a program: people who must be apart, wishes in words, what is said beforehand, and fair turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.cohorts.tables import Cohort, Membership, Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance, pairs, room
from lti_tool.meetings.tables import Meeting, Presence
from lti_tool.questions.tables import Answers
from lti_tool.roster.tables import Enrolment, Person, PersonAttribute
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import SetNow

PRESENT = Presence.PRESENT


class Program:
    """A published cohort before its first session."""

    def __init__(self, app: Flask, set_now: SetNow, people: int, sessions: int = 8) -> None:
        self.app, self.set_now = app, set_now
        set_now(factories.NOW)
        self.course = factories.make_course()
        self.program = factories.make_program(self.course, sessions=sessions)
        self.people = factories.make_people(self.course, people)
        self.cohort = factories.make_cohort(self.program, self.people)
        self.address = f"programs/{self.program.id}/pairs"

    def visit(self, role: Role = Role.INSTRUCTOR) -> Browser:
        (staff,) = factories.make_people(self.course, [f"Staff {role}"], role=role)
        return factories.visit(self.app, self.course, staff, role)

    def plan(self) -> None:
        while pairs.plan_stale():
            pass

    def know(self, name: str, values: Sequence[str]) -> None:
        with transaction() as session:
            session.add_all(
                PersonAttribute(course_id=self.course.id, person_id=person.id, name=name, value=value)
                for person, value in zip(self.people, values, strict=False)
            )

    def keep_apart(self, *people: Person) -> None:
        with transaction() as session:
            apart = Rules(8, 20, 12, apart=(tuple(person.id for person in people),))
            session.add_all(
                Proposal(
                    program_id=self.program.id,
                    number=number,
                    chosen=rules is apart,
                    rules=rules.to_json(),
                    problem={},
                    solution={},
                    created_at=factories.NOW,
                )
                for number, rules in enumerate((Rules(8, 20, 12), apart), 1)
            )

    def meetings(self) -> list[Meeting]:
        return list(db.session.scalars(select(Meeting).order_by(Meeting.starts_at)))

    def groups(self) -> list[list[tuple[int, ...]]]:
        """Of each session, by people's ids."""
        seats = pairs.seats_of(db.session(), [meeting.id for meeting in self.meetings()])
        return [[tuple(int(person) for person in group) for group in groups] for groups in seats.values()]

    def hold(self, number: int, away: Sequence[Person] = ()) -> None:
        """Hold a session from its start to its close."""
        meeting_id = self.meetings()[number].id
        self.set_now(db.session.get_one(Meeting, meeting_id).starts_at)
        with transaction() as session:
            meeting = session.get_one(Meeting, meeting_id)
            here = {person.id: PRESENT for person in self.people if person not in away}
            attendance.mark(session, meeting, here, None)
            room.start(session, meeting, None)
        self.set_now(db.session.get_one(Meeting, meeting_id).ends_at)
        with transaction() as session:
            attendance.close(session, session.get_one(Meeting, meeting_id), None)
        self.plan()


def met(groups: Sequence[tuple[int, ...]], *people: Person) -> bool:
    return any({person.id for person in people} <= set(group) for group in groups)


# Who must be apart


def test_two_who_must_be_apart_and_are_in_one_cohort_by_hand_are_never_planned_as_partners(
    any_app: Flask, set_now: SetNow
) -> None:
    program = Program(any_app, set_now, 4)
    ana, tom, *_others = program.people
    program.keep_apart(ana, tom)
    program.plan()
    assert all(program.groups())
    assert not any(met(groups, ana, tom) for groups in program.groups())


def test_they_are_not_paired_in_the_room_either_and_rather_stay_without_a_partner(
    app: Flask, set_now: SetNow
) -> None:
    program = Program(app, set_now, 4)
    ana, tom, *others = program.people
    program.keep_apart(ana, tom)
    program.hold(0, away=others)
    assert sorted(program.groups()[0]) == [(ana.id,), (tom.id,)]


def test_who_comes_late_is_not_put_beside_somebody_from_whom_they_must_be_apart(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 5)
    ana, tom, mia, noa, late = program.people
    program.keep_apart(ana, late)
    meeting_id = program.meetings()[0].id
    set_now(program.meetings()[0].starts_at)
    with transaction() as session:
        meeting = session.get_one(Meeting, meeting_id)
        attendance.mark(session, meeting, {person.id: PRESENT for person in (ana, tom, mia, noa)}, None)
        room.start(session, meeting, None)
        attendance.mark(session, meeting, {late.id: Presence.LATE}, None)
    groups = program.groups()[0]
    assert sorted(map(len, groups)) == [2, 3]
    assert not met(groups, ana, late)


def test_people_moved_into_one_cohort_later_are_kept_apart_in_what_is_planned_from_then_on(
    app: Flask, set_now: SetNow
) -> None:
    program = Program(app, set_now, 5)
    *_four, tom = program.people
    ana = program.people[0]
    with transaction() as session:
        session.merge(
            session.scalars(select(Membership).where(Membership.person_id == tom.id)).one()
        ).until = factories.NOW
    program.keep_apart(ana, tom)
    program.plan()
    assert all(tom.id not in {person for group in groups for person in group} for groups in program.groups())
    with transaction() as session:
        cohort = session.scalars(select(Cohort)).one()
        session.add(
            Membership(program_id=program.program.id, cohort_id=cohort.id, person_id=tom.id, since=factories.NOW)
        )
    program.plan()
    assert all(tom.id in {person for group in groups for person in group} for groups in program.groups())
    assert not any(met(groups, ana, tom) for groups in program.groups())


# Wishes


def test_an_instructor_chooses_that_people_practise_with_another_department(any_app: Flask, set_now: SetNow) -> None:
    program = Program(any_app, set_now, 8, sessions=4)
    program.know("department", ["Sales", "Care"] * 4)
    program.plan()
    page = program.visit().post(program.address, different="department", far_apart="").get_data(as_text=True)
    assert "Pairs are being planned" in page
    program.plan()
    ids = {person.id: number % 2 for number, person in enumerate(program.people)}
    for groups in program.groups():
        assert len(groups) == 4
        assert all(ids[a] != ids[b] for a, b in groups)


def test_the_experienced_practise_with_the_new_by_years(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 8, sessions=3)
    program.know("years", ["0", "1", "1", "0", "9", "12", "30", "9"])
    program.visit().post(program.address, different="", far_apart="years")
    program.plan()
    new = {person.id for person in program.people[:4]}
    for groups in program.groups():
        assert all(len(new & set(group)) == 1 for group in groups)


def test_wishes_also_count_among_those_who_are_present(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 6, sessions=2)
    program.know("department", ["Sales"] * 3 + ["Care"] * 3)
    program.visit().post(program.address, different="department", far_apart="")
    ana, bo, _cem, dee, eve, _fay = program.people
    program.hold(0, away=[program.people[2], program.people[5]])
    groups = program.groups()[0]
    assert not met(groups, ana, bo)
    assert not met(groups, dee, eve)


def test_a_wish_by_what_learners_or_the_lms_say_counts_like_one_from_a_file(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 6, sessions=2)
    new, north = ({person.id for person in some} for some in (program.people[:3], program.people[::2]))
    course_id = program.course.id
    with transaction() as session:
        session.query(Enrolment).filter(Enrolment.person_id.in_(north)).update({"section": "North"})
        session.query(Enrolment).filter(Enrolment.person_id.not_in(north)).update({"section": "South"})
        for person in [person.id for person in program.people]:
            experience, at = 0 if person in new else 5, factories.NOW
            said = {"course_id": course_id, "experience": experience, "languages": [], "free": [], "answered_at": at}
            session.add(Answers(person_id=person, **said))
    instructor = program.visit()
    for different, far_apart, side in (("section", "", north), ("", "experience", new)):
        instructor.post(program.address, different=different, far_apart=far_apart)
        program.plan()
        assert all(len(side & set(pair)) == 1 for groups in program.groups() for pair in groups)


def test_who_has_no_department_is_paired_like_everybody(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 6)
    program.know("department", ["Sales", "Sales", "Care"])
    program.visit().post(program.address, different="department", far_apart="")
    program.plan()
    assert all(sorted(map(len, groups)) == [2, 2, 2] for groups in program.groups()[:5])


def test_the_choice_is_kept_shown_and_recorded_and_made_twice_does_no_harm(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 4)
    program.know("department", ["Sales", "Care"])
    browser = program.visit()
    for _time in range(2):
        page = browser.post(program.address, different="department", far_apart="").get_data(as_text=True)
        assert '<option value="department" selected>' in page
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "pair wishes chosen")).one()
    assert entry.after == {"different": "department", "far_apart": None}


def test_an_attribute_that_nobody_has_is_refused_and_changes_nothing(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 4)
    program.know("department", ["Sales", "Care"])
    page = program.visit().post(program.address, different="shoe size", far_apart="department")
    assert page.status_code == 400
    assert "not known about anybody" in page.get_data(as_text=True)
    assert "selected" in page.get_data(as_text=True)
    assert not db.session.scalars(select(AuditEntry).where(AuditEntry.action == "pair wishes chosen")).all()


def test_a_teaching_assistant_sees_the_wishes_and_cannot_change_them(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 4)
    program.know("department", ["Sales", "Care"])
    browser = program.visit(Role.TEACHING_ASSISTANT)
    page = browser.get(program.address).get_data(as_text=True)
    assert "Rather with somebody of another: it does not matter" in page
    assert "Plan the pairs so" not in page
    assert browser.post(program.address, different="department").status_code == 403


def test_where_nothing_is_known_about_people_the_page_says_so(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 4)
    text = program.visit().get(program.address).get_data(as_text=True)
    assert "Nothing but names is known about these people" in text


# What is said beforehand


@pytest.mark.parametrize(
    ("people", "sessions", "says"),
    [
        (12, 8, "Everybody has a new partner in each of the 8 sessions to come."),
        (8, 8, "there are 4 repeats, in which two people meet who have met before. This is certain: no plan"),
        (7, 8, "there are 19 repeats, in which two people meet who have met before. This is certain: no plan"),
        (11, 8, "there is one repeat: two people meet who have met before. This is certain: no plan"),
        (15, 12, "have met before. 3 of them are certain. Fewer may be possible: no such plan was found"),
    ],
)
def test_the_page_says_beforehand_how_often_people_must_meet_again(
    app: Flask, set_now: SetNow, people: int, sessions: int, says: str
) -> None:
    program = Program(app, set_now, people, sessions)
    program.plan()
    assert says in " ".join(program.visit().get(program.address).get_data(as_text=True).split())


def test_what_happened_is_counted_and_not_what_was_planned(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 8)
    program.plan()
    for number in range(2):
        program.hold(number, away=program.people[:4])
    text = " ".join(program.visit().get(program.address).get_data(as_text=True).split())
    assert "6 sessions to come" in text
    planned = [frozenset(group) for groups in program.groups()[2:] for group in groups]
    happened = {frozenset(group) for groups in program.groups()[:2] for group in groups}
    again = len(planned) - len(set(planned) - happened)
    assert ("Everybody has a new partner in each of the 6 sessions" in text) == (again == 0)


def test_the_page_shows_the_pairs_of_each_session_to_come_and_who_has_met_whom(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 4, sessions=4)
    program.plan()
    program.hold(0)
    factories.make_cohort(program.program, factories.make_people(program.course, ["Olga", "Otto"]), name="B")
    program.plan()
    staff = program.visit()
    page = staff.get(program.address).get_data(as_text=True)
    assert page.count("<h3>Session") == 3
    assert page.count("met once") >= 4  # each of two pairs, seen from both sides
    assert "to meet in session 4" in page
    assert "<bdi>Olga</bdi> · <bdi>Otto</bdi>" not in page
    other = db.session.scalars(select(Cohort.id).where(Cohort.name == "B")).one()
    assert "<bdi>Olga</bdi> · <bdi>Otto</bdi>" in staff.get(f"{program.address}?cohort={other}").get_data(
        as_text=True
    )


# Turns


def test_over_a_program_everybody_practises_first_as_often_as_others(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 6)
    program.plan()
    for number in range(8):
        program.hold(number)
    first = Counter(group[0] for groups in program.groups() for group in groups)
    assert sum(first.values()) == 3 * 8
    assert {first[person.id] for person in program.people} <= {3, 4, 5}


def test_in_groups_of_three_it_is_not_the_same_person_who_observes(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 3)
    program.plan()
    for number in range(6):
        program.hold(number)
    observed = Counter(groups[0][2] for groups in program.groups()[:6])
    assert sorted(observed.values()) == [2, 2, 2]


def test_the_room_says_who_practises_first(app: Flask, set_now: SetNow) -> None:
    program = Program(app, set_now, 3)
    program.hold(0)
    group = program.groups()[0][0]
    names = [db.session.get_one(Person, person).name for person in group]
    page = program.visit().get(f"meetings/{program.meetings()[0].id}").get_data(as_text=True)
    assert f"{names[0]} practises first, {names[2]} observes first, then all swap" in page
