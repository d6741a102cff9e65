"""Commitments: taken on when a session ends, seen by a witness, asked for at the next one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool import clock
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.commitments import measure
from lti_tool.commitments.tables import Commitment
from lti_tool.database import db, transaction
from lti_tool.gradebook.progress import Progress
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance
from lti_tool.meetings.tables import Meeting, PairSeat
from tests.meetings.scene import Scene
from tests.support import factories
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]

WORDS = "I ask before I advise, in the review on Thursday."


class Ended(Scene):
    """A cohort of six after its first session, in which Amara practised with Bilal."""

    def __init__(self, app: Flask, set_now: SetNow) -> None:
        super().__init__(app, set_now)
        self.amara, self.bilal = self.person("Amara").id, self.person("Bilal").id
        with transaction() as session:
            session.query(PairSeat).filter_by(meeting_id=self.meeting_id).delete()
            session.add_all(
                PairSeat(meeting_id=self.meeting_id, number=1, person_id=person_id)
                for person_id in (self.amara, self.bilal)
            )
        self.at(0)
        self.everybody_here()
        self.at(45)
        self.close()

    @property
    def day(self) -> str:
        return (self.starts_at + timedelta(days=6)).date().isoformat()

    def take_on(self, name: str = "Amara", text: str = WORDS, **fields: str) -> int:
        form: dict[str, Any] = {"text": text, "day": self.day, "witness": str(self.bilal), **fields}
        return self.visit(name).post(f"{self.address}/commitment", **form).status_code

    def second_of(self, cohort: Cohort) -> int:
        """The id of a cohort's second session."""
        of_cohort = select(Meeting.id).where(Meeting.cohort_id == cohort.id)
        return db.session.scalars(of_cohort.order_by(Meeting.starts_at)).all()[1]

    def stored_one(self) -> Commitment:
        db.session.rollback()
        return db.session.scalars(select(Commitment)).one()

    def say(self, outcome: str, hindrance: str = "", who: str = "Amara") -> int:
        address = f"commitments/{self.stored_one().id}/outcome"
        return self.visit(who).post(address, outcome=outcome, hindrance=hindrance).status_code

    def confirm(self, who: str, seen: str = "kept") -> int:
        return self.visit(who).post(f"commitments/{self.stored_one().id}/confirm", seen=seen).status_code


@pytest.fixture
def scene(any_app: Flask, set_now: SetNow) -> Ended:
    return Ended(any_app, set_now)


@pytest.fixture
def quick(app: Flask, set_now: SetNow) -> Ended:
    return Ended(app, set_now)


def test_the_room_asks_for_one_thing_with_the_partner_as_witness_and_the_witness_confirms_it(scene: Ended) -> None:
    room = scene.visit("Amara").get(f"{scene.address}/mine").text
    assert "What will you do until the next session?" in room
    assert f'<option value="{scene.bilal}" selected>Bilal' in room
    assert f'value="{scene.day}"' in room
    assert scene.take_on() == 200
    assert "You took on:" in scene.visit("Amara").get("").text
    assert scene.say("kept") == 200
    assert "Bilal" not in scene.visit("Chen").get("").text
    assert WORDS in scene.visit("Bilal").get("").text
    assert scene.confirm("Bilal") == 200
    assert scene.confirm("Bilal") == 200
    stored = scene.stored_one()
    assert (stored.outcome, stored.confirmed_by_id) == ("kept", scene.bilal)
    assert scene.say("not_yet") == 400


def test_it_is_asked_for_when_its_day_has_come_and_opens_the_next_session(quick: Ended) -> None:
    quick.take_on()
    quick.at(60 * 24 * 6.5)
    page = quick.visit("Amara").get("").text
    assert "Say how it went" in page
    assert WORDS in page
    following = quick.second_of(quick.cohort)
    open_page = db.session.get_one(Meeting, following).version
    quick.say("partly", "The review was moved.")
    changes = quick.visit("Bilal").get(f"meetings/{following}/mine/changes?version={open_page}")
    assert WORDS in changes.text
    own = quick.visit("Amara").get(f"meetings/{following}/mine").text
    assert "From last time" in own
    assert WORDS in own
    assert WORDS in quick.visit("Bilal").get(f"meetings/{following}/mine").text
    assert WORDS not in quick.visit("Chen").get(f"meetings/{following}/mine").text
    opening = quick.visit("Mei").get(f"meetings/{following}").text
    assert "1 of 1 have said how it went" in opening
    assert "The review was moved." in opening


def test_only_those_concerned_and_the_cohorts_facilitators_see_the_words(quick: Ended) -> None:
    quick.take_on()
    quick.say("kept")
    number = quick.stored_one().id
    for path in (f"commitments/{number}", f"commitments/{number}/witness"):
        assert quick.visit("Chen").get(path).status_code == 404
    (tova,) = factories.make_people(quick.course, ["Tova"], role=Role.INSTRUCTOR)
    teacher = factories.visit(quick.app, quick.course, tova, Role.INSTRUCTOR)
    page = teacher.get(f"{quick.address}/commitments")
    assert "1 of 6 have written down" in page.text
    assert WORDS not in page.text
    refused = teacher.post(f"{quick.address}/commitments/confirm", commitment=str(number), seen="kept")
    assert refused.status_code == 404
    mei = quick.visit("Mei")
    assert WORDS in mei.get(f"{quick.address}/commitments").text
    confirmed = mei.post(f"{quick.address}/commitments/confirm", commitment=str(number), seen="kept")
    assert confirmed.status_code == 200
    assert quick.stored_one().confirmed_by_id == quick.mei.id


def test_the_facilitator_who_is_the_witness_is_reminded_and_the_next_one_reads_no_word(quick: Ended) -> None:
    quick.take_on(witness="facilitator")
    quick.say("kept")
    quick.at(60 * 24 * 7)
    room = quick.visit("Mei").get(f"meetings/{quick.second_of(quick.cohort)}").text
    assert f'{quick.address}/commitments">1 waits for you to confirm it' in room

    (noor,) = factories.make_people(quick.course, ["Noor"])
    other = factories.make_cohort(quick.program, [], name="B", facilitator=noor)
    with transaction() as session:
        moved = session.scalars(select(Membership).where(Membership.person_id == quick.amara)).one()
        moved.until = quick.starts_at + timedelta(days=1)
        session.add(
            Membership(program_id=quick.program.id, cohort_id=other.id, person_id=quick.amara, since=moved.until)
        )
    noors = factories.visit(quick.app, quick.course, noor, Role.LEARNER)
    room = noors.get(f"meetings/{quick.second_of(other)}").text
    assert "1 of 1 have said how it went" in room
    assert WORDS not in room
    assert "waits for you" not in room
    assert WORDS in quick.visit("Amara").get(f"meetings/{quick.second_of(other)}/mine").text


def test_nobody_confirms_their_own_another_pairs_or_what_was_not_done(quick: Ended) -> None:
    quick.take_on()
    assert quick.confirm("Bilal") == 400
    quick.say("not_yet", "No time.")
    assert quick.confirm("Bilal", "not_yet") == 400
    quick.say("kept")
    assert quick.stored_one().hindrance is None
    assert quick.confirm("Bilal", "partly") == 400
    assert quick.confirm("Amara") == 404
    assert quick.confirm("Chen") == 404
    assert quick.say("kept", who="Bilal") == 404
    assert quick.stored_one().confirmed_at is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": "  "}, "Write something here."),
        ({"text": "x" * 501}, "shorten it to 500"),
        ({"day": "2020-01-01"}, "Choose a date between"),
        ({"day": "soon"}, "Choose a date"),
        ({"witness": "999999"}, "Choose somebody of this session"),
        ({"witness": "Bilal"}, "Choose somebody of this session"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(quick: Ended, fields: dict[str, str], sentence: str) -> None:
    form: dict[str, Any] = {"text": WORDS, "day": quick.day, "witness": str(quick.bilal), **fields}
    answer = quick.visit("Amara").post(f"{quick.address}/commitment", **form)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert form["text"].strip() in answer.text
    assert db.session.scalars(select(Commitment)).all() == []


def test_a_form_sent_twice_makes_one_and_it_changes_until_it_is_answered(quick: Ended) -> None:
    quick.take_on()
    quick.take_on()
    assert quick.stored_one().text == WORDS
    version = quick.version()
    quick.take_on(text="Something smaller. שלום 🙂 <script>alert(1)</script>", witness="facilitator")
    assert quick.version() == version + 1
    assert quick.stored_one().witness_id is None
    assert "<script>alert" not in quick.visit("Mei").get(f"{quick.address}/commitments").text
    quick.say("kept")
    assert quick.take_on(text="Another") == 400


def test_somebody_of_another_cohort_or_before_the_session_writes_nothing(quick: Ended) -> None:
    (zoe,) = factories.make_people(quick.course, ["Zoe"])
    zoes = factories.visit(quick.app, quick.course, zoe, Role.LEARNER)
    form: dict[str, Any] = {"text": WORDS, "day": quick.day, "witness": "facilitator"}
    assert zoes.post(f"{quick.address}/commitment", **form).status_code == 404
    following = quick.second_of(quick.cohort)
    early = quick.visit("Amara").post(f"meetings/{following}/commitment", **form)
    assert early.status_code == 400
    assert "once the session has begun" in early.text


def first_week(scene: Ended, name: str) -> Progress:
    db.session.rollback()
    weeks = measure.by_week(db.session(), scene.program.id, [scene.person(name).id], clock.now())
    return weeks[scene.person(name).id].get(1, Progress(0, 0, 0))


def test_it_counts_when_it_is_answered_for_and_not_by_what_became_of_it(quick: Ended) -> None:
    assert first_week(quick, "Amara") == Progress(0, 0, 0), "nobody was asked"
    quick.take_on()
    assert first_week(quick, "Amara") == first_week(quick, "Bilal") == Progress(0, 0, 1)
    quick.say("not_yet", "No time.")
    assert first_week(quick, "Amara") == Progress(1, 1, 1)
    query = select(Cell).join(Column).where(Column.measure == "commitments", Cell.person_id == quick.amara)
    assert db.session.scalars(query).one().values.wanted.comment == "1 of 8 commitments"
    quick.take_on("Chen", day=(quick.starts_at + timedelta(days=20)).date().isoformat())
    assert first_week(quick, "Bilal") == Progress(0, 0, 1)
    quick.at(60 * 24 * 7 + 45)
    with transaction() as session:
        attendance.close(session, session.get_one(Meeting, quick.second_of(quick.cohort)), quick.mei.id)
    assert first_week(quick, "Bilal") == Progress(0, 1, 1)
    assert first_week(quick, "Chen") == Progress(0, 0, 1), "the day that Chen chose has not come"
    quick.at(60 * 24 * 7 * 9)
    assert first_week(quick, "Chen") == Progress(0, 1, 1)
