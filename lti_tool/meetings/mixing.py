"""With whom people should rather practise, as an instructor chose it, and who must not meet at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.cohorts.people import Attribute, attributes, number, placeable
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.matching import liking
from lti_tool.matching.pairing import Preferences
from lti_tool.meetings.tables import PairWish
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.questions.knowing import ANSWERED

# Somebody comes late and everybody waits for their pair, so this is built once.
_CHOSEN = (
    select(Program, PairWish.different, PairWish.far_apart, Proposal.rules)
    .join(Cohort, Cohort.program_id == Program.id)
    .outerjoin(PairWish, PairWish.program_id == Program.id)
    .outerjoin(Proposal, and_(Proposal.program_id == Program.id, Proposal.chosen))
    .where(Cohort.id == bindparam("cohort_id"))
)


@dataclass(frozen=True, slots=True)
class Mixing:
    """`apart`: groups of people, by their ids as text, of whom no two may meet."""

    apart: Sequence[tuple[str, ...]]
    liking: Preferences


def mixing_of(session: Session, cohort_id: int, people: Collection[int]) -> Mixing:
    """What is to be kept, and what would be liked, when these people of a cohort are paired.

    Who must be apart never gets into one cohort by Peerloop; moved there by hand, they still do not meet.
    """
    program, different, far_apart, rules = session.execute(_CHOSEN, {"cohort_id": cohort_id}).one()
    apart = [tuple(str(person) for person in group) for group in (rules or {}).get("apart", ())]
    names = [name for name in (different, far_apart) if name is not None]
    if not names:
        return Mixing(apart, {})
    known = _values(session, program, names, people)
    likings = [liking.different(known.get(different, {}))] if different is not None else []
    if far_apart is not None:
        likings.append(_experienced_with_new(known.get(far_apart, {})))
    return Mixing(apart, liking.together(likings))


def _experienced_with_new(values: Mapping[str, str]) -> liking.Liking:
    """By number where everybody's value is one; else two words that differ are as far apart as any two."""
    levels = {person: level for person, value in values.items() if (level := number(value)) is not None}
    return liking.far_apart(levels) if len(levels) == len(values) else liking.different(values)


def _values(
    session: Session, program: Program, names: Collection[str], people: Collection[int]
) -> Mapping[str, Mapping[str, str]]:
    return {
        attribute.name: {str(person): value for person, value in sorted(attribute.values.items())}
        for attribute in attributes(session, program, people)
        if attribute.name in names
    }


def wish_of(session: Session, program_id: int) -> PairWish:
    """What was chosen for a program; a new one where nothing was."""
    return session.get(PairWish, program_id) or PairWish(program_id=program_id)


def choices(session: Session, program: Program) -> list[Attribute]:
    """What is known about the people of a program's course, so that it can be chosen."""
    known = attributes(session, program, [person.id for person in placeable(session, program.course_id)])
    return [attribute for attribute in known if attribute.name != ANSWERED]


def choose(session: Session, program: Program, values: Mapping[str, str], actor_id: int) -> bool:
    """Choose with whom people should rather practise. Returns whether that is anything new.

    `values` has the names of attributes in `different` and `far_apart`, empty where it does not matter. Raises
    FormError.
    """
    known = {attribute.name for attribute in choices(session, program)}
    chosen = {name: values.get(name, "") or None for name in ("different", "far_apart")}
    wrong = [name for name, attribute in chosen.items() if attribute is not None and attribute not in known]
    if wrong:
        text = _("This is not known about anybody (any more). Choose again.")
        raise FormError(dict.fromkeys(wrong, text))
    wish = wish_of(session, program.id)
    before = {name: getattr(wish, name) for name in chosen}
    if before == chosen:
        return False
    wish.different, wish.far_apart = chosen["different"], chosen["far_apart"]
    session.add(wish)
    audit.record(
        session,
        "pair wishes chosen",
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before=before,
        after=chosen,
    )
    return True
