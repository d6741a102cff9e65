"""Peer feedback: asked after the practice, read when both have given or the time is over, credited for giving."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, select

from lti_tool.audit import AuditEntry
from lti_tool.cohorts.tables import Facilitator
from lti_tool.database import db, transaction
from lti_tool.feedback import concerns, measure, schedule
from lti_tool.feedback.tables import FeedbackConcern, FeedbackRound, PeerFeedback
from lti_tool.gradebook.progress import Progress
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance, planning
from lti_tool.meetings.tables import Meeting, PairSeat, Presence
from lti_tool.programs.rules import create
from lti_tool.programs.tables import Module, Program
from lti_tool.reflections.queries import of_program
from lti_tool.roster.tables import Course
from tests.meetings.scene import Scene
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]

WORDS = "You waited until I had finished, and I could think."
CONCERN = "He mocked me in front of the others."
A_DAY = 24 * 60


class Practised(Scene):
    """A cohort of six after its first session: Amara with Bilal; Chen, Dana and Emil; Farah was not there."""

    def __init__(self, app: Flask, set_now: SetNow) -> None:
        super().__init__(app, set_now)
        self.ids = {person.name: person.id for person in [*self.people, self.mei]}
        self.at(0)
        self.everybody_here()
        self.mark(Farah=Presence.ABSENT)
        groups = (("Amara", "Bilal"), ("Chen", "Dana", "Emil"))
        with transaction() as session:
            session.query(PairSeat).filter_by(meeting_id=self.meeting_id).delete()
            session.add_all(
                PairSeat(meeting_id=self.meeting_id, number=number, person_id=self.ids[name])
                for number, names in enumerate(groups)
                for name in names
            )
        self.at(45)
        self.close()

    def give(self, who: str, to: str, text: str = WORDS, **answers: str) -> int:
        form: dict[str, Any] = {f"answer-{number}": "2" for number in range(3)}
        address = f"{self.address}/feedback/{self.ids[to]}"
        return self.visit(who).post(address, **(form | answers), text=text).status_code

    def reads(self, who: str) -> str:
        return self.visit(who).get(f"{self.address}/feedback").text

    def all_page(self, who: str = "Mei") -> str:
        return self.visit(who).get(f"{self.address}/feedback/all").text

    def row(self, who: str, to: str) -> PeerFeedback:
        db.session.rollback()
        query = select(PeerFeedback).where(
            PeerFeedback.giver_id == self.ids[who], PeerFeedback.receiver_id == self.ids[to]
        )
        return db.session.scalars(query).one()

    def judge(self, who: str, giver: str, helpful: str, reason: str = "") -> int:
        address = f"feedback/{self.row(giver, who).id}/helpful"
        return self.visit(who).post(address, helpful=helpful, reason=reason).status_code

    def concern(self, who: str = "Amara", about: str = "Bilal", text: str = CONCERN) -> int:
        address = f"{self.address}/feedback/{self.ids[about]}/concern"
        return self.visit(who).post(address, concern=text).status_code

    def time_is_over(self) -> None:
        self.at(3 * A_DAY + 1)
        while schedule.lapse_next():
            pass
        db.session.rollback()

    def progress(self, name: str) -> Progress:
        """Of the first week."""
        db.session.rollback()
        weeks = measure.by_week(db.session(), self.program.id, [self.ids[name]], self.starts_at)
        return weeks[self.ids[name]].get(1, Progress(0, 0, 0))

    def cell(self, name: str) -> float | None:
        db.session.rollback()
        query = select(Cell).join(Column).where(Column.measure == "feedback", Cell.person_id == self.ids[name])
        return db.session.scalars(query).one().values.wanted.score

    def teacher(self) -> Browser:
        (tova,) = factories.make_people(self.course, ["Tova"], role=Role.INSTRUCTOR)
        return factories.visit(self.app, self.course, tova, Role.INSTRUCTOR)


@pytest.fixture
def scene(any_app: Flask, set_now: SetNow) -> Practised:
    return Practised(any_app, set_now)


@pytest.fixture
def quick(app: Flask, set_now: SetNow) -> Practised:
    return Practised(app, set_now)


def test_partners_tell_each_other_what_they_saw_and_read_it_when_both_have(scene: Practised) -> None:
    home = scene.visit("Amara").get("").text
    assert "Tell Bilal what you saw" in home
    assert (
        "How did they listen to you?"
        in scene.visit("Amara").get(f"{scene.address}/feedback/{scene.ids['Bilal']}").text
    )
    assert scene.give("Amara", "Bilal") == 200
    assert "Tell Bilal what you saw" not in scene.visit("Amara").get("").text
    for reader in ("Bilal", "Chen", "Mei"):
        assert WORDS not in scene.reads(reader) if reader != "Mei" else WORDS not in scene.all_page()
    assert WORDS in scene.reads("Amara")
    assert scene.give("Amara", "Bilal", "Rather this: you asked twice.") == 200
    assert scene.give("Bilal", "Amara") == 200
    assert "you asked twice" in scene.reads("Bilal")
    assert "took up something that I had said" in scene.reads("Bilal")
    assert "Amara told you what they saw" in scene.visit("Bilal").get("").text
    assert "you asked twice" not in scene.reads("Chen")
    assert "you asked twice" in scene.all_page()
    assert scene.give("Amara", "Bilal", "Too late to change this.") == 400


def test_when_a_partner_says_nothing_what_was_given_is_read_once_the_time_is_over(quick: Practised) -> None:
    quick.give("Amara", "Bilal")
    quick.at(2.9 * A_DAY)
    assert WORDS not in quick.reads("Bilal")
    quick.at(3 * A_DAY)
    assert WORDS in quick.reads("Bilal")
    assert "Tell Amara what you saw" not in quick.visit("Bilal").get("").text
    assert quick.give("Bilal", "Amara", "Late, but you listened well.") == 200
    assert "Late, but you listened well." in quick.reads("Amara")
    quick.time_is_over()
    assert quick.progress("Amara") == Progress(1, 1, 1)
    assert quick.progress("Bilal") == Progress(0, 1, 1)


def test_in_a_trio_each_is_asked_about_both_and_who_was_away_about_nobody(quick: Practised) -> None:
    assert quick.visit("Chen").get("").text.count("what you saw") == 2
    assert quick.give("Chen", "Dana") == 200
    assert quick.progress("Chen") == Progress(0, 0, 1)
    assert quick.give("Chen", "Emil") == 200
    assert quick.progress("Chen") == Progress(1, 1, 1)
    assert quick.cell("Chen") == 100
    assert "what you saw" not in quick.visit("Farah").get("").text
    assert quick.progress("Farah") == Progress(0, 0, 0)
    for name, other in (("Amara", "Chen"), ("Amara", "Amara"), ("Farah", "Amara"), ("Amara", "Farah")):
        assert quick.give(name, other) == 404


def test_nobody_else_sees_a_word_nor_learns_that_there_is_one(quick: Practised) -> None:
    quick.give("Amara", "Bilal")
    number = quick.row("Amara", "Bilal").id
    assert quick.judge("Bilal", "Amara", "yes") == 404
    quick.give("Bilal", "Amara")
    teacher = quick.teacher()
    page = teacher.get(f"{quick.address}/feedback/all").text
    assert "2 of 8 pieces of feedback" in page
    assert WORDS not in page
    refused = teacher.post(f"{quick.address}/feedback/all/decide", feedback=str(number), counts="no")
    assert refused.status_code == 404
    for stranger in ("Chen", "Farah"):
        assert quick.visit(stranger).post(f"feedback/{number}/helpful", helpful="yes").status_code == 404
        assert quick.visit(stranger).get(f"{quick.address}/feedback/all").status_code == 403
        assert WORDS not in quick.reads(stranger)
    (zoe,) = factories.make_people(quick.course, ["Zoe"])
    other = factories.make_cohort(quick.program, [zoe], name="B", facilitator=zoe)
    zoes = factories.visit(quick.app, quick.course, zoe, Role.LEARNER)
    assert zoes.get(f"{quick.address}/feedback").status_code == 404
    assert zoes.get(f"{quick.address}/feedback/all").status_code == 403
    theirs = db.session.scalars(select(Meeting.id).where(Meeting.cohort_id == other.id)).first()
    moved = zoes.post(f"meetings/{theirs}/feedback/all/decide", feedback=str(number), counts="no")
    assert moved.status_code == 404
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.subject == "feedback")).all()
    assert entries
    assert all(WORDS not in str((entry.before, entry.after, entry.why)) for entry in entries)


def test_one_persons_word_takes_no_credit_and_a_facilitators_decision_does(quick: Practised) -> None:
    quick.give("Amara", "Bilal")
    quick.give("Bilal", "Amara")
    assert quick.judge("Bilal", "Amara", "no") == 400
    assert quick.judge("Bilal", "Amara", "no", "It is about nothing that happened.") == 200
    assert quick.progress("Amara") == Progress(1, 1, 1)
    assert "It is about nothing" not in quick.reads("Amara")
    assert "waits for you as the facilitator" in quick.visit("Mei").get("").text
    assert "It is about nothing" in quick.all_page()
    decision: dict[str, Any] = {"feedback": str(quick.row("Amara", "Bilal").id), "counts": "no"}
    assert quick.visit("Mei").post(f"{quick.address}/feedback/all/decide", **decision).status_code == 200
    assert quick.progress("Amara") == Progress(0, 1, 1)
    assert quick.cell("Amara") == 0
    assert quick.cell("Bilal") == 100
    assert "waits for you" not in quick.visit("Mei").get("").text
    assert quick.judge("Bilal", "Amara", "yes") == 400
    quick.visit("Mei").post(f"{quick.address}/feedback/all/decide", **(decision | {"counts": "yes"}))
    assert quick.progress("Amara") == Progress(1, 1, 1)


def test_a_concern_is_read_by_the_facilitator_and_by_nobody_else(quick: Practised) -> None:
    page = quick.visit("Amara").get(f"{quick.address}/feedback/{quick.ids['Bilal']}").text
    assert "Only Mei reads this" in page
    assert quick.concern(text=" ") == 400
    assert quick.concern() == 200
    assert "for you only" in quick.visit("Mei").get("").text
    assert CONCERN in quick.all_page()
    teacher = quick.teacher()
    for page in (
        quick.reads("Bilal"),
        quick.visit("Bilal").get("").text,
        quick.visit("Bilal").get(f"{quick.address}/mine").text,
    ):
        assert "concern" not in page
    staff = teacher.get(f"{quick.address}/feedback/all").text + teacher.get(quick.address).text
    assert not re.search(f"{CONCERN}|Concerns|a concern", staff)
    quick.time_is_over()
    assert quick.progress("Amara") == Progress(0, 0, 0)
    assert quick.progress("Bilal") == Progress(0, 1, 1)
    concern = db.session.scalars(select(FeedbackConcern)).one()
    address, number, seen = f"{quick.address}/feedback/all/concern", str(concern.id), concerns.fingerprint(concern)
    assert quick.concern(text=f"{CONCERN} And worse.") == 200
    too_soon = quick.visit("Mei").post(address, concern=number, seen=seen)
    assert (too_soon.status_code, "And worse." in too_soon.text) == (400, True)
    assert "Read it again" in too_soon.text
    taken_up = quick.visit("Mei").post(address, concern=number)
    assert taken_up.status_code == 200
    assert "has taken this up" in quick.visit("Amara").get(f"{quick.address}/feedback/{quick.ids['Bilal']}").text
    assert quick.concern(text="And again.") == 400


def test_a_facilitator_never_reads_a_concern_about_themselves(quick: Practised) -> None:
    with transaction() as session:
        session.query(Facilitator).delete()
        session.add(Facilitator(cohort_id=quick.cohort.id, person_id=quick.ids["Bilal"]))
    assert "tell your instructor" in quick.visit("Amara").get(f"{quick.address}/feedback/{quick.ids['Bilal']}").text
    assert quick.concern() == 400
    with transaction() as session:
        session.add(Facilitator(cohort_id=quick.cohort.id, person_id=quick.ids["Mei"]))
    assert quick.concern() == 200
    assert CONCERN in quick.all_page("Mei")
    assert CONCERN not in quick.all_page("Bilal")
    assert "for you only" not in quick.visit("Bilal").get("").text
    concern = db.session.scalars(select(FeedbackConcern)).one()
    own = quick.visit("Bilal").post(f"{quick.address}/feedback/all/concern", concern=str(concern.id))
    assert own.status_code == 404
    quick.give("Amara", "Bilal")
    assert WORDS not in quick.all_page("Bilal")


def test_what_waits_is_found_without_reading_what_other_cohorts_have(quick: Practised) -> None:
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(row[3] for row in cursor.fetchall())

    mei, course, program = quick.mei.id, quick.course.id, quick.program.id
    event.listen(db.engine, "before_cursor_execute", explain)
    concerns.to_look_at(db.session(), mei, course)
    of_program(db.session(), program)
    event.remove(db.engine, "before_cursor_execute", explain)
    assert any("attendance" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith("SCAN") and not plan.startswith("SCAN anon")] == []


def test_who_gets_none_is_seen_and_another_is_asked_who_was_there(quick: Practised) -> None:
    assert "Who gets none" not in quick.all_page()
    for giver, receiver in (("Chen", "Dana"), ("Dana", "Emil"), ("Emil", "Chen"), ("Amara", "Bilal")):
        assert quick.give(giver, receiver) == 200
    quick.time_is_over()
    page = quick.all_page()
    assert "Who gets none" in page
    assert "Ask Chen" in page
    asked: dict[str, Any] = {"receiver": str(quick.ids["Amara"]), "giver": str(quick.ids["Chen"])}
    wrong = {**asked, "giver": str(quick.ids["Farah"])}
    assert quick.visit("Mei").post(f"{quick.address}/feedback/all/ask", **wrong).status_code == 400
    assert quick.visit("Mei").post(f"{quick.address}/feedback/all/ask", **asked).status_code == 200
    assert quick.visit("Mei").post(f"{quick.address}/feedback/all/ask", **asked).status_code == 200
    assert "Chen was asked" in quick.all_page()
    before = quick.progress("Chen")
    assert "Tell Amara what you saw" in quick.visit("Chen").get("").text
    declined = quick.visit("Chen").post(f"{quick.address}/feedback/{quick.ids['Amara']}/decline")
    assert declined.status_code == 200
    assert "Tell Amara" not in quick.visit("Chen").get("").text
    assert "Ask Dana" in quick.all_page()
    quick.visit("Mei").post(f"{quick.address}/feedback/all/ask", **(asked | {"giver": str(quick.ids["Dana"])}))
    assert quick.give("Dana", "Amara", "In the round you named what you had tried.") == 200
    assert "In the round you named" in quick.reads("Amara")
    assert "Who gets none" not in quick.all_page()
    assert quick.progress("Chen") == before


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(quick: Practised) -> None:
    for fields, sentence in (
        ({"text": " "}, "Write something here."),
        ({"text": "good"}, "at least one sentence"),
        ({"text": "x" * 1001}, "shorten it to 1000"),
        ({"answer-1": ""}, "Choose what you saw"),
        ({"answer-1": "4"}, "Choose what you saw"),
        ({"answer-1": "x\0"}, "Choose what you saw"),
    ):
        form: dict[str, Any] = {"answer-0": "1", "answer-1": "not-seen", "answer-2": "3", "text": WORDS} | fields
        answer = quick.visit("Amara").post(f"{quick.address}/feedback/{quick.ids['Bilal']}", **form)
        assert answer.status_code == 400
        assert sentence in answer.text
        assert form["text"].strip() in answer.text
    assert db.session.scalars(select(PeerFeedback)).all() == []


def test_a_form_sent_twice_is_one_and_a_script_in_it_is_only_text(quick: Practised) -> None:
    evil = "<script>alert(1)</script> שלום 🙂 and more"
    assert quick.give("Amara", "Bilal", evil) == 200
    assert quick.give("Amara", "Bilal", evil) == 200
    assert quick.row("Amara", "Bilal").text == evil
    quick.give("Bilal", "Amara")
    assert "<script>alert(1)" not in quick.reads("Bilal") + quick.all_page()


def test_marks_that_are_corrected_hold_nothing_against_anybody(quick: Practised) -> None:
    quick.time_is_over()
    assert quick.progress("Amara") == Progress(0, 1, 1)
    with transaction() as session:
        meeting = session.get_one(Meeting, quick.meeting_id)
        attendance.mark(session, meeting, {quick.ids["Bilal"]: Presence.ABSENT}, quick.mei.id)
    assert quick.progress("Amara") == Progress(0, 0, 0)
    assert quick.cell("Amara") is None


def due_days(scene: Practised) -> float:
    db.session.rollback()
    row = db.session.get_one(FeedbackRound, scene.meeting_id)
    return (row.due_at - scene.starts_at) / timedelta(days=1)


def test_the_time_is_the_instructors_choice_and_ends_before_the_next_session(quick: Practised) -> None:
    teacher, address = quick.teacher(), f"programs/{quick.program.id}/feedback"
    assert "0 of 8 pieces of feedback" in teacher.get(address).text
    assert teacher.post(address, days="9").status_code == 400
    assert teacher.post(address, days="6").status_code == 200
    assert due_days(quick) == 6
    second = db.session.scalars(select(Meeting).order_by(Meeting.starts_at).offset(1)).first()
    assert second is not None
    with transaction() as session:
        meeting = session.get_one(Meeting, second.id)
        planning.reschedule(session, meeting, quick.starts_at + timedelta(days=4), 45, None)
    assert due_days(quick) == 4
    quick.at(3.5 * A_DAY)
    teacher.post(address, days="1")
    assert due_days(quick) == 4, "nobody's time is cut to less than a day while it runs"
    assert quick.visit("Mei").post(address, days="2").status_code == 403


def test_a_session_that_is_closed_late_gives_people_a_day(app: Flask, set_now: SetNow) -> None:
    scene = Scene(app, set_now)
    scene.at(5 * A_DAY)
    scene.everybody_here()
    scene.close()
    row = db.session.get_one(FeedbackRound, scene.meeting_id)
    assert row.due_at == scene.starts_at + timedelta(days=6)
    assert not schedule.lapse_next()


def test_a_program_asks_what_its_week_is_about_first(app: Flask, set_now: SetNow) -> None:
    set_now(factories.NOW)
    course = factories.make_course()
    with transaction() as session:
        fields = {"title": "P", "skill": "s", "first_session_on": "2026-03-09", "session_time": "14:00"}
        made = create(session, session.get_one(Course, course.id), fields | {"session_minutes": "45"}, None)
        program_id = made.id
    modules = db.session.scalars(select(Module).where(Module.program_id == program_id)).all()
    assert all(len(question["levels"]) == 4 for module in modules for question in module.feedback)
    assert len({module.feedback[0]["asked"] for module in modules}) == 8
    people = factories.make_people(course, 2)
    program = db.session.get_one(Program, program_id)
    factories.make_cohort(program, people)
    meeting = db.session.scalars(select(Meeting).order_by(Meeting.starts_at)).first()
    assert meeting is not None
    with transaction() as session:
        session.add_all(PairSeat(meeting_id=meeting.id, number=1, person_id=person.id) for person in people)
        set_now(meeting.ends_at)
        held = session.get_one(Meeting, meeting.id)
        attendance.mark(session, held, {person.id: Presence.PRESENT for person in people}, None)
    one = factories.visit(app, course, people[0], Role.LEARNER)
    page = one.get(f"meetings/{meeting.id}/feedback/{people[1].id}").text
    assert page.index("When they gave feedback, what did you hear?") < page.index("How did they listen to you?")
