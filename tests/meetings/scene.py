"""A cohort of six in its first session, for tests of the room."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance, checkin, pairs, room, script
from lti_tool.meetings.tables import Meeting, Presence, Room
from lti_tool.roster.tables import Person
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import SetNow

NAMES = ("Amara", "Bilal", "Chen", "Dana", "Emil", "Farah")


class Scene:
    """A cohort of six, facilitated by Mei, ten minutes before its first session."""

    def __init__(self, app: Flask, set_now: SetNow) -> None:
        self.app, self._set_now = app, set_now
        self.course = factories.make_course()
        self.program = factories.make_program(self.course)
        self.people = factories.make_people(self.course, NAMES)
        (self.mei,) = factories.make_people(self.course, ["Mei"])
        self.cohort: Cohort = factories.make_cohort(self.program, self.people, facilitator=self.mei)
        self.meeting_id = db.session.scalars(select(Meeting.id).order_by(Meeting.starts_at)).all()[0]
        self.starts_at = self.meeting.starts_at
        self.address = f"meetings/{self.meeting_id}"
        self.minute = 0.0
        self.at(-10)

    @property
    def meeting(self) -> Meeting:
        return db.session.get_one(Meeting, self.meeting_id)

    def at(self, minutes: float) -> None:
        """Set the time, in minutes from the session's beginning."""
        self.minute = minutes
        self._set_now(self.starts_at + timedelta(minutes=minutes))

    def mark(self, **marks: Presence) -> None:
        with transaction() as session:
            chosen = {self.person(name).id: presence for name, presence in marks.items()}
            attendance.mark(session, session.get_one(Meeting, self.meeting_id), chosen, self.mei.id)

    def everybody_here(self) -> None:
        self.mark(**dict.fromkeys(NAMES, Presence.PRESENT))

    def start(self) -> None:
        with transaction() as session:
            room.start(session, session.get_one(Meeting, self.meeting_id), self.mei.id)

    def step(self, name: str, seen: str | None = None) -> bool:
        with transaction() as session:
            meeting = session.get_one(Meeting, self.meeting_id)
            return room.step(session, meeting, name, seen or script.seen(self.script()))

    def script(self) -> script.Script:
        return script.from_rows(db.session.get_one(Room, self.meeting_id).parts)

    def close(self) -> None:
        with transaction() as session:
            attendance.close(session, session.get_one(Meeting, self.meeting_id), self.mei.id)

    def person(self, name: str) -> Person:
        return next(person for person in self.people if person.name == name)

    def visit(self, name: str) -> Browser:
        who = self.mei if name == "Mei" else self.person(name)
        return factories.visit(self.app, self.course, who, Role.LEARNER)

    def stored(self) -> dict[str, str]:
        rows = attendance.marks_of(db.session(), self.meeting_id)
        return {person.name: rows[person.id].presence for person in self.people if person.id in rows}

    def groups(self) -> list[set[str]]:
        return [{person.name for person in group.people} for group in pairs.pairs_of(db.session(), self.meeting)]

    def version(self) -> int:
        db.session.rollback()
        return self.meeting.version


def check_in(scene: Scene, name: str, code: str | None = None) -> int:
    answer = scene.visit(name).post(f"{scene.address}/check-in", code=code or checkin.code_of(scene.meeting_id))
    return answer.status_code
