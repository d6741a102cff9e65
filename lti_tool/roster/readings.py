"""Reading the roster of a course: asked for, claimed by a lease, walked page by page, settled at the end.

A reading is a row, and the row says what is due; a worker that dies leaves a lease that runs out, and the
reading begins again from its first page. No transaction is open while the LMS is asked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import Update, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import clock, jobs, settings
from lti_tool.database import Base, db, transaction
from lti_tool.lti import course_groups, registrations, wire
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import LmsError, Resting, Retryable
from lti_tool.lti.launch import GroupService
from lti_tool.lti.memberships import Page, Status, read_pages
from lti_tool.roster import departures, groups, members, problems
from lti_tool.roster.tables import Course, ReadingState, RosterReading, Tenant
from lti_tool.roster.upserts import dialect_of, insert_into

JOB = "roster"
SWEEP = timedelta(seconds=60)
MAX_ATTEMPTS = 6  # 15 s, 1 min, 4 min, 16 min and 1 h apart: about an hour and a half in all
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_WALK = timedelta(minutes=30)
DAILY = timedelta(days=1)
STILL_USED = timedelta(days=14)

READING = Base.metadata.tables["roster_reading"]
_OPEN = (ReadingState.REQUESTED.value, ReadingState.RUNNING.value)


def latest(session: Session, course_id: int) -> RosterReading | None:
    """The course's last reading, whatever became of it."""
    query = select(RosterReading).where(RosterReading.course_id == course_id)
    return session.scalars(query.order_by(RosterReading.id.desc()).limit(1)).first()


def request(session: Session, course_id: int) -> RosterReading:
    """Ask for a reading, and wake a worker. Where one is under way or held, that one is returned."""
    query = select(RosterReading).where(
        RosterReading.course_id == course_id, RosterReading.state.in_((*_OPEN, ReadingState.HELD.value))
    )
    found = session.scalars(query.order_by(RosterReading.id.desc()).limit(1)).first()
    return found or _request(session, course_id)


def request_now(session: Session, course_id: int) -> RosterReading:
    """The same for somebody who waits: a pause between attempts is cut short, a held reading begins anew."""
    held = and_(RosterReading.course_id == course_id, RosterReading.state == ReadingState.HELD.value)
    session.execute(update(RosterReading).where(held).values(state=ReadingState.DISMISSED.value))
    waiting = and_(RosterReading.course_id == course_id, RosterReading.state == ReadingState.REQUESTED.value)
    session.execute(update(RosterReading).where(waiting).values(try_at=clock.wall()))
    reading = request(session, course_id)
    jobs.ring(session, JOB)
    return reading


def _request(session: Session, course_id: int) -> RosterReading:
    row = {
        "course_id": course_id,
        "state": ReadingState.REQUESTED.value,
        "requested_at": clock.wall(),
        "try_at": clock.wall(),
        **dict.fromkeys(("attempts", "pages", "members", "skipped", "leaving"), 0),
    }
    # The index on open readings lets one of two that ask at the same time have its way.
    session.execute(insert_into(dialect_of(session), READING).values(row).on_conflict_do_nothing())
    jobs.ring(session, JOB)
    opened = select(RosterReading).where(RosterReading.course_id == course_id, RosterReading.state.in_(_OPEN))
    return session.scalars(opened).one()


def request_daily() -> int:
    """Ask for what nobody has asked for in a day, in courses opened in the last two weeks. Returns how many."""
    now = clock.wall()
    asked = select(RosterReading.id).where(
        RosterReading.course_id == Course.id,
        or_(
            RosterReading.requested_at > now - DAILY,
            RosterReading.state.in_((*_OPEN, ReadingState.HELD.value)),
        ),
    )
    due = select(Course.id).where(
        Course.launched_at > now - STILL_USED, Course.memberships_url.is_not(None), ~asked.exists()
    )
    with transaction() as session:
        found = session.scalars(due).all()
        for course_id in found:
            request(session, course_id)
    return len(found)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A reading in our hands until its lease ends."""

    reading_id: int
    attempt: int
    started_at: datetime
    course_id: int
    tenant_id: int
    registration_id: int
    deployment_id: str
    url: str | None
    groups: GroupService | None
    until: datetime


class _LeaseLostError(Exception):
    """Somebody else holds the reading now; nothing of ours may be written."""


def run() -> bool:
    """Do one reading that is due; without one, ask for those that are due today. The job's unit of work."""
    claim = _claim()
    if claim is None:
        return request_daily() > 0
    try:
        _read(claim)
    except LmsError as error:
        _failed(claim, error)
    except _LeaseLostError:
        current_app.logger.warning("roster reading %s was taken over", claim.reading_id)
    return True


def _lease_end() -> datetime:
    # A page may need a token, a refusal and a second try, each as long as the LMS may take.
    return clock.wall() + timedelta(seconds=60 + 6 * settings.current().lms_timeout_seconds)


def _claim() -> _Claim | None:
    now = clock.wall()
    due = or_(
        and_(RosterReading.state == ReadingState.REQUESTED.value, RosterReading.try_at <= now),
        and_(RosterReading.state == ReadingState.RUNNING.value, RosterReading.leased_until < now),
    )
    query = (
        select(RosterReading, Course, Tenant.registration_id)
        .join(Course, Course.id == RosterReading.course_id)
        .join(Tenant, Tenant.id == Course.tenant_id)
        .where(due)
        .order_by(RosterReading.try_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=RosterReading)
    )
    with transaction() as session:
        row = session.execute(query).one_or_none()
        if row is None:
            return None
        reading, course, registration_id = row
        reading.state = ReadingState.RUNNING
        reading.attempts += 1
        reading.started_at = now
        reading.leased_until = _lease_end()
        reading.pages = reading.members = reading.skipped = 0
        reading.groups_problem = None
        return _Claim(
            reading_id=reading.id,
            attempt=reading.attempts,
            started_at=now,
            course_id=course.id,
            tenant_id=course.tenant_id,
            registration_id=registration_id,
            deployment_id=course.deployment_id,
            url=course.memberships_url,
            groups=GroupService(course.groups_url, course.group_sets_url) if course.groups_url else None,
            until=now + LONGEST_WALK,
        )


_MINE = and_(
    READING.c.id == bindparam("mine"),
    READING.c.attempts == bindparam("attempt"),
    # SQLite gives the id of a row that was removed to another one, of another LMS it may be.
    READING.c.started_at == bindparam("started"),
    READING.c.state == ReadingState.RUNNING.value,
)
_HOLD = update(READING).where(_MINE).values(leased_until=bindparam("until"))
# Built once: it is executed for every page.
_ADVANCE = _HOLD.values(
    pages=bindparam("page"),
    members=READING.c.members + bindparam("more"),
    skipped=READING.c.skipped + bindparam("left_out"),
)


def _hold(session: Session, claim: _Claim, statement: Update = _HOLD, **values: object) -> None:
    """Prolong the lease by `statement`. Raises _LeaseLostError if it is no longer ours."""
    proof = {"mine": claim.reading_id, "attempt": claim.attempt, "started": claim.started_at}
    values |= {**proof, "until": _lease_end()}
    # Not through the session: it would take longer over this statement than the database does.
    held = session.connection().execute(statement, values)
    if held.rowcount != 1:
        raise _LeaseLostError


def _let_go(session: Session, claim: _Claim, **values: object) -> None:
    """Give the reading another state. Raises _LeaseLostError if it is no longer ours."""
    _hold(session, claim, _HOLD.values(**values))


def _read(claim: _Claim) -> None:
    if claim.url is None:
        return _end(claim, problems.no_service())
    if claim.attempt > MAX_ATTEMPTS:
        return _end(claim, problems.interrupted(MAX_ATTEMPTS))
    registration = registrations.get(claim.registration_id)
    if registration is None:
        raise LookupError(f"registration {claim.registration_id} of course {claim.course_id} is gone")
    connection = wire.connect(registration, claim.deployment_id)
    db.session.rollback()  # what was just looked up must not stay open while the LMS is asked
    stop = jobs.stopping()
    with_groups = claim.groups is not None and _read_groups(connection, claim, claim.groups)
    for page in read_pages(connection, claim.url, with_groups=with_groups):
        if clock.wall() > claim.until:
            return _end(claim, problems.too_long(page.number))
        _store(claim, page, with_groups=with_groups)
        if stop.is_set():
            return _give_back(claim, 0.0)
    with transaction() as session:
        _hold(session, claim)
        reading = session.get_one(RosterReading, claim.reading_id)
        if with_groups:
            groups.settle(session, reading)
        departures.settle(session, reading)
    return None


def _read_groups(connection: Connection, claim: _Claim, service: GroupService) -> bool:
    """Whether the groups of the LMS were read; if not, the people are read all the same, and the groups stay."""
    try:
        for page in course_groups.read_pages(connection, service):
            with transaction() as session:
                _hold(session, claim)
                groups.store(session, page.groups, course_id=claim.course_id, reading_id=claim.reading_id)
            if clock.wall() > claim.until or jobs.stopping().is_set():
                return False
    except Resting:
        raise
    except LmsError as error:
        with transaction() as session:
            _hold(session, claim, _HOLD.values(groups_problem=problems.explain_groups(error)[:500]))
        return False
    return True


def _store(claim: _Claim, page: Page, *, with_groups: bool) -> None:
    # Who is no longer active counts as missing, as on platforms that list only the active.
    active = [member for member in page.members if member.status is Status.ACTIVE]
    with transaction() as session:
        _hold(session, claim, _ADVANCE, page=page.number, more=len(page.members), left_out=page.skipped)
        members.store(session, active, tenant_id=claim.tenant_id, reading_id=claim.reading_id)
        if not with_groups:
            return
        groups.store_members(
            session,
            active,
            course_id=claim.course_id,
            tenant_id=claim.tenant_id,
            reading_id=claim.reading_id,
        )


def _failed(claim: _Claim, error: LmsError) -> None:
    """Try again later if that may help; else say what is wrong and stop."""
    db.session.rollback()
    if isinstance(error, Resting):
        return _give_back(claim, error.retry_after or 0.0)
    words = problems.explain(error, _page(claim) + 1)
    if not isinstance(error, Retryable) or claim.attempt >= MAX_ATTEMPTS:
        return _end(claim, words)
    with transaction() as session:
        _let_go(
            session,
            claim,
            state=ReadingState.REQUESTED.value,
            try_at=clock.wall() + _pause(claim.attempt, error.retry_after),
            problem=words,
        )
    return None


def _page(claim: _Claim) -> int:
    return db.session.scalar(select(RosterReading.pages).where(RosterReading.id == claim.reading_id)) or 0


def _pause(attempt: int, retry_after: float | None) -> timedelta:
    """15 s, then four times as long each time, a tenth more or less; never shorter than the LMS asks for."""
    grown: timedelta = min(FIRST_PAUSE * 4 ** (attempt - 1), LONGEST_PAUSE)
    jittered = grown * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
    return max(jittered, timedelta(seconds=retry_after or 0.0))


def _end(claim: _Claim, words: str) -> None:
    with transaction() as session:
        _hold(session, claim, state=ReadingState.FAILED.value, finished_at=clock.wall(), problem=words[:500])


def _give_back(claim: _Claim, seconds: float) -> None:
    """Somebody begins the reading again after so many seconds, and the attempt does not count.

    This worker is stopping, or the LMS is left alone for a while.
    """
    with transaction() as session:
        _let_go(
            session,
            claim,
            state=ReadingState.REQUESTED.value,
            attempts=claim.attempt - 1,
            try_at=clock.wall() + timedelta(seconds=seconds),
        )
        jobs.ring(session, JOB)
