"""Cohorts into files: one that Peerloop reads again, and those by which an LMS makes groups of its own.

LTI lets no tool write an LMS's groups, so a person gives such a file to the LMS. CANVAS is its documentation of the
group category import, MOODLE its documentation of "Import groups" and "Upload users".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts import people, words
from lti_tool.cohorts.proposing import proposal_of
from lti_tool.cohorts.queries import cohorts_with_members
from lti_tool.lti.tables import LtiRegistration
from lti_tool.programs.tables import Program
from lti_tool.roster.cells import harmless
from lti_tool.roster.tables import Course, Person, Tenant

Placed = Sequence[tuple[Person, str]]
"""People with the letter of their cohort."""


@dataclass(frozen=True, slots=True)
class File:
    """A kind of file: its columns, and the cells of its lines for a program in a course."""

    columns: tuple[str, ...]
    lines: Callable[[Placed, Program, Course], list[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A file for the LMS of a course, by the name of its kind, with what to do with it there."""

    kind: str
    label: LazyString
    how: LazyString


def _own(placed: Placed, _program: Program, _course: Course) -> list[tuple[str, ...]]:
    return [(person.subject, person.email or "", person.name, cohort) for person, cohort in placed]


def _canvas(placed: Placed, _program: Program, _course: Course) -> list[tuple[str, ...]]:
    return [(person.name, person.email or "", f"Cohort {cohort}") for person, cohort in placed]


def _moodle_groups(placed: Placed, program: Program, _course: Course) -> list[tuple[str, ...]]:
    return [(f"Cohort {cohort}", program.title) for cohort in dict.fromkeys(cohort for _person, cohort in placed)]


def _moodle_users(placed: Placed, _program: Program, course: Course) -> list[tuple[str, ...]]:
    return [(person.email or "", course.label or "", f"Cohort {cohort}") for person, cohort in placed]


OWN = "peerloop"
FILES = {
    OWN: File(("user_id", "email", "name", "cohort"), _own),
    "canvas": File(("name", "login_id", "group_name"), _canvas),
    "moodle-groups": File(("groupname", "groupingname"), _moodle_groups),
    "moodle-users": File(("username", "course1", "group1"), _moodle_users),
}
OFFERS = {
    "canvas": (
        Offer(
            "canvas",
            _("Groups for Canvas"),
            _(
                "In Canvas, open “People”, add a group set without groups, and choose “Import” in it. The column "
                "login_id holds e-mail addresses: where people log in with something else, put that there first."
            ),
        ),
    ),
    "moodle": (
        Offer(
            "moodle-groups",
            _("Groups for Moodle"),
            _(
                "In Moodle, open “Participants”, “Groups”, and choose “Import groups”. This makes the groups, with "
                "nobody in them yet."
            ),
        ),
        Offer(
            "moodle-users",
            _("Members for Moodle"),
            _(
                "A site administrator gives this to “Upload users” with “Update existing users only”; who is not in "
                "a group of that name yet gets in. The column username holds e-mail addresses: where people log in "
                "with something else, put that there first."
            ),
        ),
    ),
}


def offers(session: Session, program: Program) -> tuple[Offer, ...]:
    """The files by which the LMS of a program's course makes groups; none where we know of no such import."""
    family = session.scalar(
        select(LtiRegistration.family)
        .join(Tenant, Tenant.registration_id == LtiRegistration.id)
        .join(Course, Course.tenant_id == Tenant.id)
        .where(Course.id == program.course_id)
    )
    return OFFERS.get(family or "", ())


def exported(session: Session, program: Program, kind: str = OWN) -> str:
    """The cohorts, published or of the chosen draft, as CSV of a kind of `FILES`."""
    rows = [
        (person, entry.cohort.name) for entry in cohorts_with_members(session, program.id) for person in entry.members
    ]
    file, course = FILES[kind], session.get_one(Course, program.course_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(file.columns)
    for line in file.lines(rows or _of_draft(session, program), program, course):
        writer.writerow(map(harmless, line))
    return text.getvalue()


def _of_draft(session: Session, program: Program) -> list[tuple[Person, str]]:
    proposal = proposal_of(session, program.id)
    if proposal is None:
        return []
    known = {str(person.id): person for person in people.everybody(session, program.course_id)}
    return [
        (known[person], words.letter(position))
        for position, members in enumerate(proposal.solution["cohorts"])
        for person in members
    ]
