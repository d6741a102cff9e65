"""Peerloop as a certification sees it: a message goes in, and what comes back is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import requests
from sqlalchemy import func, select

from lti_tool.database import Base, db, transaction
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import LtiDeployment
from lti_tool.roster.tables import Enrolment, Person, Tenant
from tests.support.platform import Browser, Platform
from tests.support.product import LEFT_BY_A_LAUNCH, Product

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTRUCTOR = [MEMBERSHIP + "Instructor"]
LEARNER = [MEMBERSHIP + "Learner"]
ROLES = {"instructor": INSTRUCTOR, "learner": LEARNER}


class ToolUnderTest:
    """The tool at one platform. `refuses` and `opens` check an answer and note it for the table."""

    def __init__(self, product: Product, platform: Platform, seen: Callable[[str], None]) -> None:
        self.product, self.platform, self.seen = product, platform, seen
        self.registration = product.register(platform)
        self.browser = Browser(product, platform)
        self._rows = self._count()

    def close(self) -> None:
        self.browser.http.close()

    def accepts(self, deployment_id: str) -> None:
        """One more deployment, accepted by whoever runs the tool."""
        with self.product.app.app_context(), transaction() as session:
            session.add(
                LtiDeployment(registration_id=self.registration.id, deployment_id=deployment_id, status="active")
            )

    def launch(self, **how: Any) -> requests.Response:
        """Login and launch; `how` changes claims, header, key or algorithm of a message that is good."""
        return self.browser.launch(**how)

    def looks_again(self) -> None:
        """What was left until now was meant to be."""
        self._rows = self._count()

    def refuses(self, response: requests.Response, status: int, code: str) -> None:
        """The message was refused on a page that explains it, and has left nothing."""
        assert (response.status_code, response.headers.get("X-Peerloop-Error")) == (status, code)
        assert f"<code>{code}</code>" in response.text
        assert re.search(r"<strong>[2-9A-Z]{4}-[2-9A-Z]{2}</strong>", response.text), "a page without a reference"
        assert "Set-Cookie" not in response.headers
        assert self._count() == self._rows
        self.seen(f"refuse it: {status} `{code}`")

    def opens(self, response: requests.Response, role: Role, name: str) -> str:
        """The message was taken: a page opened for this person in this role. Returns the page."""
        assert response.status_code == 200, response.text
        assert "X-Peerloop-Error" not in response.headers
        assert self._person() == (role.value, name)
        self.seen(f"open “{heading(response)}” as {_words(role)}")
        return response.text

    def made_up_name(self) -> str:
        """The name that Peerloop gave to a person whose LMS keeps it to itself."""
        _role, name = self._person()
        assert re.fullmatch(r"(Instructor|Learner|Person) [A-Z2-7]{4}", name)
        return name

    def _person(self) -> tuple[str, str]:
        """The role and name of the only person whom this platform has sent."""
        query = (
            select(Enrolment.role, Person.name)
            .join(Person, Person.id == Enrolment.person_id)
            .join(Tenant, Tenant.id == Person.tenant_id)
            .where(Tenant.registration_id == self.registration.id)
        )
        with self.product.app.app_context():
            role, name = db.session.execute(query).one()
            return role, name

    def _count(self) -> int:
        """The rows that a launch leaves when it is taken, and a deployment that waits."""
        with self.product.app.app_context():
            tables = [Base.metadata.tables[name] for name in ("lti_deployment", *LEFT_BY_A_LAUNCH)]
            return sum(db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def heading(response: requests.Response) -> str:
    """What a page says first."""
    found = re.search(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    assert found
    return unescape(found[1]).strip()


def _words(role: Role) -> str:
    return {Role.NONE: "nobody in particular"}.get(role, role.value)
