"""Whether a learner's first page asks for answers, and how loudly."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from lti_tool.questions import answering


@dataclass(frozen=True, slots=True)
class Asked:
    """`is_due`: nothing was answered, nor put off since somebody reminded; `is_reminded`: somebody did."""

    is_answered: bool
    is_due: bool
    is_reminded: bool


def asked(session: Session, course_id: int, person_id: int) -> Asked:
    """What a learner's first page needs to know, by one query."""
    answers = answering.answers_of(session, course_id, person_id)
    if answers is None:
        return Asked(is_answered=False, is_due=True, is_reminded=False)
    is_answered = answers.answered_at is not None
    was_put_off = answers.put_off_at is not None
    is_reminded = answers.reminded_at is not None and (
        answers.put_off_at is None or answers.put_off_at < answers.reminded_at
    )
    return Asked(
        is_answered=is_answered,
        is_due=not is_answered and (is_reminded or not was_put_off),
        is_reminded=is_reminded and not is_answered,
    )
