"""A course whose platform offers services: a teacher opens Peerloop there, and its workers do what is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import select, update

from lti_tool import clock, gradebook
from lti_tool.database import db, transaction
from lti_tool.gradebook import reading
from lti_tool.gradebook.tables import Column
from lti_tool.meetings import attendance, pairs
from lti_tool.meetings.tables import Meeting, Presence
from lti_tool.programs.tables import Program
from lti_tool.roster import people, readings
from lti_tool.roster.tables import Course, Tenant
from tests.certification.services import Services
from tests.certification.tool import INSTRUCTOR, LEARNER, ToolUnderTest
from tests.support import factories
from tests.support.platform import Browser

MOST_UNITS = 200


class CourseWithServices:
    """One course of one platform, from its first launch on."""

    def __init__(self, tool: ToolUnderTest) -> None:
        self.tool = tool
        self.services = Services(tool.platform)
        self._opened: requests.Response | None = None
        self._first_meeting = 0

    def teacher_opens(self, **claims: Any) -> None:
        """The launch that tells where the services are."""
        told = {"roles": INSTRUCTOR, "sub": "teacher", "name": "Tea Cher", **self.services.claims(), **claims}
        self._opened = self.tool.launch(**told)
        assert self._opened.status_code == 200

    def learner_opens(self, **claims: Any) -> None:
        """A launch from a browser of the learner's own, so that the teacher's page stays open."""
        browser = Browser(self.tool.product, self.tool.platform)
        assert browser.launch(roles=LEARNER, **claims).status_code == 200
        browser.http.close()

    def page(self, path: str) -> str:
        """A page as the teacher sees it."""
        assert self._opened is not None
        visit = self._opened.url.split("/v/")[1].split("/")[0]
        response = self.tool.browser.http.get(f"{self.tool.browser.base}/v/{visit}/{path}", timeout=10)
        assert response.status_code == 200
        return response.text

    def roster_is_read(self) -> None:
        """Be the worker that reads rosters."""
        self._work(readings.run)

    def grades_are_sent(self) -> None:
        """Be the worker that sends and reads grades."""
        self._work(gradebook.run)

    def _work(self, unit: Callable[[], bool]) -> None:
        with self.tool.product.app.app_context():
            for _unit in range(MOST_UNITS):
                if not unit():
                    return
        raise AssertionError("the worker does not come to rest")

    def first_session_was(self, present: tuple[str, ...]) -> None:
        """Everybody learns in one cohort, and the first session, yesterday, is closed with these people present."""
        with self.tool.product.app.app_context():
            course = self._course()
            learners = people.placeable(db.session(), course.id)
            program = factories.make_program(course, first_on=(clock.now() - timedelta(days=1)).date())
            cohort_id = factories.make_cohort(program, learners).id
            with transaction() as session:
                meeting = session.scalars(
                    select(Meeting).where(Meeting.cohort_id == cohort_id).order_by(Meeting.starts_at)
                ).first()
                assert meeting is not None
                here = [person.id for person in people.placeable(session, course.id) if person.subject in present]
                attendance.mark(session, meeting, dict.fromkeys(here, Presence.PRESENT), None)
                attendance.close(session, meeting, None)
                self._first_meeting = meeting.id

    def pairs_are_planned(self) -> None:
        """Be the worker that says who works with whom."""
        self._work(pairs.plan_stale)

    def corrects(self, subject: str, presence: Presence) -> None:
        """The mark of a person in that session is corrected."""
        with self.tool.product.app.app_context(), transaction() as session:
            meeting = session.get_one(Meeting, self._first_meeting)
            who = [p.id for p in people.placeable(session, self._course().id) if p.subject == subject]
            attendance.mark(session, meeting, dict.fromkeys(who, presence), None)

    def asks_for_the_roster(self) -> None:
        """The roster is read once more."""
        with self.tool.product.app.app_context(), transaction() as session:
            readings.request_now(session, self._course().id)
        self.roster_is_read()

    def forgets_its_columns(self) -> None:
        """Peerloop knows no longer where its columns are."""
        with self.tool.product.app.app_context(), transaction() as session:
            programs = select(Program.id).where(Program.course_id == self._course().id)
            session.execute(update(Column).where(Column.program_id.in_(programs)).values(line_item_url=None))

    def gradebook(self) -> str:
        """The address of the gradebook's page."""
        with self.tool.product.app.app_context():
            program_id = db.session.scalars(select(Program.id).where(Program.course_id == self._course().id)).one()
        return f"programs/{program_id}/gradebook"

    def results_are_wanted(self) -> None:
        """Somebody asks for what the LMS shows."""
        with self.tool.product.app.app_context(), transaction() as session:
            reading.want_reading(session, self._course().id)
        self.grades_are_sent()

    def _course(self) -> Course:
        query = select(Course).join(Tenant, Tenant.id == Course.tenant_id)
        return db.session.scalars(query.where(Tenant.registration_id == self.tool.registration.id)).one()
