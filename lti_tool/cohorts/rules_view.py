"""What the form of the rules shows beside what was typed: whom there is to place, and what is known about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts import allowing, people, proposing, wish_form, wishes
from lti_tool.cohorts.allowing import Fact
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.wish_form import Typed, whole_number
from lti_tool.cohorts.words import ngettext
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing
from lti_tool.questions.overview import count_silent, some_are_silent

MOST_VALUES = 12
"""Of an attribute with more values, nobody is asked who must not be the only one."""


@dataclass(frozen=True, slots=True)
class Known:
    """An attribute as a row of the form, with what its values allow."""

    name: str
    is_numeric: bool
    fact: Fact
    source: LazyString


@dataclass(frozen=True, slots=True)
class OtherRules:
    """What another program of the course was formed by."""

    title: str
    rules: wishes.Rules


@dataclass(frozen=True, slots=True)
class RulesPage:
    """`values` are those of whom somebody may not be alone; `common_slots` how many shared hours may be asked for.

    So many people are `missing` for one cohort. `silent` learners have not answered, `silence` is the attribute that
    tells them from the others; of the pairs that must avoid each other (`avoided`) some are not kept apart. `others`
    are programs whose rules can be begun with.
    """

    count: int
    missing: int
    names: Mapping[str, str]
    facts: list[Fact]
    known: list[Known]
    values: list[tuple[str, str]]
    common_slots: list[tuple[str, str]]
    silent: int
    silence: str | None
    avoided: int
    to_adopt: int
    others: list[tuple[int, str]]


def beginning(session: Session, program: Program) -> wishes.Rules:
    """The rules that the form begins with: who is silent is shared out evenly where others have answered."""
    spread = (knowing.ANSWERED,) if some_are_silent(session, program.course_id) else ()
    return replace(wishes.usual(program), spread=spread)


def others(session: Session, program: Program) -> list[tuple[int, str]]:
    """Id and title of the other programs of the course that have rules, the newest first."""
    query = select(Program.id, Program.title).join(Proposal, Proposal.program_id == Program.id)
    query = query.where(Proposal.chosen, Program.course_id == program.course_id, Program.id != program.id)
    return [(id_, title) for id_, title in session.execute(query.order_by(Program.id.desc()))]


def of_other(session: Session, program: Program, program_id: int) -> OtherRules | None:
    """The rules of another program of the course, for whoever is in it now, without what was locked by hand."""
    here = Program.course_id == program.course_id
    other = session.scalar(select(Program).where(Program.id == program_id, here))
    proposal = proposing.proposal_of(session, program_id) if other is not None else None
    if other is None or proposal is None:
        return None
    present = {person.id for person in people.placeable(session, program.course_id)}
    rules = wishes.among(wishes.Rules.from_json(proposal.rules), present)
    return OtherRules(other.title, replace(rules, locked={}, any_time=()))


def shown(session: Session, program: Program, typed: Typed) -> RulesPage:
    """The form's surroundings for whoever is in the course now."""
    placeable = people.placeable(session, program.course_id)
    ids = {person.id for person in placeable}
    attributes = people.attributes(session, program, ids)
    slots = people.slots_of(session, program, ids)
    apart = knowing.wishes_of(session, program.course_id, ids).apart
    return RulesPage(
        count=len(placeable),
        missing=max(0, (whole_number(typed.sizes["size_min"]) or wishes.SMALLEST) - len(placeable)),
        names=people.labels(placeable),
        facts=_sizes(len(placeable), typed)
        + allowing.slots(
            placeable,
            slots,
            program.first_session_on,
            program.zone,
            [person for one in typed.any_time if (person := whole_number(one))],
        ),
        known=[
            Known(a.name, a.is_numeric, allowing.attribute(a, len(placeable)), people.SOURCES[a.source])
            for a in attributes
        ],
        values=_values(attributes),
        common_slots=_choices() if slots else [],
        silent=count_silent(session, program.course_id),
        silence=next((a.name for a in attributes if a.name == knowing.ANSWERED), None),
        avoided=len(apart),
        others=others(session, program),
        to_adopt=len(wish_form.with_apart(typed, apart).apart) - len(typed.apart),
    )


def _sizes(count: int, typed: Typed) -> list[Fact]:
    low, high = (whole_number(typed.sizes[name]) for name in ("size_min", "size_max"))
    if not low or not high or not low <= min(count, high):
        return []
    return allowing.sizes(count, low, high)


def _values(attributes: Sequence[Attribute]) -> list[tuple[str, str]]:
    """Values that at least two people have: who is the only one of all cannot be helped. Numbers are no kinds."""
    found = []
    for attribute in attributes:
        counts = Counter(attribute.values.values())
        if 1 < len(counts) <= MOST_VALUES and not attribute.is_numeric:
            found += [
                (wish_form.option_of(attribute.name, value), f"{attribute.name}: {value} ({times})")
                for value, times in sorted(counts.items())
                if times > 1
            ]
    return found


def _choices() -> list[tuple[str, str]]:
    asked = range(1, wishes.MOST_COMMON_SLOTS + 1)
    hours = [(str(n), ngettext("at least %(num)s hour a week", "at least %(num)s hours a week", n)) for n in asked]
    return [("0", _("does not matter")), *hours]
