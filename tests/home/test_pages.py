"""The first page of each role answers one question."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select

from lti_tool.cohorts.tables import Membership
from lti_tool.database import db, transaction
from lti_tool.feedback.tables import PeerFeedback
from lti_tool.gradebook import progress
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance
from lti_tool.meetings.tables import Meeting, PairSeat, Presence
from lti_tool.roster.tables import Enrolment
from lti_tool.work.tables import Assignment, Credit, Submission
from tests.support import factories, world
from tests.support.moments import SetNow, counted_queries
from tests.support.world import World

SESSION_1 = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)


def words(page: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture
def here(app: Flask, set_now: SetNow) -> World:
    """A course between its first and its second session; the learner's partner is Person 02.

    They have told each other what they saw.
    """
    set_now(SESSION_1 + timedelta(days=1))
    built = world.build(app)
    learner = built.people["learner"]
    with transaction() as session:
        meeting = session.get_one(Meeting, built.ids["meeting_id"])
        partner = built.ids["person_id"]
        session.add_all(
            PairSeat(meeting_id=meeting.id, number=1, person_id=person_id) for person_id in (learner.id, partner)
        )
        attendance.mark(session, meeting, {learner.id: Presence.PRESENT, partner: Presence.PRESENT}, None)
        attendance.close(session, meeting, None)
        told = session.get_one(PeerFeedback, built.ids["feedback_id"])
        session.add(
            PeerFeedback(
                meeting_id=meeting.id,
                giver_id=learner.id,
                receiver_id=partner,
                due_at=told.due_at,
                text="You listened.",
                given_at=factories.NOW,
            )
        )
        told.helpful = True
    return built


def test_a_learner_sees_one_next_thing_with_whom_and_by_when(here: World) -> None:
    page = words(here.visit("learner").get().text)
    assert "One thing next" in page
    assert "due Sunday, 2:00" in page
    assert "Try it 1" in page
    assert "with Person 02" in page


def test_a_learner_sees_what_already_counts(here: World) -> None:
    page = words(here.visit("learner").get().text)
    assert "1 of 8 sessions 0 of 8 micro-assignments" in page


def test_when_it_is_handed_in_the_partner_comes_next(here: World) -> None:
    learner = here.visit("learner")
    learner.post(f"assignments/{here.ids['assignment_id']}", text="I asked first.")
    assert "Read what Person 02 did, and confirm it" in learner.get().text


def test_when_all_is_done_the_next_session_comes_first(here: World) -> None:
    with transaction() as session:
        for person_id in (here.people["learner"].id, here.ids["person_id"]):
            row = session.scalar(select(Submission).where(Submission.person_id == person_id))
            if row is None:
                row = Submission(assignment_id=here.ids["assignment_id"], person_id=person_id, text="Done.")
                row.handed_in_at = factories.NOW
                row.credits = [Credit(assignment_id=row.assignment_id, person_id=person_id)]
                session.add(row)
            row.confirmed_by_id, row.confirmed_at = here.people["ta"].id, factories.NOW
    page = here.visit("learner").get().text
    assert "Module 2" in page
    assert "Nothing to prepare" in page


def test_a_facilitator_finds_the_next_session_to_hold(here: World) -> None:
    page = here.visit("facilitator").get().text
    assert "You facilitate" in page
    assert "Cohort A, session 2: Module 2" in page


def test_an_instructor_sees_what_needs_them_and_each_cohort(here: World) -> None:
    page = words(here.visit("instructor").get().text)
    assert "1 learner has no cohort" in page
    assert "1 of 8" in page
    assert "0 of 1 handed in" in page


def test_a_session_that_nobody_closed_needs_the_instructor(here: World, set_now: SetNow) -> None:
    set_now(SESSION_1 + timedelta(days=8))
    page = here.visit("instructor").get().text
    assert "Cohort A, session 2" in page
    assert "Nobody is credited until it is closed." in page


def test_a_cohort_that_became_too_small_needs_the_instructor(here: World) -> None:
    browser = here.visit("instructor")
    assert "One thing needs you" in words(browser.get().text)
    with transaction() as session:
        gone = session.scalars(select(Membership).where(Membership.cohort_id == here.cohort.id).limit(2))
        for membership in gone:
            membership.until = SESSION_1
            session.execute(delete(Enrolment).where(Enrolment.person_id == membership.person_id))
    page = browser.get().text
    assert "2 things need you" in words(page)
    assert "1 cohort has fewer people than it needs" in words(page)
    assert "Cohort A: 7 of 8" in words(page)
    assert f"programs/{here.program.id}/cohorts" in page


def test_the_board_asks_the_database_as_often_for_many_people_as_for_few(here: World) -> None:
    browser = here.visit("instructor")
    browser.get()
    with counted_queries() as few:
        browser.get()
    more = factories.make_people(here.course, [f"Newcomer {n}" for n in range(40)])
    factories.make_cohort(here.program, more, name="B")
    with transaction() as session:
        progress.changed(session, here.program.id, [person.id for person in more])
    with counted_queries() as many:
        browser.get()
    assert len(many) == len(few)


def test_a_number_leads_to_the_rows_of_a_person(here: World) -> None:
    page = here.visit("ta").get(f"programs/{here.program.id}/people/{here.ids['person_id']}").text
    assert "Person 02" in page
    assert "was there" in page
    assert "handed in" in page
    assert "Sessions attended" in page


def test_a_learner_sees_what_their_own_numbers_are_made_of(here: World) -> None:
    learner = here.visit("learner")
    assert f"programs/{here.program.id}/mine" in learner.get().text
    page = words(learner.get(f"programs/{here.program.id}/mine").text)
    assert "1. Module 1" in page
    assert "Person 02" not in page
    own = learner.get(f"programs/{here.program.id}/mine").text
    assert "/meetings/" not in own
    assert "/cells/" not in own


@pytest.mark.parametrize(
    ("who", "words"),
    [("mentor", "nothing for observers"), ("none", "no role in this course")],
)
def test_who_has_no_place_here_is_told_why(here: World, who: str, words: str) -> None:
    assert words in here.visit(who).get().text


def test_an_administrator_is_led_to_the_connection(here: World) -> None:
    response = here.visit("admin").get()
    assert response.status_code == 302
    assert response.headers["Location"].endswith("/connection")


def test_before_anything_is_made_the_instructor_sees_three_steps_and_a_learner_waits(app: Flask) -> None:
    course = factories.make_course()
    [teacher] = factories.make_people(course, ["Teacher"], role=Role.INSTRUCTOR)
    [learner] = factories.make_people(course, ["Learner"])
    assert "Three steps to your first session" in factories.visit(app, course, teacher, Role.INSTRUCTOR).get().text
    factories.visit(app, course, teacher, Role.INSTRUCTOR).post("answers/remind")
    waiting = factories.visit(app, course, learner, Role.LEARNER).get().text
    assert "has not started here yet" in waiting
    assert "your instructor waits for it" in waiting
    factories.make_program(course)
    assert "One step left: form the cohorts" in factories.visit(app, course, teacher, Role.INSTRUCTOR).get().text
    assert "You will be placed in a cohort soon" in factories.visit(app, course, learner, Role.LEARNER).get().text
    db.session.rollback()


def test_a_draft_of_another_program_takes_the_running_one_from_nobody(here: World) -> None:
    running = here.ids["program_id"]
    draft = factories.make_program(here.course)
    assert "One thing next" in here.visit("learner").get().text
    board = here.visit("instructor").get().text
    assert f"/programs/{running}/gradebook" in board
    assert f"/programs/{draft.id}" in board
    steps = here.visit("instructor").get(f"programs/{draft.id}").text
    assert "One step left: form the cohorts" in steps
    assert f'/programs/{running}"' in steps


def test_an_assignment_of_the_past_is_offered_until_it_is_done(here: World, set_now: SetNow) -> None:
    assignment = db.session.get_one(Assignment, here.ids["assignment_id"])
    set_now(assignment.due_at + timedelta(days=20))
    assert "Try it 1" in here.visit("learner").get().text
