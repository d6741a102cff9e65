"""`peerloop platform remove`: an LMS that is used no more, and with it what was done in its courses."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lti_tool.database import transaction
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.tables import Course, Person, Tenant


@click.command()
@click.argument("registration_id", metavar="NUMBER", type=int)
@click.option("--with-courses", type=int, help="How many courses it has; they are removed too.")
@with_appcontext
def remove(registration_id: int, with_courses: int | None) -> None:
    """Remove an LMS by its number. Nobody comes in from there any more, and it can be registered anew."""
    with transaction() as session:
        row = session.get(LtiRegistration, registration_id, with_for_update=True)
        if row is None:
            raise click.ClickException(f"there is no LMS number {registration_id}: see `peerloop platform list`")
        courses = _count(session, Course, registration_id)
        if courses != (with_courses or 0):
            people = _count(session, Person, registration_id)
            raise click.ClickException(
                f"{row.name} is in use (courses: {courses}, people: {people}). Programs and work would go with it:"
                f" make a copy of the database, then add --with-courses {courses}. Nothing was removed."
            )
        session.execute(delete(LtiRegistration).where(LtiRegistration.id == registration_id))
        click.echo(f"Removed {row.name} ({row.issuer}). Now delete the tool in the LMS, too.")


def _count(session: Session, table: type[Course] | type[Person], registration_id: int) -> int:
    query = select(func.count(table.id)).join(Tenant, Tenant.id == table.tenant_id)
    return session.scalar(query.where(Tenant.registration_id == registration_id)) or 0
