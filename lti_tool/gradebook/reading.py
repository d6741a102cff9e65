"""Reading back what the LMS shows: on request, after an instructor's launch, and every ten minutes.

A grade that a person set is noticed here, and kept: its cell is held until an instructor chooses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from lti_tool import clock, jobs
from lti_tool.database import transaction
from lti_tool.gradebook import claims, line_items, places
from lti_tool.gradebook.events import Passage, PassOver
from lti_tool.gradebook.places import Place
from lti_tool.gradebook.progress import JOB
from lti_tool.gradebook.states import Shown
from lti_tool.gradebook.tables import SHOWN_COMMENT_LENGTH, Cell, Column
from lti_tool.lti import grades
from lti_tool.lti.failures import LmsError
from lti_tool.lti.grades import Result
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

INTERVAL = timedelta(minutes=10)
AFTERMATH = timedelta(days=14)  # how long after a program's end its columns are still read
ROWS = 200
# An LMS that shows two decimals in its own points may be off by half a hundredth of them.
ROUNDING = 0.0051

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """One walk over a column's results, begun at `began`; the column is leased by `owner`.

    `passed_over` are cells that somebody was sending when their result came by: it tells nothing of them.
    """

    owner: str
    place: Place
    began: datetime
    passed_over: set[int] = field(default_factory=set)


def want_reading(session: Session, course_id: int) -> None:
    """Have the columns of a course read soon, in the caller's transaction: an instructor is there to see them.

    The launch may have brought what was missing, so columns at a standstill are tried again.
    """
    programs = select(Program.id).where(Program.course_id == course_id)
    _want(session, Column.program_id.in_(programs))


def want_program(session: Session, program_id: int) -> None:
    """Have the columns of one program read soon, in the caller's transaction."""
    _want(session, Column.program_id == program_id)


def _want(session: Session, which: ColumnElement[bool]) -> None:
    now = clock.wall()
    columns = session.scalars(select(Column).where(which).with_for_update()).all()
    for column in columns:
        column.read_wanted_at = now
        if column.problem is not None:
            column.try_at = now
    if columns:
        jobs.ring(session, JOB)


def read_due() -> bool:
    """Read the column that has waited longest for it. False when none is due."""
    now = clock.wall()
    asked = Column.read_wanted_at.is_not(None)
    old = and_(
        Column.ends_at > clock.now() - AFTERMATH, or_(Column.read_at.is_(None), Column.read_at <= now - INTERVAL)
    )
    with transaction() as session:
        known = (Column.line_item_url.is_not(None), Column.line_item_lost.is_(False))
        column = claims.pick_column(session, now, *known, or_(asked, old))
        a_reading = claim(session, column, now) if column is not None else None
    if a_reading is None:
        return False
    read(a_reading)
    return True


def claim(session: Session, column: Column, now: datetime) -> Reading:
    """Lease a locked column in the caller's transaction; cells in somebody's hands keep what they have.

    No cell of it is taken as long as the lease holds, so only those that are being sent now can change meanwhile.
    """
    column.leased_by, column.leased_until = claims.new_owner(), now + claims.lease()
    claims.end_leases(session, column, now)
    in_hands = session.scalars(select(Cell.id).where(Cell.column_id == column.id, Cell.leased_by.is_not(None)))
    return Reading(column.leased_by, places.of(session, column), now, set(in_hands))


def read(reading: Reading) -> None:
    """Walk over the results page by page, each written down in a short transaction."""
    strangers = 0
    place = reading.place
    try:
        for asked_at, results in _groups(place):
            with transaction() as session:
                if not _still_ours(session, reading):
                    return
                strangers += len(results) - _apply(session, reading, results, asked_at)
    except LmsError as error:
        with transaction() as session:
            line_items.failed(session, place, error, owner=reading.owner)
        return
    if strangers:
        log.info("results of people whom Peerloop does not grade", column=place.column_id, count=strangers)
    if not _pass_unlisted(reading):
        return
    with transaction() as session:
        _finish(session, reading)


def _groups(place: Place) -> Iterator[tuple[datetime, list[Result]]]:
    """The results, some at a time, each group with the time at which the LMS was asked for its first."""
    results = grades.read_results(place.connection, place.url)
    while True:
        asked_at = clock.wall()
        group = list(islice(results, ROWS))
        if not group:
            return
        yield asked_at, group


def _still_ours(session: Session, reading: Reading) -> bool:
    column = line_items.own(session, reading.place, reading.owner)
    if column is None:
        return False
    column.leased_until = clock.wall() + claims.lease()
    return True


def _apply(session: Session, reading: Reading, results: Sequence[Result], asked_at: datetime) -> int:
    """Write results into their cells. Returns how many of them belong to a cell."""
    shown = {result.user_id: as_shown(result, reading.place) for result in results}
    found = session.execute(
        select(Cell, Person.subject)
        .join(Person, Person.id == Cell.person_id)
        .where(Cell.column_id == reading.place.column_id, Person.subject.in_(shown))
        .order_by(Cell.id)
        .with_for_update(of=Cell)
        .execution_options(populate_existing=True)
    ).all()
    for cell, subject in found:
        if cell.id not in reading.passed_over:
            _pass(session, reading, cell, shown[subject], asked_at)
    return len(found)


def _pass(session: Session, reading: Reading, cell: Cell, shown: Shown | None, asked_at: datetime) -> None:
    passage = Passage(shown, reading.began, asked_at, clock.wall())
    if PassOver() in claims.happen(session, reading.place.course_id, cell, passage):
        reading.passed_over.add(cell.id)


def _pass_unlisted(reading: Reading) -> bool:
    """The LMS shows nothing for those learners who were not listed. False when the column is no longer ours.

    They may be everybody, so it is done some at a time: nobody waits long for a lock.
    """
    last: int | None = 0
    while last is not None:
        with transaction() as session:
            if not _still_ours(session, reading):
                return False
            last = _pass_some_unlisted(session, reading, last)
    return True


def _pass_some_unlisted(session: Session, reading: Reading, after: int) -> int | None:
    """Some cells beyond the id `after`; answers the last one's id, None when there are no more."""
    unlisted = session.scalars(
        select(Cell)
        .where(
            Cell.column_id == reading.place.column_id,
            Cell.id > after,
            or_(Cell.shown_at.is_(None), Cell.shown_at < reading.began),
            claims.is_learners(),
        )
        .order_by(Cell.id)
        .limit(ROWS)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for cell in unlisted:
        if cell.id not in reading.passed_over:
            _pass(session, reading, cell, None, reading.began)
    return unlisted[-1].id if unlisted else None


def _finish(session: Session, reading: Reading) -> None:
    column = line_items.own(session, reading.place, reading.owner)
    if column is None:
        return
    column.read_at = clock.wall()
    if column.read_wanted_at is not None and column.read_wanted_at <= reading.began:
        column.read_wanted_at = None
    column.attempts, column.problem = 0, None
    column.leased_by = column.leased_until = None


def look_up(place: Place, subject: str) -> Shown | None:
    """What the LMS shows for one person. Calls the LMS; raises LmsError."""
    results = grades.read_results(place.connection, place.url, user_id=subject)
    return next((as_shown(result, place) for result in results if result.user_id == subject), None)


def as_shown(result: Result, place: Place) -> Shown:
    """A result in the column's own points, with its comment where a score of ours would replace it."""
    scale = place.maximum / result.maximum if result.maximum > 0 else 1.0
    score = None if result.score is None else result.score * scale
    rules = place.connection.registration.rules
    comment = result.comment[:SHOWN_COMMENT_LENGTH] if result.comment and rules.replaces_comments else None
    return Shown(score, comment, result.scorer_id, ROUNDING * scale, rules.hides_nought)
