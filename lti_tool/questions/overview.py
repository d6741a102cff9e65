"""Who of a course has answered what, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from lti_tool.questions.knowing import wishes_of
from lti_tool.questions.tables import Answers
from lti_tool.roster import people
from lti_tool.roster.tables import Enrolment, Person

LISTED = 200  # of those who are silent; more names help nobody


@dataclass(frozen=True, slots=True)
class Overview:
    """One page of the answers, and all wishes as pairs: who, and about whom.

    `silent` are the first of `silent_count` who have not answered, by name.
    """

    rows: Sequence[tuple[Person, Answers]]
    answered: int
    silent: Sequence[Person]
    silent_count: int
    reminded_at: datetime | None
    like: Sequence[tuple[Person, Person]]
    avoid: Sequence[tuple[Person, Person]]
    page: int
    pages: int


def silent(session: Session, course_id: int) -> Sequence[Person]:
    """The learners of a course who have not answered, by name; who has a draft is among them."""
    query = select(Person).join(Enrolment, Enrolment.person_id == Person.id).where(_is_silent(course_id))
    return session.scalars(query.order_by(Person.name, Person.id)).all()


def count_silent(session: Session, course_id: int) -> int:
    """How many they are."""
    return session.scalar(select(func.count()).select_from(Enrolment).where(_is_silent(course_id))) or 0


def some_are_silent(session: Session, course_id: int) -> bool:
    """Whether some learners of a course have answered and others have not."""
    learners, quiet = session.execute(
        select(func.count(), func.count().filter(_is_silent(course_id)))
        .select_from(Enrolment)
        .where(Enrolment.course_id == course_id, Enrolment.may_learn)
    ).one()
    return 0 < quiet < learners


def _is_silent(course_id: int) -> ColumnElement[bool]:
    has_answered = exists().where(
        Answers.course_id == course_id,
        Answers.person_id == Enrolment.person_id,
        Answers.answered_at.is_not(None),
    )
    return and_(Enrolment.course_id == course_id, Enrolment.may_learn, ~has_answered)


def overview(session: Session, course_id: int, page: int) -> Overview:
    """A page of a course's answers by a fixed number of queries. A page that is not there gives the nearest."""
    learners = {person.id: person for person in people.placeable(session, course_id)}
    quiet = silent(session, course_id)
    answered = (
        select(Person, Answers)
        .join(Answers, Answers.person_id == Person.id)
        .where(Answers.course_id == course_id, Answers.answered_at.is_not(None), Person.id.in_(_learning(course_id)))
        .order_by(Person.name, Person.id)
    )
    total = len(learners) - len(quiet)
    pages = max(1, -(-total // people.PAGE_SIZE))
    page = min(max(page, 1), pages)
    shown = session.execute(answered.offset((page - 1) * people.PAGE_SIZE).limit(people.PAGE_SIZE))
    wishes = wishes_of(session, course_id, learners)
    last = select(func.max(Answers.reminded_at)).where(Answers.course_id == course_id)
    return Overview(
        rows=[(person, answers) for person, answers in shown],
        answered=total,
        silent=quiet[:LISTED],
        silent_count=len(quiet),
        reminded_at=session.scalar(last),
        like=[(learners[who], learners[whom]) for who, whom in wishes.like],
        avoid=[(learners[who], learners[whom]) for who, whom in wishes.avoid],
        page=page,
        pages=pages,
    )


def _learning(course_id: int) -> Select[int]:
    return select(Enrolment.person_id).where(Enrolment.course_id == course_id, Enrolment.may_learn)
