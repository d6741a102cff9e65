"""Choosing what the LMS's new links open, when an instructor adds Peerloop from inside the LMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts.usual import program_of_visit
from lti_tool.database import db
from lti_tool.gradebook import promises
from lti_tool.links import offering, requests
from lti_tool.links.offering import Choice
from lti_tool.links.tables import DeepLinkingRequest
from lti_tool.links.targets import Kind
from lti_tool.lti import addresses
from lti_tool.programs.access import program_of, programs_of
from lti_tool.programs.tables import Plan, Program
from lti_tool.web import headers
from lti_tool.web.gate import LARGEST_ID, Access, allow, current_visit

MISSING_WEEKS = "missing-weeks"

blueprint = Blueprint("links", __name__, url_prefix="/v/<visit>/deep-linking", template_folder="templates")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page offers. `placed` are the choices that a link of the course opens already."""

    program: Program | None
    choices: Mapping[str, Choice]
    placed: frozenset[str]

    def of_kind(self, kind: Kind) -> Sequence[Choice]:
        """The choices of one kind, by week."""
        return [choice for choice in self.choices.values() if choice.target.kind == kind]

    @property
    def missing_weeks(self) -> Sequence[Choice]:
        """The weeks to which no link leads yet."""
        return [choice for choice in self.of_kind(Kind.WEEK) if str(choice.target) not in self.placed]


@blueprint.get("/<int:request_id>")
@allow(Access.INSTRUCTOR)
def choose(request_id: int) -> ResponseReturnValue:
    """What can be added to the course."""
    return _page(_request(request_id))


@blueprint.post("/<int:request_id>")
@allow(Access.INSTRUCTOR)
def add(request_id: int) -> ResponseReturnValue:
    """Send the LMS links to what the fields `choose` name, or to all weeks that have none."""
    row, offer = _request(request_id), _offer()
    chosen, problem = _chosen(row, offer)
    if problem:
        db.session.rollback()
        return _page(_request(request_id), problem), 400
    weekly = request.form.get("columns") == "weekly"
    return _send(row, requests.answer(db.session(), row, offer.program, chosen, weekly=weekly), len(chosen))


@blueprint.get("/<int:request_id>/not-yours")
@allow(Access.VISITOR)
def not_yours(request_id: int) -> ResponseReturnValue:
    """For whoever the LMS lets add links, and who is no instructor here."""
    row = _request(request_id)
    return render_template("links/not_yours.html", row=row, nav=[])


@blueprint.post("/<int:request_id>/decline")
@allow(Access.VISITOR)
def decline(request_id: int) -> ResponseReturnValue:
    """Go back to the LMS without adding anything, which it has to be told."""
    row = _request(request_id)
    return _send(row, requests.decline(db.session(), row), 0)


def _request(request_id: int) -> DeepLinkingRequest:
    return requests.of_visit(db.session(), current_visit(), request_id)


def _program() -> Program | None:
    """The program that is asked for, else the usual one; None where the course has none."""
    asked = request.values.get("program_id", type=int)
    if asked is not None:
        return program_of(current_visit(), asked) if 0 < asked <= LARGEST_ID else abort(404)
    usual = program_of_visit(current_visit())
    return program_of(current_visit(), usual.id) if usual else None


def _offer() -> Offer:
    program = _program()
    found = offering.choices(db.session(), program) if program else [offering.course_home()]
    placed = requests.placed(db.session(), current_visit().course_id)
    return Offer(program, {str(choice.target): choice for choice in found}, frozenset(placed))


def _chosen(row: DeepLinkingRequest, offer: Offer) -> tuple[Sequence[Choice], str | None]:
    """The choices that the form names, or what is wrong with it."""
    if row.many and request.form.get("what") == MISSING_WEEKS:
        return offer.missing_weeks, None
    names = dict.fromkeys(request.form.getlist("choose"))
    if not names:
        return (), _("Choose what the link should open.")
    if len(names) > 1 and not row.many:
        return (), _("The LMS takes one link here. Choose one.")
    if not names.keys() <= offer.choices.keys():
        return (), _("This is not part of the program any more. Choose again.")
    return [offer.choices[name] for name in names], None


def _page(row: DeepLinkingRequest, problem: str | None = None) -> str:
    offer = _offer()
    program = offer.program
    return render_template(
        "links/choose.html",
        row=row,
        offer=offer,
        program=program,
        programs=programs_of(current_visit().course_id),
        chosen=request.form.getlist("choose"),
        problem=problem,
        kinds=Kind,
        missing_weeks=MISSING_WEEKS,
        can_have_columns=program is not None and row.line_items,
        plan_is_open=program is not None and promises.plan_is_open(db.session(), program.id),
        is_weekly=program is not None and program.gradebook_plan == Plan.WEEKS,
        nav=[],  # a way out that leaves the LMS waiting is none
    )


def _send(row: DeepLinkingRequest, signed: str, count: int) -> ResponseReturnValue:
    """The page whose form carries the answer to the LMS."""
    # The LMS may lead on from there to another of its hosts.
    named = (addresses.origin(row.return_url), *current_visit().frame_origins)
    headers.allow_form_to(dict.fromkeys(origin for origin in named if origin))
    return render_template("links/answer.html", row=row, signed=signed, count=count, nav=[])
