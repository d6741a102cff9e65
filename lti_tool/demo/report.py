"""What happened in a demonstration: counts as found, beside those that the robots' own deeds make necessary."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from lti_tool.demo import lms
from lti_tool.demo.play import OVERRIDE, Deeds, Play
from lti_tool.demo.processes import Place
from lti_tool.demo.robot import Robot

SESSIONS = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    found: int
    expected: int

    @property
    def holds(self) -> bool:
        return self.found == self.expected


def lines(place: Place, play: Play, deeds: Deeds) -> list[Line]:
    """Count, most of it in the LMS's gradebook: what arrived there is what the loop is for."""
    robot = Robot(place.lms)
    robot.get("/enter/instructor")
    book = lms.gradebook(robot)
    robot.close()
    learners = list(play.user_ids.values())
    sessions, assignments, feedback, completion = (
        book[label]
        for label in ("sessions attended", "micro-assignments", "peer feedback given", "program completion")
    )
    said = _Said(place.family)
    attended = sum(_session_is_right(sessions[user_id], deeds, user_id, said) for user_id in learners)
    counted = sum(
        len(weeks) * _assignment_is_right(assignments[user_id], deeds, user_id, said)
        for user_id, weeks in deeds.confirmed.items()
    )
    told = sum(said.holds(feedback[user_id], f"{weeks} of ") for user_id, weeks in deeds.feedback.items())
    in_progress = sum(completion[user_id].pending for user_id in learners)
    return [
        Line("people launched Peerloop", deeds.launches, len(learners) + 2),
        Line("learners who said how they learn", deeds.answered, deeds.answers),
        Line("learners placed in cohorts", deeds.placed, len(learners)),
        Line("cohorts published", deeds.cohorts, 5),
        Line("sessions held and closed", deeds.sessions_closed, 3 * 5),
        Line("assignments handed in", sum(deeds.handed_in.values()), _hand_ins(learners)),
        Line("columns in the LMS's gradebook", len(book), 5),
        Line("learners whose sessions are right in the LMS", attended, len(learners)),
        Line("learners whose feedback to partners is in the LMS", told, len(deeds.feedback)),
        # Chance may leave somebody without a confirmed assignment, and then there is nothing to tell yet.
        Line("learners whose assignments are in the LMS", _graded(assignments, deeds), len(deeds.confirmed)),
        Line("assignments confirmed, by the LMS's grades", counted, sum(map(len, deeds.confirmed.values()))),
        Line("learners whose completion is in progress", in_progress, len(learners)),
        Line("grades that a person set, kept in the LMS", int(assignments[deeds.overridden].score == OVERRIDE), 1),
    ]


def _hand_ins(learners: list[str]) -> int:
    return sum(
        (number + week) % 9 != 0 and not (week == 3 and number == 0)
        for week in (1, 2, 3)
        for number in range(len(learners))
    )


class _Said:
    """Whether a comment says what it should. On Canvas comments add up, so a grade has one at the very end only."""

    def __init__(self, family: str) -> None:
        self._silent = family == "canvas"

    def holds(self, grade: lms.Grade, words: str) -> bool:
        return grade.comment == "" if self._silent else grade.comment.startswith(words)


def _session_is_right(grade: lms.Grade, deeds: Deeds, user_id: str, said: _Said) -> bool:
    attended, due = deeds.attended[user_id], deeds.sessions_due[user_id]
    excused = 3 - due
    words = f"{attended} of {SESSIONS - excused} sessions"
    return _is(grade.score, 100 * attended / due) and said.holds(grade, words)


def _assignment_is_right(grade: lms.Grade, deeds: Deeds, user_id: str, said: _Said) -> bool:
    """An assignment counts as due once it is confirmed or, some time after its last day, a worker has noted that."""
    weeks = deeds.confirmed[user_id]
    noted: tuple[set[int], ...] = (set(), {1}, {1, 2})
    scores = [100 * len(weeks) / len(weeks | over) for over in noted]
    if user_id == deeds.overridden:
        scores = [OVERRIDE]
    return any(_is(grade.score, score) for score in scores) and said.holds(grade, f"{len(weeks)} of ")


def _is(score: float | None, expected: float) -> bool:
    return score is not None and abs(score - expected) < 0.01


def _graded(column: dict[str, lms.Grade], deeds: Deeds) -> int:
    return sum(column[user_id].score is not None for user_id in deeds.confirmed)


def table(result: list[Line], family: str) -> Table:
    """The lines as people read them."""
    where = "" if family == "standard" else f" on {family.capitalize()}"
    drawn = Table(f"What happened{where}", "found", "expected", "", box=None, pad_edge=False)
    for line in result:
        drawn.add_row(line.what, str(line.found), str(line.expected), "✓" if line.holds else "WRONG")
    return drawn
