"""Looking up the reference on an error page: what was wrong, who can mend it, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import deployments, waiting
from lti_tool.lti.refusals import EXPLANATIONS, spelled
from lti_tool.lti.tables import LtiRegistration
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Tenant
from lti_tool.web.incidents import Incident

_BREAKS_STANDARD = lazy(
    "What the LMS sends breaks the standard at the point that is named here. Tell whoever runs the LMS, or its maker."
)
# What the page tells a learner ("send the reference to your administrator") helps none who look it up.
_ADVICE: dict[str, LazyString] = {
    "login_incomplete": _BREAKS_STANDARD,
    "token_malformed": _BREAKS_STANDARD,
    "token_algorithm": _BREAKS_STANDARD,
    "token_without_kid": _BREAKS_STANDARD,
    "claim_missing": _BREAKS_STANDARD,
    "claim_invalid": _BREAKS_STANDARD,
    "foreign_return": _BREAKS_STANDARD,
    "bad_signature": lazy("Have the LMS checked: the key set that is registered here must be its own."),
    "deployment_pending": lazy(
        "Whoever runs Peerloop must accept the deployment that is named here: under its LMS, or in the terminal."
    ),
    "registration_waiting": lazy(
        "Whoever runs Peerloop decides about this LMS: on the page “New LMSs”, or by “peerloop platform waiting”."
    ),
}
# For which codes the reference is that of what waits, and how to see whether it still does.
_WAITS: dict[str, Callable[[Session, str], bool]] = {
    "deployment_pending": deployments.waits,
    "registration_waiting": waiting.waits,
}
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Told:
    """What a reference stands for. `detail` and `place` are left out where the viewer need not know."""

    reference: str
    at: datetime | None
    title: str
    happened: str
    step: str
    code: str
    detail: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Launches that were refused for one reason."""

    code: str
    title: str
    count: int
    last_at: datetime


def look_up(session: Session, text: str, tenant: Tenant | None) -> Told | None:
    """What the reference in `text` stands for, as far as it concerns `tenant`; an operator (None) sees all."""
    reference = spelled(text)
    incident = session.get(Incident, reference)
    if incident is not None and _concerns(session, incident, tenant):
        return _told(session, incident, tenant)
    return _cell(session, reference, tenant)


def lately(session: Session, registration_id: int) -> Sequence[Refusals]:
    """The launches that were refused in the last week, by reason, the most frequent first."""
    query = (
        select(Incident.code, func.count(), func.max(Incident.at))
        .where(Incident.registration_id == registration_id, Incident.at > clock.wall() - LATELY)
        .group_by(Incident.code)
        .order_by(func.count().desc(), Incident.code)
    )
    return [
        Refusals(code, str(EXPLANATIONS[code].title), count, at)
        for code, count, at in session.execute(query)
        if code in EXPLANATIONS
    ]


def lately_of_tenant(session: Session, tenant: Tenant) -> Sequence[Refusals]:
    """The same for an institution; nothing where others share its registration, since most are not told apart."""
    count = select(func.count(Tenant.id)).where(Tenant.registration_id == tenant.registration_id)
    return lately(session, tenant.registration_id) if session.scalar(count) == 1 else ()


def _concerns(session: Session, incident: Incident, tenant: Tenant | None) -> bool:
    """Whether this tenant may read of it. What came before an LMS was known concerns whoever has the reference."""
    if tenant is None or incident.tenant_id == tenant.id:
        return True
    if incident.tenant_id is not None:
        return False
    if incident.registration_id is None or incident.deployment_id is None:
        return incident.registration_id in {None, tenant.registration_id}
    # A deployment that another institution of the same registration uses is theirs.
    users = (
        select(Course.tenant_id)
        .join(Tenant, Tenant.id == Course.tenant_id)
        .where(Tenant.registration_id == incident.registration_id, Course.deployment_id == incident.deployment_id)
    )
    known = set(session.scalars(users.distinct()))
    return incident.registration_id == tenant.registration_id and (not known or tenant.id in known)


def _told(session: Session, incident: Incident, tenant: Tenant | None) -> Told:
    explained = EXPLANATIONS.get(incident.code)
    is_placed = incident.registration_id is not None or incident.tenant_id is not None
    may_see_detail = tenant is None or is_placed
    return Told(
        reference=incident.reference,
        at=incident.at,
        title=str(explained.title if explained else _("Peerloop failed")),
        happened=str(explained.happened if explained else _("Something went wrong in Peerloop itself.")),
        step=_step(session, incident),
        code=incident.code,
        detail=incident.detail if may_see_detail else "",
        place=_place(session, incident) if may_see_detail else "",
    )


def _step(session: Session, incident: Incident) -> str:
    still_waits = _WAITS.get(incident.code)
    if still_waits is None or still_waits(session, incident.reference):
        return advice(incident.code)
    return str(_("Nothing waits under this reference any more: it was decided since. Open Peerloop again."))


def advice(code: str) -> str:
    """What somebody who looks a code up can do about it."""
    if code in _ADVICE:
        return str(_ADVICE[code])
    if code in EXPLANATIONS:
        return str(EXPLANATIONS[code].todo)
    return str(_("Whoever runs Peerloop finds the reason in its log, by this reference."))


def _place(session: Session, incident: Incident) -> str:
    if incident.tenant_id is not None:
        return session.scalar(select(Tenant.name).where(Tenant.id == incident.tenant_id)) or ""
    query = select(LtiRegistration.name).where(LtiRegistration.id == incident.registration_id)
    name = session.scalar(query) or ""
    if not incident.deployment_id:
        return name
    return str(_("%(lms)s, deployment %(id)s", lms=name, id=incident.deployment_id))


def _cell(session: Session, reference: str, tenant: Tenant | None) -> Told | None:
    """A grade that an LMS refused. Whose it is, and the LMS's own words, are for the course's instructors."""
    query = (
        select(Column.label, Course.title, Cell.problem_code)
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .join(Course, Course.id == Program.course_id)
        .where(Cell.problem_reference == reference)
    )
    if tenant is not None:
        query = query.where(Course.tenant_id == tenant.id)
    row = session.execute(query.limit(1)).one_or_none()
    if row is None:
        return None
    label, course, code = row
    return Told(
        reference=reference,
        at=None,
        title=str(_("The LMS refused a grade")),
        happened=str(_("It would not take a learner's grade in the column “%(column)s”.", column=label)),
        step=str(_("An instructor of the course sees whose, and the LMS's reason, on the page “Gradebook”.")),
        code=code or "",
        place=course,
    )
