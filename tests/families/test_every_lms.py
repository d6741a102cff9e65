"""Peerloop on every LMS that the sandbox plays: people arrive, the roster is read, a grade goes out and comes back.

Everything goes over HTTP, between a served Peerloop and a sandbox process of its own for each LMS.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page as BrowserPage
from sqlalchemy import func, select

import config
from lti_tool.admin import checking
from lti_tool.admin.checking import Target
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.demo.robot import Form, Page, Robot
from lti_tool.gradebook.states import next_timestamp
from lti_tool.lti import invitations, registrations, waiting, wire
from lti_tool.lti.checkup import COLUMN, Cause, Outcome, Point
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import Refused, Resting, Superseded, Throttled, Ungradable
from lti_tool.lti.grades import (
    Activity,
    Grading,
    LineItem,
    Result,
    Score,
    find_or_create,
    line_items,
    post_score,
    read_results,
)
from lti_tool.lti.launch import GradeService, Role
from lti_tool.roster import groups, readings
from lti_tool.roster.tables import Course, Enrolment, Person, ReadingState
from lti_tool.sandbox.families import FAMILIES
from tests.families.conftest import PlayedLms
from tests.support.platform import serving
from tests.support.resting import end_rests
from tests.support.sandbox import SandboxProcess

COURSE = "ctx-feedback"
LEARNERS = 54
TOLD = {"blackboard"}  # whose audience of tokens is settled when it is registered by hand
BY_HAND = {"blackboard", "schoology"}
TELLS_GROUPS = {"blackboard", "moodle", "standard"}
NAMES_WHO_IS_NOT_GRADED = {"brightspace", "canvas", "moodle"}


class Lms:
    """One LMS in which Peerloop is registered, and what people do there."""

    def __init__(self, sandbox: SandboxProcess, app: Flask, base_url: str) -> None:
        self.sandbox, self.app, self.family = sandbox, app, sandbox.family
        self.clock = datetime.now(UTC)
        self.last_page = self._register_by_address(base_url)
        if self.last_page is None:
            self._register_by_hand(base_url)
        with app.app_context():
            [registration] = registrations.every()
        self.registration_id, self.client_id = registration.id, registration.client_id
        links = sandbox.tool(self.client_id)["resource_links"]
        self.link = next(link["id"] for link in links if link["course_id"] == COURSE)
        self.column = LineItem("Sessions", 100.0, "program-1", "sessions", resource_link_id=self.link)

    def _register_by_address(self, base_url: str) -> str | None:
        """As an invited administrator; what the last page says, or None where the LMS takes no address."""
        with self.app.app_context(), transaction() as session:
            _invitation, secret = invitations.invite(session, days=1)
        page = self.sandbox.register_by(f"{base_url}/lti/register?invitation={secret}")
        if page is None:
            return None
        assert page.status == 200, page.text
        with self.app.app_context(), transaction() as session:
            for pending in waiting.every(session):
                waiting.approve(session, pending.reference)
        return page.text

    def _register_by_hand(self, base_url: str) -> None:
        shown = self.sandbox.register_tool(
            login_url=f"{base_url}/lti/login",
            redirect_uris=[f"{base_url}/lti/launch"],
            target_link_uri=f"{base_url}/lti/launch",
            jwks_url=f"{base_url}/lti/jwks",
        )
        addresses = {name: shown[name] for name in ("issuer", "client_id", "auth_url", "token_url", "jwks_url")}
        with self.app.app_context(), transaction() as session:
            registrations.add(
                session,
                name="Sandbox",
                audience=shown["audience"],
                family=self.family if self.family in TOLD else "standard",
                deployment_ids=[shown["deployment_id"]],
                **addresses,
            )

    def has_rested(self) -> None:
        """Let the time pass for which this LMS is left alone."""
        with self.app.app_context():
            end_rests(self.app)

    def people(self, *, role: str, test_user: bool = False) -> list[str]:
        """The user ids of the active people of this kind."""
        known = self.sandbox.control.state()["courses"][COURSE]["people"]
        return [p["sub"] for p in known if (p["role"], p["test_user"], p["active"]) == (role, test_user, True)]

    def open_tool(self, subject: str) -> str:
        """Open Peerloop from the course; what its page says."""
        robot = self.sandbox.robot()
        page = robot.launch(f"/enter/person/{subject}?course={COURSE}&link={self.link}")
        robot.close()
        assert page.status == 200, page.text
        return page.text

    def role(self, subject: str) -> str:
        with self.app.app_context():
            query = select(Enrolment.role).join(Person, Person.id == Enrolment.person_id)
            return str(db.session.scalars(query.where(Person.subject == subject)).one())

    def read_roster(self) -> str:
        """Read it; how that ended."""
        with self.app.app_context():
            with transaction() as session:
                course = session.scalars(select(Course)).one()
                readings.request_now(session, course.id)
            readings.run()
            with transaction() as session:
                reading = readings.latest(session, course.id)
                assert reading is not None
                assert (reading.problem, reading.skipped) == (None, 0)
                return reading.state

    def may_learn(self) -> int:
        """How many people of the course can be placed."""
        with self.app.app_context():
            return db.session.scalar(select(func.count()).select_from(Enrolment).where(Enrolment.may_learn)) or 0

    def gradebook(self) -> tuple[Connection, GradeService]:
        with self.app.app_context():
            course = db.session.scalars(select(Course)).one()
            registration = registrations.get(self.registration_id)
            assert registration is not None
            service = GradeService(course.line_items_url, None, frozenset(course.grade_scopes))
            return wire.connect(registration, course.deployment_id), service

    def score(self, subject: str, given: float | None, **more: Any) -> Score:
        """A score that is later than those before, by the rule that Peerloop has for it."""
        self.clock = next_timestamp(datetime.now(UTC), self.clock)
        grading = Grading.NOT_READY if given is None else Grading.FULLY_GRADED
        activity = Activity.INITIALIZED if given is None else Activity.IN_PROGRESS
        values: dict[str, Any] = {"timestamp": self.clock, "activity": activity, "grading": grading, **more}
        return Score(subject, given=given, maximum=None if given is None else 100.0, **values)


@pytest.fixture(scope="module", params=FAMILIES)
def lms(
    request: pytest.FixtureRequest, played_lms: PlayedLms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lms]:
    """An LMS whose course an instructor has opened Peerloop from."""
    folder = tmp_path_factory.mktemp(request.param)
    sandbox = played_lms(request.param)
    with serving(None) as (server, address):
        base_url = address.replace("127.0.0.1", "localhost")  # the site of the LMS, whose frames may keep cookies
        settings = config.Settings(
            base_url=base_url,
            database_url=f"sqlite:///{folder / 'peerloop.db'}",
            queue_url=f"sqlite:///{folder / 'queue.db'}",
            keys_dir=folder / "keys",
            allow_private_platforms=True,
        )
        server.app = app = create_app(settings.with_secrets())
        with app.app_context():
            db.create_all()
            wire.ensure_signing_key()
        lms = Lms(sandbox, app, base_url)
        lms.open_tool(lms.people(role="instructor")[0])
        yield lms
        with app.app_context():
            wire.current().close()
            db.session.remove()
            db.engine.dispose()


def test_one_pasted_address_registers_it_unless_the_lms_takes_none(lms: Lms) -> None:
    assert (lms.last_page is None) == (lms.family in BY_HAND)
    if lms.last_page is not None:
        # These have the vendor's issuer, or its audience, but lie elsewhere.
        assert ("waits for approval" in lms.last_page) == (lms.family in {"brightspace", "canvas"})
        assert "keeps back" not in lms.last_page


def test_the_first_launch_has_told_which_lms_it_is(lms: Lms) -> None:
    with lms.app.app_context():
        registration = registrations.get(lms.registration_id)
        assert registration is not None
        assert registration.family == lms.family


def test_peerloop_shows_in_the_frame_of_its_course(lms: Lms, browser_page: BrowserPage) -> None:
    """Also where the issuer, as that of a cloud, is not the address of the page that frames Peerloop."""
    subject = lms.people(role="learner")[6]
    browser_page.goto(f"{lms.sandbox.base_url}/enter/person/{subject}?course={COURSE}&link={lms.link}")
    inside = browser_page.frame_locator("iframe.tool")
    inside.get_by_role("heading", level=1).wait_for(timeout=20_000)


def test_people_arrive_as_what_they_are(lms: Lms) -> None:
    [assistant], learner = lms.people(role="ta"), lms.people(role="learner")[0]
    expected = {
        lms.people(role="instructor")[0]: Role.INSTRUCTOR,
        assistant: Role.TEACHING_ASSISTANT,
        learner: Role.LEARNER,
    }
    if lms.family == "moodle":  # it calls everybody an instructor who may manage the link
        expected[assistant] = Role.INSTRUCTOR
    for subject in lms.people(role="mentor"):
        expected[subject] = Role.MENTOR
    for subject in expected:
        lms.open_tool(subject)
    assert {subject: lms.role(subject) for subject in expected} == expected


def test_everybody_who_can_learn_is_in_the_roster_and_nobody_else(lms: Lms) -> None:
    [assistant] = lms.people(role="ta")
    lms.open_tool(assistant)
    assert lms.read_roster() == ReadingState.COMPLETE
    assert lms.may_learn() == LEARNERS
    assert lms.role(assistant) in {Role.TEACHING_ASSISTANT, Role.INSTRUCTOR}


def test_the_groups_of_the_course_are_those_of_the_lms_where_it_tells_them(lms: Lms) -> None:
    lms.read_roster()
    with lms.app.app_context():
        found = {set_.title: set_.members for set_ in groups.sets_of(db.session(), 1)}
    if lms.family not in TELLS_GROUPS:
        assert not found
        return
    assert found.keys() == {"Group", "Group (Lab)"}
    assert set(found["Group"].values()) == {("Reading circle",)}
    labs = list(found["Group (Lab)"].values())
    assert sorted(labs.count((f"Lab {n}",)) for n in range(1, 6)) == [10, 10, 10, 11, 11]


def test_people_whose_names_and_addresses_are_kept_back_can_take_part(lms: Lms) -> None:
    lms.sandbox.control.tool(lms.client_id, privacy="anonymous")
    [subject] = lms.sandbox.control.people({"action": "add", "course": COURSE, "name": "Hidden Person"})
    try:
        assert lms.read_roster() == ReadingState.COMPLETE
        assert lms.role(subject) == Role.LEARNER
        with lms.app.app_context():
            person = db.session.scalars(select(Person).where(Person.subject == subject)).one()
            assert (person.email, "Hidden" in person.name) == (None, False)
        lms.open_tool(subject)
    finally:
        lms.sandbox.control.tool(lms.client_id, privacy="public")
        lms.sandbox.control.people({"action": "leave", "course": COURSE, "sub": subject})
        lms.read_roster()


def test_nobody_is_taken_for_gone_when_the_lms_hides_who_has_not_come(lms: Lms) -> None:
    """As Brightspace does while a setting of the deployment is off."""
    lms.read_roster()
    lms.sandbox.control.tool(lms.client_id, known_only=True)
    try:
        assert lms.read_roster() == ReadingState.HELD
        assert lms.may_learn() == LEARNERS
    finally:
        lms.sandbox.control.tool(lms.client_id, known_only=False)
        assert lms.read_roster() == ReadingState.COMPLETE


def test_two_frames_that_open_at_once_do_no_harm(lms: Lms) -> None:
    """Moodle remembers one launch of a person at a time: the first of two ends in an error, with a way on."""
    robot = lms.sandbox.robot(lms.people(role="learner")[5])
    first, second = (robot.get(f"/launch/{lms.link}").form("/lti/login") for _ in range(2))
    pages = [through(robot, form) for form in (second, first)]
    robot.close()
    assert "/v/" in pages[0].url
    if lms.family == "moodle":
        assert (pages[1].status, pages[1].headers["x-peerloop-error"]) == (400, "platform_error")
        assert "open the link once more" in pages[1].text
    else:
        assert "/v/" in pages[1].url


def through(robot: Robot, form: Form) -> Page:
    """Where a browser ends that sends this form, and those that follow by themselves."""
    return robot.go_on(robot.submit(form))


def test_a_column_is_made_once(lms: Lms) -> None:
    connection, service = lms.gradebook()
    made = find_or_create(connection, service, lms.column)
    assert find_or_create(connection, service, lms.column).id == made.id


def shown(connection: Connection, url: str, subject: str) -> Result | None:
    return next(iter(read_results(connection, url, user_id=subject)), None)


def test_a_grade_goes_out_comes_back_and_is_taken_back(lms: Lms) -> None:
    connection, service = lms.gradebook()
    url, subject = str(find_or_create(connection, service, lms.column).id), lms.people(role="learner")[1]
    for given in (50.0, 62.5, 100.0):
        post_score(connection, url, lms.score(subject, given, comment=f"{given} of 100"))
        result = shown(connection, url, subject)
        assert result is not None
        assert (result.score, result.maximum) == (given, 100)
    progress = lms.score(subject, None, activity=Activity.IN_PROGRESS, grading=Grading.PENDING, takes_back=False)
    post_score(connection, url, progress)
    kept = shown(connection, url, subject)
    assert (kept.score if kept else None) == (100 if lms.family == "canvas" else None)
    post_score(connection, url, lms.score(subject, 75.0))
    post_score(connection, url, lms.score(subject, None))
    gone = shown(connection, url, subject)
    assert gone is None or gone.score is None


def test_a_grade_of_zero_is_never_taken_for_another(lms: Lms) -> None:
    connection, service = lms.gradebook()
    url, subject = str(find_or_create(connection, service, lms.column).id), lms.people(role="learner")[2]
    post_score(connection, url, lms.score(subject, 0.0))
    result = shown(connection, url, subject)
    assert result is not None
    assert result.score == (None if lms.family == "moodle" else 0)


def test_a_score_that_comes_too_late_is_known_as_such(lms: Lms) -> None:
    connection, service = lms.gradebook()
    url, subject = str(find_or_create(connection, service, lms.column).id), lms.people(role="learner")[3]
    post_score(connection, url, lms.score(subject, 50.0))
    with pytest.raises(Superseded):
        post_score(connection, url, lms.score(subject, 60.0, timestamp=lms.clock - timedelta(hours=1)))


def test_somebody_who_cannot_be_graded_is_refused_for_good(lms: Lms) -> None:
    connection, service = lms.gradebook()
    url, [assistant] = str(find_or_create(connection, service, lms.column).id), lms.people(role="ta")
    with pytest.raises(Refused) as refused:
        post_score(connection, url, lms.score(assistant, 50.0))
    assert isinstance(refused.value, Ungradable) == (lms.family in NAMES_WHO_IS_NOT_GRADED)


def test_an_lms_that_is_asked_too_fast_is_left_in_peace(lms: Lms) -> None:
    connection, service = lms.gradebook()
    url, subject = str(find_or_create(connection, service, lms.column).id), lms.people(role="learner")[4]
    lms.sandbox.control.fault("scores", "throttle", times=1)
    with pytest.raises(Throttled):
        post_score(connection, url, lms.score(subject, 50.0))
    with pytest.raises(Resting):
        post_score(connection, url, lms.score(subject, 50.0))
    lms.has_rested()
    post_score(lms.gradebook()[0], url, lms.score(subject, 50.0))


def test_a_health_check_finds_the_lms_well_and_leaves_nothing_in_it(lms: Lms) -> None:
    lms.read_roster()
    with lms.app.app_context():
        course = db.session.scalars(select(Course)).one()
        done = checking.check_now(Target(lms.registration_id, course.tenant_id), course.id, may_write=True)
        found = {finding.point: finding for finding in checking.findings(done)}
    wrong = {point: finding for point, finding in found.items() if finding.outcome is Outcome.BAD}
    assert wrong == {}
    left_out = {point: finding.cause for point, finding in found.items() if finding.outcome is Outcome.OMITTED}
    # Moodle marks nobody as a test student.
    untried = (Point.SCORE, Point.RESULT) if lms.family == "moodle" else ()
    assert left_out == dict.fromkeys(untried, Cause.NO_TEST_STUDENT)
    connection, service = lms.gradebook()
    keys = {"resource_id": COLUMN.resource_id, "tag": COLUMN.tag}
    assert [item for item in line_items(connection, service, **keys) if item.label == COLUMN.label] == []
