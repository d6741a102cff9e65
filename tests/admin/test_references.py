"""A reference that somebody read on an error page is looked up by those who can help, and tells nothing personal."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from lti_tool import clock
from lti_tool.admin import references
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell
from lti_tool.lti.launch import Platform, Role
from lti_tool.lti.refusals import EXPLANATIONS, spelled
from lti_tool.roster import admission
from lti_tool.roster.tables import Course, Person, Tenant
from lti_tool.web import incidents
from lti_tool.web.incidents import Incident
from tests.admin.launching import login, send_launch
from tests.admin.test_operating import enter
from tests.roster.lms import Lms
from tests.support import factories, world
from tests.support.factories import Browser
from tests.support.platform import GONE, KEY, OTHER_KEY

REFERENCE = re.compile(r"reference <strong>([^<]+)</strong>")


def launch(lms: Lms, *, key: Any = KEY, **changes: Any) -> str:
    """A launch that is refused; returns the reference on the page."""
    refused = send_launch(lms, lms.app.test_client(), key=key, **changes)
    db.session.rollback()
    return reference_on(refused.get_data(as_text=True))


def reference_on(page: str) -> str:
    found = REFERENCE.search(page)
    assert found is not None, page
    return found[1]


def administrator(lms: Lms, **where: Any) -> Browser:
    """An administrator of the institution that is launched from `where`."""
    recorded = lms.arrives("root", Role.NONE, **where)
    course = db.session.get_one(Course, recorded.course_id)
    who = db.session.get_one(Person, recorded.person_id)
    return factories.visit(lms.app, course, who, Role.NONE, is_admin=True)


def told(browser: Browser, reference: str) -> str:
    answer = browser.get("connection/reference", query_string={"reference": reference})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def asked(lms: Lms, reference: str) -> str:
    answer = enter(lms.app).get("/operator/reference", query_string={"reference": reference})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


SOUTHFIELD = Platform(guid="guid-2", name="Southfield")
UNKNOWN = "No such reference is known here"


def test_a_learners_reference_says_what_was_wrong_and_what_to_do(lms: Lms) -> None:
    reference = launch(lms, sub=GONE)
    for page in (told(administrator(lms), reference.lower().replace("-", " ")), asked(lms, reference)):
        for words in (
            "Your LMS did not say who you are",
            "no_identity",
            "deployment-1",
            "the claim “sub”",
        ):
            assert words in page


def test_it_holds_no_token_and_nothing_about_the_person(lms: Lms) -> None:
    reference = launch(lms, sub=GONE)
    page = asked(lms, reference)
    row = db.session.get_one(Incident, reference)
    for secret in ("person-1", "zoe", "Zoë", "eyJ"):
        assert secret not in page
        assert secret not in str(vars(row))


def test_a_deployment_that_waits_is_named(lms: Lms) -> None:
    reference = launch(lms, deployment_id="new-one")
    assert launch(lms, deployment_id="new-one") == reference
    page = asked(lms, reference)
    assert "deployment_pending" in page
    assert "Whoever runs Peerloop must accept the deployment that is named here" in page
    assert "Test LMS, deployment new-one" in page
    with transaction() as session:
        admission.approve(session, reference)
    page = asked(lms, reference)
    assert "Nothing waits under this reference any more" in page
    assert "must accept the deployment" not in page


def test_what_is_not_signed_is_not_taken_for_true(lms: Lms) -> None:
    reference = launch(lms, key=OTHER_KEY, deployment_id="made-up")
    row = db.session.get_one(Incident, reference)
    assert (row.code, row.registration_id, row.deployment_id) == ("bad_signature", lms.registration.id, None)


def test_before_an_lms_is_known_an_administrator_sees_no_detail(lms: Lms) -> None:
    refused = login(lms, iss="https://other-institution.test")
    reference = reference_on(refused.get_data(as_text=True))
    assert "other-institution" in asked(lms, reference)
    page = told(administrator(lms), reference)
    assert "Peerloop does not know this LMS" in page
    assert "other-institution" not in page


def test_an_administrator_sees_nothing_of_another_institution(lms: Lms) -> None:
    theirs = launch(lms, sub=GONE)
    there = {"platform": SOUTHFIELD, "deployment_id": "deployment-2"}
    here = administrator(lms)
    elsewhere = administrator(lms, **there)
    assert UNKNOWN not in told(here, theirs)
    assert UNKNOWN in told(elsewhere, theirs)
    other = factories.make_course(title="Elsewhere", issuer="https://elsewhere.test")
    root = factories.make_people(other, ["Root"], role=Role.NONE)[0]
    assert UNKNOWN in told(factories.visit(lms.app, other, root, Role.NONE, is_admin=True), theirs)


def test_a_failure_of_a_page_is_known_by_its_kind_alone(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world.build(app)
    app.testing = False

    def fail(*_: object) -> None:
        raise ValueError("Zoë wrote this")

    monkeypatch.setattr("lti_tool.admin.view.of_tenant", fail)
    admin = here.visit("admin")
    failed = admin.get("connection")
    assert failed.status_code == 500
    page = told(admin, reference_on(failed.get_data(as_text=True)))
    assert "Peerloop failed" in page
    assert "ValueError at /v/&lt;visit&gt;/connection" in page
    assert "Zoë" not in page


def test_a_refused_grade_is_told_without_whose_it_is(app: Flask) -> None:
    here = world.build(app)
    with transaction() as session:
        values = {"problem_code": "refused-422", "problem": "Person 01 is unknown", "problem_reference": "7F3K-2AQM"}
        session.execute(update(Cell).where(Cell.id == here.ids["cell_id"]).values(values))
    page = told(here.visit("admin"), "7f3k2aqm")
    for words in ("The LMS refused a grade", "refused-422", here.course.title, "page “Gradebook”"):
        assert words in page
    assert "Person 01" not in page
    other = world.build(app, title="Another course", issuer="https://other.test")
    assert UNKNOWN in told(other.visit("admin"), "7F3K-2AQM")


def test_a_reference_that_nobody_has_is_no_error(app: Flask) -> None:
    admin = world.build(app).visit("admin")
    for text in ("", "x" * 5000, "<b>", "7F3K-2A' OR 1=1", "\x00", "7F3K–2A"):
        page = told(admin, text)
        assert UNKNOWN in page
        assert "<b>" not in page


def test_who_looks_a_reference_up_is_not_told_to_send_it_to_somebody(app: Flask) -> None:
    assert app
    for code in EXPLANATIONS:
        assert "reference" not in references.advice(code), code


def test_references_are_read_however_they_were_written_down() -> None:
    assert {spelled(text) for text in ("7F3K-2A", "7f3k2a", " 7F3K 2A ", "7F3K–2A")} == {"7F3K-2A"}


def test_a_flood_of_refusals_is_no_flood_of_writes(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "MOST_A_MINUTE", 3)
    for _ in range(5):
        assert login(lms, iss="https://unknown.test").status_code == 400
    assert 3 <= len(db.session.scalars(select(Incident)).all()) <= 4  # a minute may end in between


def test_the_page_is_shown_where_the_reference_cannot_be_kept(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(incidents, "transaction", fail)
    assert login(lms, iss="https://unknown.test").status_code == 400


def test_references_are_kept_for_a_month(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    login(lms, iss="https://unknown.test")
    with transaction() as session:
        session.execute(update(Incident).values(at=clock.wall() - incidents.KEPT - timedelta(minutes=1)))
    monkeypatch.setattr(incidents, "SWEEP_ONE_IN", 1)
    login(lms, iss="https://unknown.test")
    assert len(db.session.scalars(select(Incident)).all()) == 1


def test_pages_count_what_was_refused_lately(lms: Lms) -> None:
    for _ in range(2):
        launch(lms, sub=GONE)
    admin = administrator(lms)
    page = admin.get("connection").get_data(as_text=True)
    assert "Launches refused in the last week" in page
    assert "no_identity" in page
    tenant = db.session.scalars(select(Tenant)).one()
    [line] = references.lately(db.session(), tenant.registration_id)
    assert (line.code, line.count) == ("no_identity", 2)
    administrator(lms, platform=SOUTHFIELD, deployment_id="deployment-2")
    assert "no_identity" not in admin.get("connection").get_data(as_text=True)
