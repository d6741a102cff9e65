"""What learners' answers tell those who form cohorts. A draft tells nothing yet; wishes count at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.programs.tables import Program
from lti_tool.questions import choices, week
from lti_tool.questions.tables import Answers, Kind, LearnerWish

GOAL, EXPERIENCE, LANGUAGE, ZONE = "goal", "experience", "language", "time zone"
ANSWERED = "who has answered"
YES, NOT_YET = "answered", "not yet"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Pairs of person ids, who wishes and about whom, each in one of the two."""

    like: tuple[tuple[int, int], ...]
    avoid: tuple[tuple[int, int], ...]

    @property
    def apart(self) -> tuple[tuple[int, int], ...]:
        """The pairs of whom one must avoid the other, each once, in the order of their ids."""
        return tuple(sorted({(min(pair), max(pair)) for pair in self.avoid}))


def attributes_of(session: Session, program: Program, person_ids: Collection[int]) -> dict[str, dict[int, str]]:
    """What a program's cohorts can be formed by, from answers: by the attribute's name, then by person id.

    `experience` is a number from 0 to 5, `time zone` the distance from UTC in the program's first week. Whoever
    left a question open has no value there. While some have answered and others have not, that is an attribute too.
    """
    answers, day = _answers(session, program.course_id, person_ids), program.first_session_on
    found: dict[str, dict[int, str]] = {
        EXPERIENCE: {a.person_id: str(a.experience) for a in answers if a.experience is not None},
        GOAL: {a.person_id: a.goal for a in answers if a.goal},
        LANGUAGE: {a.person_id: choices.language_name(a.languages[0]) for a in answers if a.languages},
        ZONE: {a.person_id: week.offset(a.zone, day) for a in answers if a.zone},
        ANSWERED: _answered({a.person_id for a in answers}, person_ids),
    }
    return {name: values for name, values in found.items() if values}


def _answered(answered: Collection[int], person_ids: Collection[int]) -> dict[int, str]:
    if not 0 < len(answered) < len(person_ids):
        return {}
    return {person: YES if person in answered else NOT_YET for person in person_ids}


def slots_of(session: Session, program: Program, person_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The hours of a week that people are free, in UTC, as `week` writes slots: by person id.

    Two people can meet in a slot that both have, whatever their zones. The week is the one in which the
    program has its first session, and hours begin when they begin on the program's clocks. Whoever
    painted nothing is left out: about their time nothing is known, which does not mean that they have none.
    """
    day, clocks = program.first_session_on, program.zone
    return {
        answers.person_id: found
        for answers in _answers(session, program.course_id, person_ids)
        if answers.zone and (found := week.slots(answers.free, answers.zone, clocks, day))
    }


def free_of(session: Session, course_id: int, person_ids: Collection[int]) -> dict[int, week.Free]:
    """When people are free on their own clocks, by person id. Whoever painted nothing is left out."""
    return {
        answers.person_id: week.Free(answers.zone, frozenset(answers.free))
        for answers in _answers(session, course_id, person_ids)
        if answers.zone and answers.free
    }


def wishes_of(session: Session, course_id: int, person_ids: Collection[int]) -> Wishes:
    """Who of these people would like to be with whom of them, and who must avoid whom. For staff only."""
    rows = session.execute(
        select(LearnerWish.kind, LearnerWish.person_id, LearnerWish.other_id)
        .where(LearnerWish.course_id == course_id)
        .order_by(LearnerWish.person_id, LearnerWish.other_id)
    )
    wanted, pairs = set(person_ids), dict[Kind, list[tuple[int, int]]]({kind: [] for kind in Kind})
    for kind, person_id, other_id in rows:
        if person_id in wanted and other_id in wanted:
            pairs[Kind(kind)].append((person_id, other_id))
    return Wishes(like=tuple(pairs[Kind.WITH]), avoid=tuple(pairs[Kind.AVOID]))


def _answers(session: Session, course_id: int, person_ids: Collection[int]) -> Sequence[Answers]:
    query = select(Answers).where(Answers.course_id == course_id, Answers.answered_at.is_not(None))
    wanted = set(person_ids)
    return [answers for answers in session.scalars(query) if answers.person_id in wanted]
