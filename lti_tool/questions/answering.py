"""A learner answers: what was sent becomes a draft, a draft becomes answers, wishes are kept at once.

None of it goes into the audit, which outlives a change of mind; who reminds learners and who adopts wishes does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from lti_tool import clock
from lti_tool.database import Base
from lti_tool.programs.fields import zones
from lti_tool.questions import choices, week
from lti_tool.questions.tables import Answers, Kind, LearnerWish
from lti_tool.roster.people import folded
from lti_tool.roster.tables import Enrolment, Person
from lti_tool.roster.upserts import dialect_of, insert_into

MOST_WISHES = 5  # of each kind: more would decide for everybody else
FOUND = 10
SHORTEST_SEARCH = 2


class TooManyWishesError(Exception):
    """As many wishes of a kind as there may be are there already."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a form says. Fields: `goal`, `experience`, `language` (repeated), `zone`, `free` (repeated)."""

    goal: str | None
    experience: int | None
    languages: list[str]
    zone: str | None
    free: list[str]


def read(sent: MultiDict[str, str]) -> Said:
    """What was sent, without what the form does not offer: every question may be left open."""
    experience = sent.get("experience", "")
    spoken = dict.fromkeys(code for code in sent.getlist("language") if code in choices.LANGUAGES)
    painted = set(sent.getlist("free"))
    return Said(
        goal=_one_of(sent.get("goal"), choices.GOALS),
        experience=int(experience) if experience in {"0", "1", "2", "3", "4", "5"} else None,
        languages=list(spoken)[: choices.MOST_LANGUAGES],
        zone=_one_of(sent.get("zone"), zones()),
        free=[cell for cell in week.CELLS if cell in painted],
    )


def _one_of(value: str | None, offered: Collection[str]) -> str | None:
    return value if value in offered else None


def answers_of(session: Session, course_id: int, person_id: int) -> Answers | None:
    """What this person has said, or a draft of it."""
    return session.scalar(_row_of(course_id, person_id))


def _row_of(course_id: int, person_id: int) -> Select[Answers]:
    return select(Answers).where(Answers.course_id == course_id, Answers.person_id == person_id)


def keep(session: Session, course_id: int, person_id: int, said: Said) -> Answers:
    """Keep what was said; who had answered before has answered this now, others have a draft."""
    answers = _row(session, course_id, person_id)
    answers.goal, answers.experience, answers.languages = said.goal, said.experience, said.languages
    answers.zone, answers.free = said.zone, said.free
    return answers


def answer(session: Session, course_id: int, person_id: int, said: Said) -> None:
    """Keep what was said as this person's answers."""
    keep(session, course_id, person_id, said).answered_at = clock.now()


def put_off(session: Session, course_id: int, person_id: int) -> None:
    """Answer later: whatever is there stays a draft, and the first page asks less loudly."""
    _row(session, course_id, person_id).put_off_at = clock.now()


def make_rows(session: Session, course_id: int, person_ids: Collection[int]) -> None:
    """See to it that each of these people has a row; what is there stays as it is."""
    rows = [{"course_id": course_id, "person_id": person_id, "languages": [], "free": []} for person_id in person_ids]
    if rows:
        table = Base.metadata.tables["answers"]
        session.execute(insert_into(dialect_of(session), table).on_conflict_do_nothing(), rows)


def _row(session: Session, course_id: int, person_id: int) -> Answers:
    make_rows(session, course_id, [person_id])
    return session.scalars(_row_of(course_id, person_id)).one()


def classmates(session: Session, course_id: int, person_id: int, text: str) -> Sequence[Person]:
    """Other learners of the course whose name holds `text`, by name: `FOUND` at most, none for a single letter."""
    wanted = folded(text)
    if len(wanted) < SHORTEST_SEARCH:
        return []
    others = session.scalars(_others(course_id, person_id).order_by(Person.name, Person.id))
    return [other for other in others if wanted in folded(other.name)][:FOUND]


def _others(course_id: int, person_id: int) -> Select[Person]:
    query = select(Person).join(Enrolment, Enrolment.person_id == Person.id)
    return query.where(Enrolment.course_id == course_id, Enrolment.may_learn, Person.id != person_id)


def wishes_by(session: Session, course_id: int, person_id: int) -> list[tuple[Person, Kind]]:
    """Whom this person wishes to be with or must avoid, by name; without those who left."""
    query = (
        _others(course_id, person_id)
        .join(LearnerWish, LearnerWish.other_id == Person.id)
        .where(LearnerWish.course_id == course_id, LearnerWish.person_id == person_id)
        .add_columns(LearnerWish.kind)
    )
    return [(other, Kind(kind)) for other, kind in session.execute(query.order_by(Person.name, Person.id))]


def wish(session: Session, course_id: int, person_id: int, other_id: int, kind: Kind) -> Person | None:
    """Note a wish about another learner of the course, in place of another one about them.

    Returns None when there is no such learner. Raises TooManyWishesError.
    """
    other: Person | None = session.scalar(_others(course_id, person_id).where(Person.id == other_id))
    if other is None:
        return None
    mine = (LearnerWish.course_id == course_id, LearnerWish.person_id == person_id)
    others = select(func.count()).where(*mine, LearnerWish.kind == kind.value, LearnerWish.other_id != other_id)
    if (session.scalar(others) or 0) >= MOST_WISHES:
        raise TooManyWishesError
    unwish(session, course_id, person_id, other_id)
    row = {"course_id": course_id, "person_id": person_id, "other_id": other_id, "kind": kind.value}
    query = insert_into(dialect_of(session), Base.metadata.tables["learner_wish"]).values(row)
    session.execute(query.on_conflict_do_nothing())
    return other


def unwish(session: Session, course_id: int, person_id: int, other_id: int) -> None:
    """Take back whatever was wished about somebody."""
    mine = (LearnerWish.course_id == course_id, LearnerWish.person_id == person_id)
    session.execute(delete(LearnerWish).where(*mine, LearnerWish.other_id == other_id))


def remind(session: Session, course_id: int, person_ids: Collection[int]) -> None:
    """Ask these people once more, at the top of their first page."""
    make_rows(session, course_id, person_ids)
    chosen = (Answers.course_id == course_id, Answers.person_id.in_(person_ids))
    session.execute(update(Answers).where(*chosen).values(reminded_at=clock.now()))
