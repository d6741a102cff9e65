"""The three short questions: each about something that can be seen, with words at every level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import Module

HOW_MANY = 3
NOT_SEEN = "not-seen"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the answers from little to much."""

    asked: str
    levels: tuple[str, ...]


def of_module(module: Module) -> list[Question]:
    """The questions after a session on this module: its own, then the ones that fit any skill, three in all."""
    own = [Question(str(row["asked"]), tuple(row["levels"])) for row in module.feedback]
    return [*own, *_for_any_skill()][:HOW_MANY]


def _for_any_skill() -> list[Question]:
    return [
        Question(
            _("How did they listen to you?"),
            (
                _("spoke before I had finished"),
                _("let me finish, then went on with their own"),
                _("took up something that I had said"),
                _("said back what they had heard before they answered"),
            ),
        ),
        Question(
            _("What did they do with a hint?"),
            (
                _("explained why it would not work"),
                _("heard it, and went on as before"),
                _("tried it once"),
                _("tried it, and again later by themselves"),
            ),
        ),
        Question(
            _("How much of what the prompt asks for did they do?"),
            (
                _("something else"),
                _("a part of it, with help"),
                _("all of it, with some help"),
                _("all of it, by themselves"),
            ),
        ),
    ]


def read(reader: Reader, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The answers from the fields `answer-0`, `answer-1`, …: the number of a level from 0, or NOT_SEEN.

    Each comes with the question and the words as they stood there. What is missing is noted in `reader`.
    """
    return [_read_one(reader, f"answer-{number}", question) for number, question in enumerate(questions)]


def _read_one(reader: Reader, name: str, question: Question) -> dict[str, Any]:
    by_value = {str(level): level for level in range(len(question.levels))}
    chosen = reader.values.get(name, "")
    if chosen == NOT_SEEN:
        return {"asked": question.asked, "level": None, "words": None}
    if chosen not in by_value:
        reader.errors[name] = _("Choose what you saw, or that it did not come up.")
        return {}
    return {"asked": question.asked, "level": by_value[chosen], "words": question.levels[by_value[chosen]]}


def chosen(answers: Sequence[Mapping[str, Any]], questions: Sequence[Question]) -> dict[str, str]:
    """The form's fields for answers that were given, as far as the same is still asked."""
    by_question = {answer["asked"]: answer["level"] for answer in answers}
    return {
        f"answer-{number}": NOT_SEEN if by_question[question.asked] is None else str(by_question[question.asked])
        for number, question in enumerate(questions)
        if question.asked in by_question
    }
