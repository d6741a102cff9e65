"""A check tells whether an LMS does what Peerloop needs, and leaves nothing behind in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from flask import Response
from sqlalchemy import func, select, update

from lti_tool import clock
from lti_tool.admin import checking, words
from lti_tool.admin.checking import Target
from lti_tool.admin.tables import Checkup, CheckupState
from lti_tool.admin.words import About, Line
from lti_tool.database import db, transaction
from lti_tool.lti import addresses, checkup, memberships
from lti_tool.lti.checkup import Cause, Finding, Outcome, Point
from lti_tool.lti.families import FAMILIES
from lti_tool.lti.launch import Role, Standing
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.tables import Course
from tests.admin.gradebook import Gradebook, service_of
from tests.roster.lms import Lms, class_of
from tests.support.platform import OTHER_KEY, public_jwk


def arrives(lms: Lms, *, test_student: bool = True) -> Target:
    """An instructor opens Peerloop, and so does the LMS's student preview."""
    lms.people = class_of(3)
    service = service_of(lms.platform)
    recorded = lms.arrives(grades=service)
    if test_student:
        lms.arrives("preview", Role.LEARNER, standing=Standing(Role.LEARNER, is_test=True), grades=service)
    return Target(lms.registration.id, recorded.tenant_id)


def found_in(lms: Lms, target: Target | None = None, *, may_write: bool = True) -> dict[Point, Finding]:
    """What a check finds, by what was tried."""
    target = target or arrives(lms)
    course = checking.usual_course(db.session(), target.tenant_id) if target.tenant_id else None
    row = checking.check_now(target, course.id if course else None, may_write=may_write)
    return {finding.point: finding for finding in checking.findings(row)}


def told(lms: Lms, finding: Finding) -> Line:
    about = About(lms.registration, "https://tool.test", "Peer learning")
    return words.line(finding, about)


def causes(found: dict[Point, Finding]) -> dict[Point, Cause | None]:
    """What is not good, and why."""
    return {point: finding.cause for point, finding in found.items() if finding.outcome is not Outcome.GOOD}


def test_an_lms_that_does_everything_is_all_green_and_left_as_it_was(lms: Lms, gradebook: Gradebook) -> None:
    found = found_in(lms)
    assert causes(found) == {}
    assert list(found) == list(Point)
    assert (found[Point.KEYS].figure, found[Point.ROSTER].figure) == (1, 3)
    assert gradebook.most_columns == 1
    assert gradebook.columns == {}
    assert [score["userId"] for score in gradebook.scores] == ["preview"]


def test_each_scope_is_asked_for_by_itself_in_the_name_of_the_deployment(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    found_in(lms)
    assert [asked["scope"] for asked in lms.platform.token_requests] == list(checkup.SCOPES.values())


def test_no_real_person_is_graded_for_a_trial(lms: Lms, gradebook: Gradebook) -> None:
    found = found_in(lms, arrives(lms, test_student=False))
    assert causes(found) == {Point.SCORE: Cause.NO_TEST_STUDENT, Point.RESULT: Cause.NO_TEST_STUDENT}
    assert gradebook.scores == []
    assert gradebook.columns == {}
    line = told(lms, found[Point.SCORE])
    assert line.sign == "waits"
    assert "no test student" in line.text


def test_an_lms_that_grades_no_test_student_is_not_called_broken(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["score"] = lambda: Response('{"error": "not a student"}', 422)
    found = found_in(lms)
    assert causes(found) == {Point.SCORE: Cause.NOT_GRADED, Point.RESULT: Cause.NEEDS_OTHER}
    assert "“not a student”" in told(lms, found[Point.SCORE]).text
    assert gradebook.columns == {}


def test_a_check_may_be_told_to_write_nothing(lms: Lms, gradebook: Gradebook) -> None:
    found = found_in(lms, may_write=False)
    assert set(causes(found).values()) == {Cause.NOT_WANTED}
    assert gradebook.most_columns == 0


def test_whatever_fails_on_the_way_the_column_is_removed(lms: Lms, gradebook: Gradebook) -> None:
    target = arrives(lms)
    for operation in ("score", "results", "make"):
        for status in (403, 500, 200):
            gradebook.faults = {operation: lambda status=status: Response("<html>", status)}  # type: ignore[misc]
            found_in(lms, target)
            assert gradebook.columns == {}, (operation, status)


def test_a_column_that_an_earlier_check_left_is_used_and_removed(lms: Lms, gradebook: Gradebook) -> None:
    left = {"label": "Peerloop check", "scoreMaximum": 1, "resourceId": "peerloop-check", "tag": "check"}
    others = {"label": "Sessions", "scoreMaximum": 100, "resourceId": "program-1", "tag": "sessions"}
    for column in (left, left, others):
        gradebook.make(column)
    assert causes(found_in(lms)) == {}
    assert [column["label"] for column in gradebook.columns.values()] == ["Sessions"]


def test_a_column_that_cannot_be_removed_is_named_with_its_course(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["delete"] = lambda: Response("no", 403)
    found = found_in(lms)
    assert causes(found) == {Point.REMOVAL: Cause.REFUSED}
    line = told(lms, found[Point.REMOVAL])
    assert line.what == "Delete the column “Peerloop check” in the gradebook of “Peer learning” by hand."


def test_a_score_that_shows_as_another_is_found_out(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["results"] = lambda: Response('[{"userId": "preview", "resultScore": 0.5}]')
    assert causes(found_in(lms)) == {Point.RESULT: Cause.DIFFERENT}


def test_a_scope_that_is_not_granted_is_told_with_its_place_in_that_lms(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    lms.platform.granted = memberships.SCOPE
    found = found_in(lms)
    assert found[Point.TOKEN_ROSTER].outcome is Outcome.GOOD
    assert found[Point.TOKEN_SCORES].cause is Cause.NOT_GRANTED
    assert found[Point.COLUMN].cause is Cause.NEEDS_OTHER
    places = {
        "moodle": "grade sync and column management",
        "canvas": "Developer Keys",
        "blackboard": "Allow grade service access",
        "brightspace": "Assignment and Grade Services",
        "sakai": "Allow External Tool to return grades",
        "schoology": "App Center",
        "standard": "Assignment and Grade",
    }
    assert set(places) == set(FAMILIES)
    for family, place in places.items():
        about = About(replace(lms.registration, family=family), "https://tool.test", None)
        assert place in str(words.line(found[Point.TOKEN_SCORES], about).where)


def test_a_key_set_that_cannot_be_read_is_told_with_its_address(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    for served, cause in (("<html>", Cause.UNREADABLE), ({"keys": []}, Cause.EMPTY)):
        lms.platform.jwks = served
        found = found_in(lms)
        assert causes(found) == {Point.KEYS: cause}
        line = told(lms, found[Point.KEYS])
        assert line.what is not None
        assert lms.registration.jwks_url in line.what
    lms.platform.jwks = {"keys": [public_jwk(OTHER_KEY, "two")]}
    assert causes(found_in(lms)) == {}


def test_an_address_at_which_the_lms_has_nothing_is_told_with_the_usual_one(lms: Lms) -> None:
    target, nothing = arrives(lms), f"{addresses.origin(lms.platform.issuer)}/nobody/nothing"
    with transaction() as session:
        session.execute(update(LtiRegistration).values(jwks_url=nothing, token_url=nothing, family="canvas"))
    found = found_in(lms, target)
    registration = replace(lms.registration, family="canvas", jwks_url=nothing, token_url=nothing)
    for point, option in ((Point.KEYS, "jwks-url"), (Point.TOKEN_ROSTER, "token-url")):
        assert found[point].cause is Cause.NOT_THERE
        line = words.line(found[point], About(registration, "https://tool.test", None))
        assert "nothing at the address" in line.text
        for part in (nothing, f"--{option}", "Usually it is https://sso.canvaslms.com/"):
            assert part in str(line.what)


def test_an_lms_that_is_away_is_asked_once_for_each_kind_of_thing(lms: Lms) -> None:
    target = arrives(lms)
    with transaction() as session:
        values = dict.fromkeys(("jwks_url", "token_url"), "http://127.0.0.1:1/nothing")
        session.execute(update(LtiRegistration).values(values))
    found = found_in(lms, target)
    assert causes(found)[Point.KEYS] is Cause.UNREACHABLE
    assert causes(found)[Point.TOKEN_ROSTER] is Cause.UNREACHABLE
    for point in (Point.KEYS, Point.TOKEN_ROSTER):
        assert str(told(lms, found[point]).what).startswith("First see whether the LMS is up")
    left_out = [point for point in Point if point not in {Point.KEYS, Point.TOKEN_ROSTER}]
    assert {causes(found)[point] for point in left_out} == {Cause.NEEDS_OTHER}


def test_a_course_without_services_says_so(lms: Lms) -> None:
    recorded = lms.arrives(memberships_url=None, grades=None)
    found = found_in(lms, Target(lms.registration.id, recorded.tenant_id))
    assert causes(found)[Point.ROSTER] is Cause.NOT_OFFERED
    assert causes(found)[Point.COLUMN] is Cause.NOT_OFFERED
    line = told(lms, found[Point.ROSTER])
    assert line.sign == "need"
    assert "Names and Roles" in str(line.where)


def test_before_anybody_came_keys_and_tokens_are_checked(lms: Lms) -> None:
    found = found_in(lms, Target(lms.registration.id))
    assert found[Point.TOKEN_ROSTER].outcome is Outcome.GOOD
    assert causes(found)[Point.ROSTER] is Cause.NO_COURSE
    assert "nobody has opened Peerloop" in told(lms, found[Point.ROSTER]).text


@pytest.mark.parametrize(("ahead", "cause"), [(-90, Cause.CLOCKS_DIFFER), (90, Cause.CLOCKS_DIFFER), (5, None)])
def test_a_clock_that_is_wrong_is_told_with_how_much(
    lms: Lms, monkeypatch: pytest.MonkeyPatch, ahead: int, cause: Cause | None
) -> None:
    true = clock.wall
    target = arrives(lms)

    class Ours:
        """Our clock, which is wrong by as much as the LMS's would be."""

        @staticmethod
        def wall() -> datetime:
            return true() - timedelta(seconds=ahead)

    monkeypatch.setattr(checkup, "clock", Ours)
    found = found_in(lms, target, may_write=False)
    assert found[Point.CLOCK].cause is cause
    assert abs((found[Point.CLOCK].figure or 0) - ahead) <= 1
    assert ("behind" if ahead < 0 else "ahead") in told(lms, found[Point.CLOCK]).text


def test_a_copy_from_a_cache_tells_no_time(lms: Lms) -> None:
    stale = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    lms.platform.jwks_headers = {"Date": stale, "Age": "3600"}
    assert found_in(lms, may_write=False)[Point.CLOCK].outcome is Outcome.GOOD


@pytest.mark.parametrize("date", ["soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 99999999999 00:00:00 GMT"])
def test_a_date_that_is_none_tells_no_time(lms: Lms, date: str) -> None:
    lms.platform.jwks_headers = {"Date": date}
    assert found_in(lms, may_write=False)[Point.CLOCK].outcome is Outcome.GOOD


def test_what_is_to_be_done_for_several_steps_is_told_once(lms: Lms) -> None:
    denied = [Finding(point, Outcome.BAD, Cause.DENIED, "invalid_client", 401) for point in checkup.SCOPES]
    first, *others = words.lines(denied, About(lms.registration, "https://tool.test", None))
    assert "https://tool.test/lti/jwks" in str(first.what)
    assert lms.registration.client_id in str(first.what)
    assert first.where is not None
    assert {(line.what, line.where) for line in others} == {("As above.", None)}


def test_what_is_registered_wrongly_here_is_not_blamed_on_the_lms(lms: Lms) -> None:
    denied = Finding(Point.TOKEN_ROSTER, Outcome.BAD, Cause.DENIED, "invalid_client", 401)
    right = replace(lms.registration, audience=lms.registration.token_url)
    wrong = replace(right, audience="https://elsewhere.test/token")
    for registration, usual in ((wrong, True), (right, False)):
        what = str(words.line(denied, About(registration, "https://tool.test", None)).what)
        assert f"The audience of tokens registered here is {registration.audience}." in what
        assert f"peerloop platform change {registration.id} --audience" in what
        assert f"peerloop platform remove {registration.id}" in what
        assert (f"Usually it is {right.token_url}." in what) is usual


def test_findings_hold_no_token(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["make"] = lambda: Response(f"bad token Bearer {max(lms.platform.valid_tokens)}", 403)
    found = found_in(lms)
    text = json.dumps([finding.said for finding in found.values()])
    assert "bad token" in text
    assert not any(token in text for token in lms.platform.valid_tokens)


def test_what_no_database_can_hold_is_left_out_of_what_the_lms_said(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["make"] = lambda: Response('{"error": "a\\u0000b\\ud800c"}', 403)
    assert found_in(lms)[Point.COLUMN].said == "a b c"


def test_a_worker_does_what_was_asked_for_and_keeps_the_last_result_alone(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    target = arrives(lms)
    for _ in range(2):
        ask(target)
        ask(target)
        assert checking.standing(db.session(), target).is_running
        assert checking.run() is True
        assert checking.run() is False
    assert db.session.scalar(select(func.count(Checkup.id))) == 1
    known = checking.standing(db.session(), target)
    assert known.last is not None
    assert not known.is_running


def ask(target: Target) -> None:
    course = db.session.scalars(select(Course)).one()
    with transaction() as session:
        checking.request(session, target, course.id)


def test_a_worker_that_stops_leaves_the_check_to_another(lms: Lms, gradebook: Gradebook) -> None:
    target = arrives(lms)
    ask(target)
    stop = lms.app.extensions["jobs_stop"]
    stop.set()
    checking.run()
    stop.clear()
    row = db.session.scalars(select(Checkup)).one()
    assert (row.state, row.attempts) == (CheckupState.REQUESTED, 0)
    assert checking.run() is True
    assert checking.standing(db.session(), target).last is not None
    assert gradebook.columns == {}


def test_a_worker_that_died_delays_a_check_and_a_late_one_changes_nothing(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    target = arrives(lms)
    ask(target)
    taken = checking._claim()
    assert taken is not None
    assert checking.run() is False
    with transaction() as session:
        session.execute(update(Checkup).values(leased_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert checking.run() is True
    first = checking.standing(db.session(), target).last
    assert first is not None
    before = first.finished_at
    checking._check(taken)
    after = checking.standing(db.session(), target).last
    assert after is not None
    assert after.finished_at == before


def test_a_check_that_kills_every_worker_is_not_waited_for(lms: Lms) -> None:
    target = arrives(lms)
    ask(target)
    for _ in range(checking.MAX_ATTEMPTS):
        assert checking._claim() is not None
        with transaction() as session:
            session.execute(update(Checkup).values(leased_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert checking._claim() is None
    assert not checking.standing(db.session(), target).is_running
