"""What happened in a demonstration: counts as found, beside those that the robots' own deeds make necessary."""

from __future__ import annotations

from collections.abc import Iterable
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
    sessions, assignments, completion = (
        book[label] for label in ("sessions attended", "micro-assignments", "program completion")
    )
    return [
        Line("people launched Peerloop", deeds.launches, len(learners) + 2),
        Line("learners placed in cohorts", deeds.placed, len(learners)),
        Line("cohorts published", deeds.cohorts, 5),
        Line("sessions held and closed", deeds.sessions_closed, 3 * 5),
        Line("assignments handed in", sum(deeds.handed_in.values()), _hand_ins(learners)),
        Line("columns in the LMS's gradebook", len(book), 3),
        Line(
            "learners whose sessions are right in the LMS", _right_sessions(sessions, deeds, learners), len(learners)
        ),
        # Chance may leave somebody without a confirmed assignment, and then there is nothing to tell yet.
        Line("learners whose assignments are in the LMS", _told(assignments, deeds.credited), len(deeds.credited)),
        Line("assignments confirmed, by the LMS's comments", _done(assignments, learners), deeds.confirmations),
        Line("learners whose completion is in progress", _told(completion, learners), len(learners)),
        Line("grades that a person set, kept in the LMS", int(assignments[deeds.overridden].score == OVERRIDE), 1),
    ]


def _hand_ins(learners: list[str]) -> int:
    return sum(
        (number + week) % 9 != 0 and not (week == 3 and number == 0)
        for week in (1, 2, 3)
        for number in range(len(learners))
    )


def _right_sessions(column: dict[str, lms.Grade], deeds: Deeds, learners: list[str]) -> int:
    return sum(_session_is_right(column[user_id], deeds, user_id) for user_id in learners)


def _session_is_right(grade: lms.Grade, deeds: Deeds, user_id: str) -> bool:
    attended, due = deeds.attended[user_id], deeds.sessions_due[user_id]
    excused = 3 - due
    score = 100 * attended / due
    said = f"{attended} of {SESSIONS - excused} sessions"
    return grade.score is not None and abs(grade.score - score) < 0.01 and grade.comment.startswith(said)


def _told(column: dict[str, lms.Grade], learners: Iterable[str]) -> int:
    return sum(bool(column[user_id].comment) for user_id in learners)


def _done(column: dict[str, lms.Grade], learners: list[str]) -> int:
    return sum(int(column[user_id].comment.split(" ")[0] or 0) for user_id in learners)


def table(result: list[Line]) -> Table:
    """The lines as people read them."""
    drawn = Table("What happened", "found", "expected", "", box=None, pad_edge=False)
    for line in result:
        drawn.add_row(line.what, str(line.found), str(line.expected), "✓" if line.holds else "WRONG")
    return drawn
