"""One institution is one tenant, however its LMS names itself; two are never mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import requests
from sqlalchemy import select, text

from lti_tool import clock
from lti_tool.admin.tables import Checkup
from lti_tool.database import Base, db, transaction
from lti_tool.lti import deployments
from lti_tool.lti.launch import Platform as Instance
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from lti_tool.roster import tenants as rules
from lti_tool.roster.tables import Course, CourseLink, Enrolment, Person, PersonAttribute, Tenant
from lti_tool.web.incidents import Incident
from tests.roster.lms import MEMBERSHIP, Lms
from tests.support import factories
from tests.support.platform import GONE, Browser, Platform, Platforms
from tests.support.product import Product

NORTHFIELD = {"guid": "guid-north", "name": "Northfield College"}
SOUTHFIELD = {"guid": "guid-south", "name": "Southfield College"}


class Place(NamedTuple):
    """Whose row, in which course, a launch has led to."""

    tenant: int
    course: int
    person: int


Arrive = Callable[..., Place]


@pytest.fixture
def platform(platforms: Platforms, product: Product) -> Platform:
    """An LMS with one client id and two accepted deployments."""
    platform = platforms.new()
    product.register(platform, deployments=("one", "two"))
    return platform


@pytest.fixture
def browser(product: Product, platform: Platform) -> Iterator[Browser]:
    browser = Browser(product, platform)
    yield browser
    browser.http.close()


@pytest.fixture
def arrive(browser: Browser) -> Arrive:
    """Launch over HTTP, with claims by their names, and say where that led."""

    def launched(deployment: str = "one", instance: dict[str, str] | None = None, **claims: Any) -> Place:
        response = browser.launch(deployment_id=deployment, tool_platform=instance or GONE, **claims)
        assert response.status_code == 200
        return last_place(browser)

    return launched


def last_place(browser: Browser) -> Place:
    with browser.tool.app.app_context():
        query = (
            select(Tenant.id, Course.id, Person.id)
            .join(Course, Course.tenant_id == Tenant.id)
            .join(Enrolment, Enrolment.course_id == Course.id)
            .join(Person, Person.id == Enrolment.person_id)
            .join(LtiRegistration, LtiRegistration.id == Tenant.registration_id)
            .where(LtiRegistration.issuer == browser.platform.issuer)
            .order_by(Enrolment.launched_at.desc())
        )
        return Place(*db.session.execute(query).first())  # type: ignore[misc]  # three ids


def tenants(browser: Browser) -> list[str]:
    """The names of the institutions that this LMS's launches have made."""
    with browser.tool.app.app_context():
        query = select(Tenant.name).join(LtiRegistration, LtiRegistration.id == Tenant.registration_id)
        return list(db.session.scalars(query.where(LtiRegistration.issuer == browser.platform.issuer)))


# -- One institution


def test_an_lms_that_names_its_instance_only_sometimes_is_one_institution(arrive: Arrive, browser: Browser) -> None:
    named = arrive(instance=NORTHFIELD)
    assert arrive() == named
    assert arrive(instance={"name": "Northfield College"}) == named
    assert arrive(instance=NORTHFIELD) == named
    assert tenants(browser) == ["Northfield College"]


def test_an_lms_that_names_its_instance_later_is_the_institution_that_it_was(
    arrive: Arrive, browser: Browser
) -> None:
    nameless = arrive()
    assert arrive(instance=NORTHFIELD) == nameless
    assert arrive() == nameless
    assert tenants(browser) == ["Northfield College"]


def test_a_person_who_comes_through_two_deployments_of_an_institution_is_one(arrive: Arrive) -> None:
    first = arrive("one", NORTHFIELD)
    assert arrive("two", NORTHFIELD) == first
    assert arrive("two") == first
    assert arrive("one") == first


def test_a_person_who_comes_through_two_links_is_one(arrive: Arrive, browser: Browser) -> None:
    first = arrive(resource_link={"id": "week-1"})
    assert arrive(resource_link={"id": "week-2"}) == first
    with browser.tool.app.app_context():
        links = select(CourseLink.link_id).where(CourseLink.course_id == first.course)
        assert set(db.session.scalars(links)) == {"week-1", "week-2"}


def test_deployments_that_were_institutions_of_their_own_are_one_when_they_name_one_instance(
    arrive: Arrive, browser: Browser
) -> None:
    here, _there = arrive("one"), arrive("two")
    assert arrive("one", NORTHFIELD) == here
    assert arrive("two", NORTHFIELD) == here
    assert (arrive("one"), arrive("two")) == (here, here)
    assert tenants(browser) == ["Northfield College"]


def test_work_that_was_done_before_an_institution_named_itself_is_found_again(
    arrive: Arrive, browser: Browser
) -> None:
    here, there = arrive("one"), arrive("two")
    with browser.tool.app.app_context():
        factories.make_program(db.session.get_one(Course, there.course))
    assert arrive("one", NORTHFIELD) == here
    assert arrive("two", NORTHFIELD) == there
    assert (arrive("one"), arrive("two")) == (here, there)
    assert len(tenants(browser)) == 2


# -- Two institutions


def test_deployments_that_name_no_instance_are_institutions_of_their_own(arrive: Arrive) -> None:
    here, there = arrive("one"), arrive("two")
    assert not set(zip(here, there, strict=True)) & {(number, number) for number in here}


def test_institutions_behind_one_client_id_share_nobody_with_the_same_id(arrive: Arrive) -> None:
    here, there = arrive("one", NORTHFIELD), arrive("two", SOUTHFIELD)
    assert here.tenant != there.tenant
    assert here.person != there.person
    assert here.course != there.course


def test_two_client_ids_of_one_issuer_share_nobody_whatever_their_launches_state(
    arrive: Arrive, browser: Browser
) -> None:
    here = arrive("one", NORTHFIELD)
    browser.tool.register(browser.platform, client_id="another", deployments=("one",))
    browser.login(client_id="another")
    token = browser.token(aud="another", deployment_id="one", tool_platform=NORTHFIELD)
    assert browser.post(id_token=token, state=browser.auth["state"]).status_code == 200
    there = last_place(browser)
    assert not set(zip(here, there, strict=True)) & {(number, number) for number in here}


def test_a_launch_that_could_come_from_either_of_two_institutions_belongs_to_neither(arrive: Arrive) -> None:
    north, south = arrive("one", NORTHFIELD), arrive("one", SOUTHFIELD)
    nameless = arrive("one")
    assert len({north.tenant, south.tenant, nameless.tenant}) == 3
    assert (arrive("one", NORTHFIELD), arrive("one", SOUTHFIELD), arrive("one")) == (north, south, nameless)
    westfield = arrive("one", {"guid": "guid-west", "name": "Westfield"})
    assert westfield.tenant not in {north.tenant, south.tenant, nameless.tenant}
    assert arrive("one") == nameless


def test_a_page_shows_nobody_of_another_institution_behind_the_same_client_id(browser: Browser) -> None:
    def people(deployment: str, instance: dict[str, str], **who: str) -> str:
        roles = [MEMBERSHIP + "Instructor", "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"]
        arrived = browser.launch(deployment_id=deployment, tool_platform=instance, roles=roles, **who)
        return "".join(get(browser, arrived, page).text for page in ("", "people", "connection"))

    browser.launch(deployment_id="one", tool_platform=NORTHFIELD, sub="ana", name="Ana of Northfield")
    browser.launch(deployment_id="two", tool_platform=SOUTHFIELD, sub="bo", name="Bo of Southfield")
    north = people("one", NORTHFIELD, sub="teacher", name="Nora Teacher")
    south = people("two", SOUTHFIELD, sub="teacher", name="Sam Teacher")
    assert "Ana of Northfield" in north
    assert "Bo of Southfield" in south
    assert not any(word in north for word in ("Bo of", "Southfield", "Sam Teacher"))
    assert not any(word in south for word in ("Ana of", "Northfield", "Nora Teacher"))


def get(browser: Browser, arrived: requests.Response, page: str) -> requests.Response:
    """A page of the visit that a launch has opened."""
    assert arrived.status_code == 200
    visit = arrived.url.split("/v/")[1].split("/")[0]
    response = browser.http.get(f"{browser.base}/v/{visit}/{page}", timeout=10)
    assert response.status_code == 200
    return response


# -- What is kept of it


@pytest.mark.parametrize(
    ("stated", "kept"),
    [([None], None), (["a"], "a"), (["a", None, "a"], "a"), (["a", "b"], ""), (["a", "b", "a"], "")],
)
def test_a_deployment_remembers_the_one_instance_that_it_named(
    lms_on_sqlite: Lms, stated: list[str | None], kept: str | None
) -> None:
    for guid in stated:
        launch = lms_on_sqlite.launch("ana", Role.LEARNER, platform=Instance(guid=guid))
        deployment = deployments.admit(launch, known=None)
        with transaction() as session:
            deployments.learn_instance(session, launch, deployment)
    assert db.session.scalars(select(LtiDeployment.guid)).one() == kept
    db.session.rollback()


def test_two_instances_named_at_the_same_moment_are_several(lms: Lms) -> None:
    first, second = (lms.launch("ana", Role.LEARNER, platform=Instance(guid=guid)) for guid in ("a", "b"))
    deployment = deployments.admit(first, known=None)
    for launch in (first, second):
        with transaction() as session:
            deployments.learn_instance(session, launch, deployment)
    assert db.session.scalars(select(LtiDeployment.guid)).one() == deployments.SEVERAL
    db.session.rollback()


def test_a_deployment_that_joins_an_institution_leaves_nothing_behind(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER, platform=Instance())
    joined = lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")
    assert lms.arrives("ana", Role.LEARNER).person_id == joined.person_id
    assert db.session.scalars(select(Tenant.key)).all() == ["guid:guid-1"]
    assert db.session.scalars(select(Person.id)).all() == [joined.person_id]
    db.session.rollback()


def test_an_attribute_that_was_imported_is_work(lms: Lms) -> None:
    alone = lms.arrives("ana", Role.LEARNER, platform=Instance())
    lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")
    with transaction() as session:
        session.add(PersonAttribute(course_id=alone.course_id, person_id=alone.person_id, name="site", value="Oslo"))
    assert lms.arrives("ana", Role.LEARNER).person_id == alone.person_id


def test_what_was_only_asked_is_no_work(lms: Lms) -> None:
    alone = lms.arrives("ana", Role.LEARNER, platform=Instance())
    joined = lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")
    with transaction() as session:
        course, person = session.get_one(Course, alone.course_id), session.get_one(Person, alone.person_id)
        session.add(factories.deep_linking_request(session, course, person))
        asked: dict[str, Any] = {"state": "done", "may_write": True, "asked_at": clock.wall(), "findings": []}
        session.add(
            Checkup(registration_id=lms.registration.id, tenant_id=alone.tenant_id, course_id=course.id, **asked)
        )
    assert lms.arrives("ana", Role.LEARNER).tenant_id == joined.tenant_id
    assert db.session.scalars(select(Tenant.id)).all() == [joined.tenant_id]
    db.session.rollback()


@pytest.mark.parametrize("any_app", ["postgresql"], indirect=True)  # SQLite lets one write at a time
def test_work_that_is_being_done_while_an_institution_joins_another_is_not_lost(lms: Lms) -> None:
    alone = lms.arrives("ana", Role.LEARNER, platform=Instance())
    lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")

    def joins() -> int:
        with lms.app.app_context():
            return lms.arrives("ana", Role.LEARNER).tenant_id

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            site = {"name": "site", "value": "Oslo"}
            session.add(PersonAttribute(course_id=alone.course_id, person_id=alone.person_id, **site))
            session.flush()
            joining = pool.submit(joins)
            wait_for_a_lock()
        assert joining.result() == alone.tenant_id
    assert db.session.scalars(select(PersonAttribute.value)).all() == ["Oslo"]
    db.session.rollback()


def wait_for_a_lock() -> None:
    """Until some connection to this database waits for another."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine.connect() as watching:
        for _time in range(1000):
            if watching.scalar(waits):
                return
            watching.rollback()
            watching.execute(text("SELECT pg_sleep(0.005)"))
    raise AssertionError("nobody waits")


def test_a_reference_can_be_looked_up_when_its_institution_has_joined_another(lms: Lms) -> None:
    alone = lms.arrives("ana", Role.LEARNER, platform=Instance())
    joined = lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")
    with transaction() as session:
        told = {"reference": "7F3K-2AQM", "code": "failed", "detail": "ValueError", "at": clock.wall()}
        session.add(Incident(tenant_id=alone.tenant_id, **told))
    lms.arrives("ana", Role.LEARNER)
    assert db.session.scalars(select(Incident.tenant_id)).one() == joined.tenant_id
    db.session.rollback()


@pytest.mark.usefixtures("app")
def test_nothing_that_hangs_on_an_institution_is_forgotten_when_it_joins_another() -> None:
    """Whoever adds a table finds out here that it must be hearsay, be found as work, or go along."""
    goes = {"tenant", *rules.HEARSAY}
    hang = {
        f"{name}.{key.parent.name}"
        for name, table in Base.metadata.tables.items()
        if name not in rules.HEARSAY
        for key in table.foreign_keys
        if key.column.table.name in goes - rules.WORKED_ON
    }
    assert hang == {"incident.tenant_id"}
