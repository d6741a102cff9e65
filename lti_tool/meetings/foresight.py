"""What is to be said beforehand about the pairs to come: whether people must meet again, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import flask_babel
from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort
from lti_tool.matching.pairing import meetings as duos_of
from lti_tool.matching.rotation import fewest_repeats
from lti_tool.meetings import pairs
from lti_tool.meetings.pairs import Group
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, PairSeat
from lti_tool.programs.tables import Module

# Flask-Babel has no types.
_: Callable[..., str] = flask_babel.gettext
ngettext: Callable[..., str] = flask_babel.ngettext


@dataclass(frozen=True, slots=True)
class Foresight:
    """The sessions to come of one cohort, as planned.

    `repeats` is how often two people are to meet who have met before; no plan for these people has less than
    `at_least`. `unplanned` sessions have no pairs yet.
    """

    cohort_id: int
    cohort: str
    people: int
    sessions: int
    unplanned: int
    repeats: int
    at_least: int


def told(one: Foresight) -> str:
    """One sentence or two: what is planned, what of it is certain, and what was only not found."""
    if one.unplanned:
        return _("The pairs are being planned; reload the page in a moment.")
    if not one.repeats:
        return ngettext(
            "Everybody has a new partner in the session to come.",
            "Everybody has a new partner in each of the %(num)s sessions to come.",
            one.sessions,
        )
    planned = ngettext(
        "In this plan there is one repeat: two people meet who have met before.",
        "In this plan there are %(num)s repeats, in which two people meet who have met before.",
        one.repeats,
    )
    if one.at_least == one.repeats:
        return planned + " " + _("This is certain: no plan for these people has fewer.")
    may_be = _("Fewer may be possible: no such plan was found, and nothing proves that there is none.")
    if not one.at_least:
        return f"{planned} {may_be}"
    certain = ngettext("One of them is certain.", "%(num)s of them are certain.", one.at_least)
    return f"{planned} {certain} {may_be}"


def foresights(session: Session, program_id: int) -> list[Foresight]:
    """What the pairs to come of each cohort that meets again will be like; in two queries."""
    coming = set(session.scalars(pairs.coming_in(program_id)))
    query = (
        select(
            Cohort.id.label("cohort_id"),
            Cohort.name,
            Meeting.id,
            PairSeat.number,
            PairSeat.person_id,
            Attendance.presence,
        )
        .select_from(Meeting)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Module, Module.id == Meeting.module_id)
        .outerjoin(PairSeat, PairSeat.meeting_id == Meeting.id)
        .outerjoin(
            Attendance,
            and_(Attendance.meeting_id == Meeting.id, Attendance.person_id == PairSeat.person_id),
        )
        .where(Cohort.program_id == program_id)
        .order_by(Cohort.position, Module.number, PairSeat.number)
    )
    found: list[Foresight] = []
    for (cohort_id, name), rows in groupby(session.execute(query), key=lambda row: (row.cohort_id, row.name)):
        held: list[list[Group]] = []
        ahead: list[list[Group]] = []
        for meeting_id, seats in groupby(rows, key=lambda row: row.id):
            (ahead if meeting_id in coming else held).append(_groups(list(seats), planned=meeting_id in coming))
        if ahead:
            found.append(_foresight(cohort_id, name, held, ahead))
    return found


def _groups(seats: Sequence[Row[int, str, int, int, int, str]], *, planned: bool) -> list[Group]:
    """The groups of a session that are planned, or that really met."""
    there = [seat for seat in seats if (seat.number is not None if planned else seat.presence in ATTENDED)]
    by_number = groupby(there, key=lambda seat: seat.number)
    return [tuple(str(seat.person_id) for seat in group) for _number, group in by_number]


def _foresight(
    cohort_id: int, cohort: str, held: Sequence[Sequence[Group]], ahead: Sequence[Sequence[Group]]
) -> Foresight:
    seen = duos_of(group for groups in held for group in groups)
    at_least = _unavoidable(seen, ahead)
    repeats = 0
    for groups in ahead:
        repeats += len(duos_of(groups) & seen)
        seen |= duos_of(groups)
    people = {person for groups in ahead for group in groups for person in group}
    return Foresight(
        cohort_id, cohort, len(people), len(ahead), sum(not groups for groups in ahead), repeats, at_least
    )


def _unavoidable(met: set[frozenset[str]], ahead: Sequence[Sequence[Group]]) -> int:
    """How many repeats any plan has for the people of these sessions, who have met so: a lower bound."""
    sessions = Counter(person for groups in ahead for group in groups for person in group)
    known = [duo for duo in met if sessions.keys() >= duo]
    knows = Counter(person for duo in known for person in duo)
    others = len(sessions) - 1
    # As many meetings as there are more than pairs of people who have not met, and of each person more than such
    # people are left: in every session they meet one at least.
    too_many = sum(len(duos_of(groups)) for groups in ahead) - len(sessions) * others // 2 + len(known)
    too_often = sum(max(0, times - (others - knows[person])) for person, times in sessions.items())
    everybody = all(times == len(ahead) for times in sessions.values())
    by_table = fewest_repeats(len(sessions), len(ahead)) if everybody and not known else 0
    return max(0, too_many, (too_often + 1) // 2, by_table)
