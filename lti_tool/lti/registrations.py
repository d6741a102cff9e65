"""Registrations as frozen values, and how they are found and added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import cast

from pylti1p3.registration import Registration as LibraryRegistration
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lti_tool.database import db
from lti_tool.lti import families
from lti_tool.lti.families import Standard
from lti_tool.lti.tables import ID_LENGTH, NAME_LENGTH, URL_LENGTH, LtiDeployment, LtiRegistration

LENGTHS = {
    "name": NAME_LENGTH,
    "issuer": ID_LENGTH,
    "client_id": ID_LENGTH,
    "auth_url": URL_LENGTH,
    "token_url": URL_LENGTH,
    "jwks_url": URL_LENGTH,
    "audience": URL_LENGTH,
    "deployment_id": ID_LENGTH,
}
"""What is written of an LMS by hand, one line each, and the most characters."""
ADDRESSES = frozenset({"issuer", "auth_url", "token_url", "jwks_url"})
"""Those of them that must be whole addresses."""


class DuplicateRegistrationError(Exception):
    """This issuer and client id are registered already."""


@dataclass(frozen=True)
class Registration(LibraryRegistration):
    """A client id at a platform; safe to keep beyond the transaction that read it.

    Corrects the library's: a value that cannot change, with the audience of tokens and an id of our own.
    """

    id: int
    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str
    family: str = "standard"

    @property
    def rules(self) -> Standard:
        """What is particular to this LMS."""
        return families.family(self.family)

    def get_issuer(self) -> str:
        return self.issuer

    def get_client_id(self) -> str:
        return self.client_id

    def get_auth_login_url(self) -> str:
        return self.auth_url

    def get_auth_token_url(self) -> str:
        return self.token_url

    def get_key_set_url(self) -> str:
        return self.jwks_url


# Core columns: a launch reads them, and the ORM would double the time of such a small query.
_table = cast(Table, LtiRegistration.__table__)
COLUMNS = tuple(_table.c[field.name] for field in fields(Registration))
_BY_ID = select(*COLUMNS).where(_table.c.id == bindparam("id"))
# Any two will do: thousands of customers may share an issuer, and putting them in order would take a while.
_BY_ISSUER = select(*COLUMNS).where(_table.c.issuer == bindparam("issuer")).limit(2)
_BY_CLIENT = _BY_ISSUER.where(_table.c.client_id == bindparam("client_id"))


def get(registration_id: int) -> Registration | None:
    """The registration with this id of ours."""
    row = db.session.execute(_BY_ID, {"id": registration_id}).one_or_none()
    return Registration(*row) if row else None


def of_issuer(issuer: str, client_id: str | None = None) -> list[Registration]:
    """At most two registrations: enough to know whether issuer (and client id) name exactly one."""
    query = _BY_CLIENT if client_id else _BY_ISSUER
    return [Registration(*row) for row in db.session.execute(query, {"issuer": issuer, "client_id": client_id})]


def every() -> list[Registration]:
    """All registrations in the order in which they were made."""
    return [Registration(*row) for row in db.session.execute(select(*COLUMNS).order_by(_table.c.id))]


def deployments(registration_id: int) -> Sequence[LtiDeployment]:
    """The deployments of a registration, active and pending."""
    query = select(LtiDeployment).where(LtiDeployment.registration_id == registration_id)
    return db.session.scalars(query.order_by(LtiDeployment.id)).all()


def take_expected(session: Session, registration_id: int) -> bool:
    """Whether this registration expects its first deployment; from now on it expects none."""
    expected = update(_table).where(_table.c.id == registration_id, _table.c.expects_deployment)
    found = session.execute(expected.values(expects_deployment=False).returning(_table.c.id)).one_or_none()
    return found is not None


def add(
    session: Session,
    *,
    name: str,
    issuer: str,
    client_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    audience: str | None = None,
    family: str = "standard",
    deployment_ids: Iterable[str] = (),
    expects_deployment: bool = False,
) -> Registration:
    """Add a registration and its active deployments; without an `audience`, the one that its family uses.

    With `expects_deployment`, the one that its first launch names is active too.
    Raises DuplicateRegistrationError when the issuer knows this client id already.
    """
    row = LtiRegistration(
        name=name,
        issuer=issuer,
        client_id=client_id,
        auth_url=auth_url,
        token_url=token_url,
        jwks_url=jwks_url,
        audience=audience or families.family(family).audience(token_url),
        family=family,
        expects_deployment=expects_deployment,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise DuplicateRegistrationError(issuer, client_id) from error
    for deployment_id in dict.fromkeys(deployment_ids):
        session.add(LtiDeployment(registration_id=row.id, deployment_id=deployment_id, status="active"))
    session.flush()
    return Registration(*session.execute(_BY_ID, {"id": row.id}).one())


def learn_family(session: Session, registration: Registration, code: str | None) -> None:
    """Note the family that a launch names, where none is known; nothing is asked or written where one is.

    `code` is the product family code of the claim tool_platform. https://www.imsglobal.org/spec/lti/v1p3#platform-instance-claim
    """
    name = families.named_by(code)
    if name is None or registration.family != Standard.name:
        return
    session.execute(update(_table).where(_table.c.id == registration.id).values(family=name))
