"""Deep linking requests: kept while somebody chooses, and answered once."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort
from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.gradebook import columns, promises
from lti_tool.gradebook.tables import Column
from lti_tool.links import offering
from lti_tool.links.offering import Choice
from lti_tool.links.tables import DeepLinkingRequest
from lti_tool.links.targets import Kind
from lti_tool.lti import deep_linking, registrations, wire
from lti_tool.lti.deep_linking import Link
from lti_tool.lti.grades import LineItem
from lti_tool.lti.launch import DeepLinking, Launch
from lti_tool.programs.tables import Plan, Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import CourseLink
from lti_tool.web import visits
from lti_tool.web.visits import Visit


def store(session: Session, launch: Launch, asked: DeepLinking, recorded: Recorded) -> int:
    """Keep a request in the caller's transaction; its id. Those that nobody can answer any more go."""
    now = clock.wall()
    forgotten = DeepLinkingRequest.answered_at.is_(None), DeepLinkingRequest.asked_at < now - visits.LONGEST
    session.execute(delete(DeepLinkingRequest).where(*forgotten))
    row = DeepLinkingRequest(
        registration_id=launch.registration_id,
        course_id=recorded.course_id,
        person_id=recorded.person_id,
        deployment_id=launch.deployment_id,
        return_url=asked.return_url,
        targets=list(asked.targets),
        many=asked.many,
        line_items=asked.line_items,
        auto_create=asked.auto_create,
        title=asked.title,
        text=asked.text,
        data=asked.data,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def of_visit(session: Session, visit: Visit, request_id: int) -> DeepLinkingRequest:
    """A request that came with this person, in this course. 404 for any other, 409 for one that is answered."""
    row = session.scalar(
        select(DeepLinkingRequest)
        .where(
            DeepLinkingRequest.id == request_id,
            DeepLinkingRequest.course_id == visit.course_id,
            DeepLinkingRequest.person_id == visit.person_id,
        )
        .with_for_update()
    )
    if row is None:
        abort(404)
    if row.answered_at is not None:
        abort(409, _("Your choice has been sent to the LMS already. To choose again, begin again there."))
    return row


def placed(session: Session, course_id: int) -> set[str]:
    """What the links of a course open, as far as they have been chosen here or opened once."""
    opened = select(CourseLink.opens).where(CourseLink.course_id == course_id, CourseLink.opens.is_not(None))
    answers = select(DeepLinkingRequest.chosen).where(DeepLinkingRequest.course_id == course_id)
    found = {text for text in session.scalars(opened) if text}
    return found.union(*session.scalars(answers))


def answer(
    session: Session, row: DeepLinkingRequest, program: Program | None, choices: Sequence[Choice], *, weekly: bool
) -> str:
    """The signed answer with these choices; `weekly` gives each week its own column, where that can still be."""
    if program is not None and weekly and any(choice.target.kind is Kind.WEEK for choice in choices):
        promises.choose_plan(session, program, Plan.WEEKS)
    given = _columns(session, program, choices) if program is not None and row.line_items else {}
    links = [_link(row, choice, given.get(_measure(choice) or ""), alone=len(choices) == 1) for choice in choices]
    row.chosen = [str(choice.target) for choice in choices]
    _note(session, row, given)
    return _sign(session, row, links)


def decline(session: Session, row: DeepLinkingRequest) -> str:
    """The signed answer that nothing was chosen."""
    return _sign(session, row, [])


def _measure(choice: Choice) -> str | None:
    """The measure of the column that comes with a choice."""
    match choice.target.kind:
        case Kind.WEEK if choice.target.week is not None:
            return columns.of_week(choice.target.week)
        case Kind.HOME:
            return columns.COMPLETION
    return None


def _columns(session: Session, program: Program, choices: Sequence[Choice]) -> dict[str, Column]:
    return promises.promise(session, program, {measure for choice in choices if (measure := _measure(choice))})


def _link(row: DeepLinkingRequest, choice: Choice, column: Column | None, *, alone: bool) -> Link:
    item = LineItem(column.label, column.maximum, column.resource_id, column.tag) if column else None
    title = row.title if alone and row.title else choice.title
    return offering.link(choice, title, item)


def _note(session: Session, row: DeepLinkingRequest, given: dict[str, Column]) -> None:
    audit.record(
        session,
        "links chosen",
        "course",
        row.course_id,
        course_id=row.course_id,
        actor_id=row.person_id,
        after={"opens": row.chosen, "columns": sorted(given)},
    )


def _sign(session: Session, row: DeepLinkingRequest, links: Sequence[Link]) -> str:
    registration = registrations.get(row.registration_id)
    if registration is None:
        raise LookupError(f"registration {row.registration_id} is gone")
    here = wire.current()
    signed = deep_linking.answer(
        registration, row.deployment_id, here.keyring.current(), links, targets=row.targets, data=row.data
    )
    row.answered_at, row.data = clock.wall(), None
    session.flush()
    return signed
