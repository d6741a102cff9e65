"""Finding or making a column's line item, and what follows when a column cannot be worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.gradebook import claims, places
from lti_tool.gradebook.places import Place
from lti_tool.gradebook.retries import column_words, later, wait_after
from lti_tool.gradebook.tables import PROBLEM_LENGTH, Cell, Column, fields
from lti_tool.lti import grades
from lti_tool.lti.failures import LmsError, Refused, Resting, Throttled, Unauthorised
from lti_tool.lti.grades import Activity

NEEDED_SCOPES = frozenset({grades.SCOPE_SCORE, grades.SCOPE_RESULT})
FINDING_SCOPES = frozenset({grades.SCOPE_LINE_ITEM, grades.SCOPE_LINE_ITEM_READ})
LOOK_AGAIN = timedelta(minutes=1)
# What of a cell was true of its line item alone.
FORGOTTEN = (
    *("shown_score", "shown_comment", "shown_by", "shown_at", "decision", "decided_on_score"),
    *("problem_code", "problem", "problem_reference", "leased_by", "leased_until"),
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A column whose line item must be found or made, leased by `owner`."""

    owner: str
    place: Place
    expected: bool
    """The LMS may be making it this moment, with a link that was placed by deep linking."""


def claim(session: Session, column: Column, now: datetime) -> Opening:
    """Lease a locked column in the caller's transaction."""
    column.leased_by, column.leased_until = claims.new_owner(), now + claims.lease()
    expected = column.expected_until is not None and column.expected_until > now
    return Opening(column.leased_by, places.of(session, column), expected)


def open_item(opening: Opening) -> None:
    """Find the line item by its keys, make it if there is none, and remember its address.

    One that the LMS is expected to make is only looked for.
    """
    place = opening.place
    look = grades.find if opening.expected else grades.find_or_create
    try:
        _check_service(place)
        item = look(place.connection, place.service, place.item)
    except LmsError as error:
        with transaction() as session:
            failed(session, place, error, owner=opening.owner)
        return
    with transaction() as session:
        column = own(session, place, opening.owner)
        if column is not None and item is not None:
            _opened(session, column, str(item.id))
        elif column is not None:
            column.try_at = clock.wall() + LOOK_AGAIN
            column.leased_by = column.leased_until = None


def _check_service(place: Place) -> None:
    scopes = place.service.scopes
    if place.service.line_items_url is None or not scopes >= NEEDED_SCOPES or not scopes & FINDING_SCOPES:
        raise Unauthorised("grades", "the course came without the grade services that Peerloop needs")


def own(session: Session, place: Place, owner: str) -> Column | None:
    """The column, locked, if it is still this owner's."""
    column = session.get(Column, place.column_id, with_for_update=True, populate_existing=True)
    return column if column is not None and column.leased_by == owner else None


def _opened(session: Session, column: Column, url: str) -> None:
    if column.line_item_url is not None and column.line_item_url != url:
        _start_afresh(session, column)
    if column.line_item_url != url:
        column.read_at = None
    column.line_item_url, column.line_item_lost = url, False
    column.problem, column.try_at = None, clock.wall()
    column.leased_by = column.leased_until = None


def _start_afresh(session: Session, column: Column) -> None:
    """Another line item than before shows nothing of what was sent to the old one."""
    begun = Cell.wanted_activity != Activity.INITIALIZED.value
    session.execute(
        update(Cell)
        .where(Cell.column_id == column.id)
        .values(
            **fields("sent", None),
            **fields("trying", None),
            **dict.fromkeys(FORGOTTEN),
            attempts=0,
            try_at=case((begun, clock.wall()), else_=None),
        )
        .execution_options(synchronize_session=False)
    )


def failed(session: Session, place: Place, error: LmsError, *, owner: str | None = None) -> None:
    """Let the column wait after `error`; with an `owner`, only if it is still theirs, whose lease ends here."""
    column = session.get(Column, place.column_id, with_for_update=True, populate_existing=True)
    if column is None or (owner is not None and column.leased_by != owner):
        return
    if owner is not None:
        column.leased_by = column.leased_until = None
    if isinstance(error, Resting):
        # Nothing was asked of the LMS, so this was no attempt.
        places.rest(session, place.connection.registration.id, error.retry_after or 0.0)
        return
    gone = isinstance(error, Refused) and error.status == grades.NOT_FOUND and column.line_item_url is not None
    at_once = gone and not column.line_item_lost and column.attempts == 0
    column.line_item_lost = gone or column.line_item_lost
    column.attempts += 1
    column.try_at = clock.wall() if at_once else later(clock.wall(), wait_after(error, column.attempts))
    if isinstance(error, Throttled):
        places.rest(session, place.connection.registration.id, wait_after(error, column.attempts))
    elif not at_once:
        column.problem = column_words(error)[:PROBLEM_LENGTH]


def worked(session: Session, column_id: int) -> None:
    """The LMS answered as it should: forget earlier failures."""
    session.execute(
        update(Column)
        .where(Column.id == column_id, (Column.attempts > 0) | Column.problem.is_not(None))
        .values(attempts=0, problem=None)
        .execution_options(synchronize_session=False)
    )
