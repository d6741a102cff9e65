"""The operator's pages: a link from the terminal opens them once, and nothing else does."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_tool import clock
from lti_tool.admin import checking, overview
from lti_tool.admin.tables import Checkup
from lti_tool.audit import AuditEntry
from lti_tool.cli import link
from lti_tool.database import db, transaction
from lti_tool.lti import registrations
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from lti_tool.roster.tables import Course, Tenant
from lti_tool.web.gate import Access, access_of
from lti_tool.web.operators import OperatorVisitRow
from tests.admin.gradebook import Gradebook
from tests.roster.lms import Lms
from tests.support import factories, world
from tests.support.moments import counted_queries

PAST = {"approve": "approved", "dismiss": "dismissed"}


def make_link(app: Flask) -> str:
    printed = app.test_cli_runner().invoke(link, ["--json"])
    assert printed.exit_code == 0, printed.output
    address: str = json.loads(printed.stdout)["address"]
    return address


def enter(app: Flask) -> FlaskClient:
    """A browser in which an operator is."""
    client = app.test_client()
    assert client.get(make_link(app), follow_redirects=True).status_code == 200
    return client


def seen(client: FlaskClient, path: str = "/operator/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def send(client: FlaskClient, path: str, page: str, **fields: object) -> TestResponse:
    """Send a form as the page has it."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', seen(client, page))
    assert token is not None
    return client.post(path, data={"csrf_token": token[1], **fields}, follow_redirects=True)


def test_the_link_is_printed_with_the_address_of_this_tool(app: Flask) -> None:
    assert make_link(app).startswith("http://localhost:8080/operator/enter/")
    assert "Good once, for 15 minutes" in app.test_cli_runner().invoke(link).output


def test_a_link_opens_the_pages_once(app: Flask) -> None:
    address = make_link(app)
    first, second = app.test_client(), app.test_client()
    assert first.head(address).status_code == 200
    assert first.get(address, follow_redirects=True).status_code == 200
    assert seen(first)
    for refused in (second.get(address), second.get("/operator/")):
        assert refused.status_code == 401
        assert "peerloop admin link" in refused.get_data(as_text=True)


@pytest.mark.parametrize("opened", [False, True])
def test_a_link_and_the_visit_that_it_opened_end(app: Flask, opened: bool) -> None:
    address, client = make_link(app), app.test_client()
    if opened:
        client.get(address)
    with transaction() as session:
        session.execute(update(OperatorVisitRow).values(expires_at=clock.wall() - timedelta(seconds=1)))
    assert client.get("/operator/" if opened else address).status_code == 401
    make_link(app)
    assert len(db.session.scalars(select(OperatorVisitRow)).all()) == 1


def test_only_hashes_are_kept_and_no_secret_stands_in_the_answer(app: Flask) -> None:
    address, client = make_link(app), app.test_client()
    answer = client.get(address)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    row = db.session.scalars(select(OperatorVisitRow)).one()
    for secret in (address.rpartition("/")[2], cookie.partition("=")[2].partition(";")[0]):
        assert secret not in {row.link_hash, row.cookie_hash}
    headers = client.get("/operator/").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def operators_pages(app: Flask) -> list[tuple[str, str]]:
    """Every address of the operator, with an id that may or may not be there."""
    found = []
    for rule in app.url_map.iter_rules():
        if access_of(app, rule.endpoint) is Access.OPERATOR:
            built = rule.build(dict.fromkeys(rule.arguments, 1))
            assert built is not None
            found += [(method, built[1]) for method in (rule.methods or set()) & {"GET", "POST"}]
    return found


def test_nobody_who_was_launched_and_no_stranger_enters(app: Flask) -> None:
    here = world.build(app)
    pages = operators_pages(app)
    assert len(pages) >= 6
    for client in (app.test_client(), here.visit("admin").client, here.visit("instructor").client):
        for method, path in pages:
            assert client.open(path, method=method).status_code == 401, (method, path)


def test_no_form_of_the_operator_is_taken_without_its_token(app: Flask) -> None:
    world.build(app)
    client = enter(app)
    for method, path in operators_pages(app):
        if method == "POST":
            assert client.post(path, data={"csrf_token": "forged"}).status_code == 400, path


def test_leaving_ends_the_visit_at_once(app: Flask) -> None:
    client = enter(app)
    assert "You have left" in send(client, "/operator/leave", "/operator/").get_data(as_text=True)
    assert client.get("/operator/").status_code == 401


def a_deployment_waits(registration_id: int) -> None:
    with transaction() as session:
        session.add(
            LtiDeployment(
                registration_id=registration_id, deployment_id="new-one", status="pending", reference="7F3K-2A"
            )
        )


@pytest.mark.parametrize(("decision", "status"), [("approve", "active"), ("dismiss", None)])
def test_the_operator_decides_about_a_deployment_that_waits(app: Flask, decision: str, status: str | None) -> None:
    course = factories.make_course()
    registration_id = db.session.get_one(Tenant, course.tenant_id).registration_id
    client, path = enter(app), f"/operator/platforms/{registration_id}"
    a_deployment_waits(registration_id)
    page = send(client, f"/operator/deployments/7F3K-2A/{decision}", path)
    assert page.status_code == 200
    assert ("new-one" in page.get_data(as_text=True)) == (status is not None)
    db.session.rollback()
    assert db.session.scalar(select(LtiDeployment.status).where(LtiDeployment.deployment_id == "new-one")) == status
    assert db.session.scalars(select(AuditEntry.action)).one() == f"deployment.{PAST[decision]}"
    assert send(client, f"/operator/deployments/7F3K-2A/{decision}", "/operator/").status_code == 409


def test_the_operator_sees_every_lms_and_every_institution(app: Flask) -> None:
    client = enter(app)
    assert "No LMS is registered yet" in seen(client)
    for title, issuer in (("North", "https://north.test"), ("South", "https://south.test")):
        course = factories.make_course(title=title, issuer=issuer)
    page = seen(client)
    assert "2 LMSs, and none needs a look" in page
    assert "https://north.test" in page
    tenant = db.session.get_one(Tenant, course.tenant_id)
    with transaction() as session:
        session.add(LtiDeployment(registration_id=tenant.registration_id, deployment_id="new-one", status="pending"))
    assert "One LMS needs a look" in seen(client)
    platform = seen(client, f"/operator/platforms/{tenant.registration_id}")
    for fact in ("new-one", "Waits for approval", "client-South", f"/operator/institutions/{tenant.id}"):
        assert fact in platform
    assert "Test is connected" in seen(client, f"/operator/institutions/{tenant.id}")
    for nowhere in ("platforms", "institutions"):
        assert client.get(f"/operator/{nowhere}/999").status_code == 404


def test_no_name_and_no_text_of_a_learner_is_shown(app: Flask) -> None:
    here = world.build(app)
    client = enter(app)
    tenant = db.session.get_one(Tenant, here.course.tenant_id)
    pages = [seen(client), seen(client, f"/operator/platforms/{tenant.registration_id}")]
    pages.append(seen(client, f"/operator/institutions/{tenant.id}"))
    for page in pages:
        assert "Person 0" not in page
        assert "I tried it." not in page


def test_the_operator_has_an_institution_checked(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    tenant_id = lms.arrives().tenant_id
    course = db.session.scalars(select(Course)).one()
    client, path = enter(lms.app), f"/operator/institutions/{tenant_id}"
    elsewhere = factories.make_course(title="Elsewhere", issuer="https://elsewhere.test")
    assert send(client, f"{path}/check", path, course=elsewhere.id).status_code == 404
    assert "is being checked" in send(client, f"{path}/check", path, course=course.id).get_data(as_text=True)
    db.session.rollback()
    checking.run()
    assert "1 key was read." in seen(client, path)
    assert "steps went wrong" in seen(client, f"/operator/platforms/{lms.registration.id}")
    assert "One LMS needs a look" in seen(client)


def test_the_operator_has_a_registration_checked_that_nobody_has_used(lms: Lms) -> None:
    client, path = enter(lms.app), f"/operator/platforms/{lms.registration.id}"
    assert "is being checked" in send(client, f"{path}/check", path).get_data(as_text=True)
    db.session.rollback()
    checking.run()
    assert "nobody has opened Peerloop from a course yet" in seen(client, path)
    assert "all well" in seen(client)


def test_twenty_thousand_lmss_come_in_pages_and_are_found_by_name(app: Flask) -> None:
    with transaction() as session:
        values = {"auth_url": "x", "token_url": "x", "jwks_url": "x", "audience": "x", "client_id": "c"}
        session.execute(
            LtiRegistration.__table__.insert(),  # type: ignore[attr-defined]  # typed as a FromClause
            [
                {"name": f"LMS {n:05d}", "issuer": f"https://lms-{n}.test", "created_at": clock.wall(), **values}
                for n in range(20_000)
            ],
        )
    client = enter(app)
    assert "Page 1 of 400" in seen(client)
    with counted_queries() as sent:
        page = seen(client, "/operator/?q=lms-19999")
    assert "LMS 19999" in page
    assert "LMS 00001" not in page
    assert len(sent) < 10
    assert "No LMS has such a name" in seen(client, "/operator/?q=%25")


def test_the_health_of_an_lms_adds_up_its_institutions(app: Flask) -> None:
    course = factories.make_course()
    tenant = db.session.get_one(Tenant, course.tenant_id)
    registration = registrations.get(tenant.registration_id)
    assert app
    assert registration is not None
    with transaction() as session:
        other = Tenant(registration_id=registration.id, key="guid:b", name="B", launched_at=clock.wall())
        session.add(other)
        session.flush()
        for tenant_id, outcomes in ((tenant.id, ["good", "bad"]), (other.id, ["bad", "omitted"])):
            session.add(
                Checkup(
                    registration_id=registration.id,
                    tenant_id=tenant_id,
                    may_write=True,
                    state="done",
                    asked_at=clock.wall(),
                    finished_at=clock.wall(),
                    findings=[{"outcome": outcome} for outcome in outcomes],
                )
            )
    [line] = overview.platforms(db.session()).lines
    assert (line.tenant_count, line.health.problems, line.sign) == (2, 2, "need")
    assert {each.row.name: each.health.problems for each in overview.tenants(db.session(), registration.id)} == {
        "Test": 1,
        "B": 1,
    }


def test_an_administrator_of_an_institution_is_no_operator(app: Flask) -> None:
    here = world.build(app)
    admin = factories.visit(app, here.course, here.people["admin"], Role.NONE, is_admin=True)
    admin.bring_cookie()
    assert admin.client.get("/operator/").status_code == 401
