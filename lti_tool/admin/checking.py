"""Checking an LMS: asked for, claimed by a lease, tried without a transaction, written down at the end.

Only the last result of each tenant is kept; a check that somebody waits for stands beside it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import clock, jobs, settings
from lti_tool.admin.tables import Checkup, CheckupState
from lti_tool.database import db, transaction
from lti_tool.lti import checkup, registrations, wire
from lti_tool.lti.checkup import Cause, Finding, Outcome, Point, Subject
from lti_tool.lti.launch import GradeService, Role
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.tables import Course, Enrolment, Person

JOB = "checkup"
SWEEP = timedelta(seconds=60)
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """What a check is about: a tenant of a registration, or the registration alone while it has none."""

    registration_id: int
    tenant_id: int | None = None

    @property
    def rows(self) -> ColumnElement[bool]:
        """Its checks."""
        return and_(
            Checkup.registration_id == self.registration_id, Checkup.tenant_id.is_not_distinct_from(self.tenant_id)
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a target: the last result, and the check that is under way, if one is."""

    last: Checkup | None
    open: Checkup | None

    @property
    def is_running(self) -> bool:
        """Whether a check is under way or waits for a worker."""
        return self.open is not None

    @property
    def is_stuck(self) -> bool:
        """Whether no worker has taken the check in twice the time that one takes to look for it."""
        if self.open is None or self.open.state != CheckupState.REQUESTED:
            return False
        return self.open.asked_at < clock.wall() - 2 * SWEEP


def standing(session: Session, target: Target) -> Standing:
    """How the last check came out, and whether one is waited for."""
    rows = session.scalars(select(Checkup).where(target.rows).order_by(Checkup.id)).all()
    done = [row for row in rows if row.state == CheckupState.DONE]
    return Standing(done[-1] if done else None, next((row for row in rows if _is_open(row)), None))


def findings(row: Checkup) -> list[Finding]:
    """The findings of a check as values."""
    return [
        Finding(
            Point(each["point"]),
            Outcome(each["outcome"]),
            Cause(each["cause"]) if each["cause"] else None,
            each["said"],
            each["status"],
            each["figure"],
        )
        for each in row.findings
    ]


def usual_course(session: Session, tenant_id: int) -> Course | None:
    """The course to check in unless somebody chooses: the one opened last, with both services if there is any."""
    has_both = and_(Course.line_items_url.is_not(None), Course.memberships_url.is_not(None))
    query = select(Course).where(Course.tenant_id == tenant_id)
    return session.scalars(query.order_by(has_both.desc(), Course.launched_at.desc().nulls_last(), Course.id)).first()


def request(session: Session, target: Target, course_id: int | None) -> None:
    """Ask for a check and wake a worker; where one is under way, that one answers."""
    session.get_one(LtiRegistration, target.registration_id, with_for_update=True)
    if not standing(session, target).is_running:
        session.add(_new(target, course_id, CheckupState.REQUESTED, may_write=True))
    jobs.ring(session, JOB)


def check_now(target: Target, course_id: int | None, *, may_write: bool) -> Checkup:
    """Check in the foreground and keep the result, whatever else is under way."""
    with transaction() as session:
        row = _new(target, course_id, CheckupState.RUNNING, may_write=may_write)
        row.attempts, row.leased_until = 1, _lease_end()
        session.add(row)
        session.flush()
        claim = _Claim(row.id, 1, row.asked_at)
    _check(claim)
    return db.session.get_one(Checkup, claim.checkup_id, populate_existing=True)


def run() -> bool:
    """Do one check that is due. The job's unit of work."""
    claim = _claim()
    if claim is None:
        return False
    _check(claim)
    return True


@dataclass(frozen=True, slots=True)
class _Claim:
    """A check in our hands until its lease ends."""

    checkup_id: int
    attempt: int
    asked_at: datetime


def _new(target: Target, course_id: int | None, state: CheckupState, *, may_write: bool) -> Checkup:
    return Checkup(
        registration_id=target.registration_id,
        tenant_id=target.tenant_id,
        course_id=course_id,
        may_write=may_write,
        state=state.value,
        asked_at=clock.wall(),
        findings=[],
    )


def _is_open(row: Checkup) -> bool:
    """Whether it will still come to a result; one that no worker survives does not."""
    is_held = row.leased_until is not None and row.leased_until > clock.wall()
    return row.state != CheckupState.DONE and (is_held or row.attempts < MAX_ATTEMPTS)


def _lease_end() -> datetime:
    # The last step may begin at the end of the time for all, and makes up to eight calls.
    seconds = checkup.LONGEST_SECONDS + 10 * settings.current().lms_timeout_seconds
    return clock.wall() + timedelta(seconds=seconds)


def _claim() -> _Claim | None:
    due = or_(
        Checkup.state == CheckupState.REQUESTED.value,
        and_(Checkup.state == CheckupState.RUNNING.value, Checkup.leased_until < clock.wall()),
    )
    query = select(Checkup).where(due, Checkup.attempts < MAX_ATTEMPTS).order_by(Checkup.id).limit(1)
    with transaction() as session:
        row = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        row.state, row.leased_until = CheckupState.RUNNING.value, _lease_end()
        row.attempts += 1
        return _Claim(row.id, row.attempts, row.asked_at)


def _check(claim: _Claim) -> None:
    """Try every step, then write down what was found. A worker that must stop leaves the check to another."""
    subject = _subject(claim)
    signer = wire.current().keyring.signer()
    db.session.rollback()  # what was just looked up must not stay open while the LMS is asked
    here, stop = settings.current(), current_app.extensions["jobs_stop"]
    found: list[Finding] = []
    steps = checkup.examine(
        subject, signer, timeout=here.lms_timeout_seconds, allow_private=here.allow_private_platforms
    )
    with closing(steps):
        for finding in steps:
            found.append(finding)
            if stop.is_set():
                return _give_back(claim)
    return _finish(claim, found)


def _subject(claim: _Claim) -> Subject:
    session = db.session()
    row = session.get_one(Checkup, claim.checkup_id)
    registration = registrations.get(row.registration_id)
    if registration is None:
        raise LookupError(f"registration {row.registration_id} of check {row.id} is gone")
    course = session.get(Course, row.course_id) if row.course_id is not None else None
    if course is None:
        known = [each for each in registrations.deployments(registration.id) if each.status == "active"]
        return Subject(registration, known[0].deployment_id if known else "", may_write=row.may_write)
    return Subject(
        registration,
        course.deployment_id,
        has_course=True,
        memberships_url=course.memberships_url,
        grades=GradeService(course.line_items_url, None, frozenset(course.grade_scopes)),
        test_student=_test_student(session, course.id),
        may_write=row.may_write,
    )


def _test_student(session: Session, course_id: int) -> str | None:
    """The user id of somebody who is no person: the only one who may be graded for a trial."""
    query = (
        select(Person.subject)
        .join(Enrolment, Enrolment.person_id == Person.id)
        .where(
            Enrolment.course_id == course_id,
            Enrolment.is_test.is_(True),
            Enrolment.role == Role.LEARNER.value,
            Enrolment.left_at.is_(None),
        )
        .order_by(Person.id)
        .limit(1)
    )
    return session.scalar(query)


def _mine(claim: _Claim) -> ColumnElement[bool]:
    return and_(
        Checkup.id == claim.checkup_id,
        Checkup.attempts == claim.attempt,
        # SQLite gives the id of a row that was removed to another one, of another LMS it may be.
        Checkup.asked_at == claim.asked_at,
        Checkup.state == CheckupState.RUNNING.value,
    )


def _finish(claim: _Claim, found: list[Finding]) -> None:
    with transaction() as session:
        row = session.scalars(select(Checkup).where(_mine(claim)).with_for_update()).one_or_none()
        if row is None:
            current_app.logger.warning("check %s was taken over", claim.checkup_id)
            return
        row.state, row.finished_at, row.leased_until = CheckupState.DONE.value, clock.wall(), None
        row.findings = [asdict(finding) for finding in found]
        ended = or_(Checkup.state == CheckupState.DONE.value, Checkup.attempts >= MAX_ATTEMPTS)
        older = and_(Checkup.id < row.id, ended)
        session.execute(delete(Checkup).where(Target(row.registration_id, row.tenant_id).rows, older))


def _give_back(claim: _Claim) -> None:
    values = {"state": CheckupState.REQUESTED.value, "attempts": claim.attempt - 1, "leased_until": None}
    with transaction() as session:
        session.execute(update(Checkup).where(_mine(claim)).values(values))
        jobs.ring(session, JOB)
