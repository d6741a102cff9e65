"""The gradebook's pure rules, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from lti_tool.gradebook import in_flight, retries, wanted
from lti_tool.gradebook.progress import Progress
from lti_tool.gradebook.states import (
    NOTHING,
    Decision,
    Message,
    Shown,
    State,
    Step,
    Values,
    after_reading,
    next_step,
    next_timestamp,
    state_of,
)
from lti_tool.lti.failures import Refused, Retryable, Throttled, Unreadable
from lti_tool.lti.grades import Activity, Grading

NOW = datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)


def graded(score: float, comment: str = "c") -> Message:
    return Message(score, comment, Activity.IN_PROGRESS, Grading.FULLY_GRADED)


def shown(score: float | None, comment: str | None = "c", tolerance: float = 0.0051) -> Shown:
    return Shown(score, comment, None, tolerance)


PENDING = Message(None, "2 of 16 done", Activity.IN_PROGRESS, Grading.PENDING)
SENT = Values(wanted=graded(80), sent=graded(80))
READ = replace(SENT, read=True, shown=80.0, shown_comment="c")


@pytest.mark.parametrize(
    ("progress", "score", "comment", "activity"),
    [
        (None, None, None, Activity.INITIALIZED),
        (Progress(0, 0, 8), None, None, Activity.INITIALIZED),
        (Progress(0, 1, 8), 0, "0 of 8 sessions", Activity.IN_PROGRESS),
        (Progress(3, 3, 8), 100, "3 of 8 sessions", Activity.IN_PROGRESS),
        (Progress(2, 3, 8), 66.67, "2 of 8 sessions", Activity.IN_PROGRESS),
        (Progress(5, 8, 8), 62.5, "5 of 8 sessions", Activity.COMPLETED),
        (Progress(7, 7, 7), 100, "7 of 7 sessions", Activity.COMPLETED),
    ],
)
def test_a_score_is_what_was_earned_over_what_was_due_so_far(
    app: Flask, progress: Progress | None, score: float | None, comment: str | None, activity: Activity
) -> None:
    with app.test_request_context():
        message = wanted.measured(progress, "sessions")
    assert (message.score, message.comment, message.activity) == (score, comment, activity)
    assert message.visible == score


@pytest.mark.parametrize(
    ("parts", "over", "score", "activity", "grading"),
    [
        ([], False, None, Activity.INITIALIZED, Grading.NOT_READY),
        ([Progress(0, 0, 8), Progress(0, 0, 8)], False, None, Activity.INITIALIZED, Grading.NOT_READY),
        ([Progress(0, 0, 8)], True, None, Activity.INITIALIZED, Grading.NOT_READY),
        ([Progress(3, 3, 8), Progress(2, 3, 8)], False, None, Activity.IN_PROGRESS, Grading.PENDING),
        ([Progress(8, 8, 8), Progress(7, 7, 8)], False, None, Activity.IN_PROGRESS, Grading.PENDING),
        ([Progress(8, 8, 8), Progress(6, 8, 8)], False, 87.5, Activity.COMPLETED, Grading.FULLY_GRADED),
        ([Progress(3, 4, 8), Progress(3, 4, 8)], True, 75, Activity.COMPLETED, Grading.FULLY_GRADED),
    ],
)
def test_completion_is_scored_when_everything_was_due_or_the_program_is_over(
    app: Flask, parts: list[Progress], over: bool, score: float | None, activity: Activity, grading: Grading
) -> None:
    with app.test_request_context():
        message = wanted.completion(parts, over=over)
    assert (message.score, message.activity, message.grading) == (score, activity, grading)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (Values(wanted=NOTHING), State.WAITING),
        (Values(wanted=graded(80)), State.ON_ITS_WAY),
        (SENT, State.TRUE),
        (READ, State.TRUE),
        (replace(READ, wanted=graded(90)), State.ON_ITS_WAY),
        (replace(SENT, wanted=graded(80, "new comment")), State.ON_ITS_WAY),
        (replace(READ, shown=9), State.HELD),
        (replace(READ, shown=0), State.HELD),
        (replace(READ, wanted=graded(9), shown=9), State.TRUE),
        (replace(READ, wanted=graded(9), shown=9, shown_comment="Well done"), State.HELD),
        (replace(READ, trying=graded(90), shown=90, wanted=graded(95)), State.ON_ITS_WAY),
        (Values(wanted=NOTHING, read=True, shown=9), State.HELD),
        (Values(wanted=PENDING, sent=PENDING, read=True, shown=50), State.HELD),
        (Values(wanted=PENDING, sent=PENDING), State.TRUE),
        (replace(READ, shown=9, decision=Decision.KEEP, decided_on=9), State.KEPT),
        (replace(READ, shown=9, decision=Decision.KEEP, decided_on=8), State.HELD),
        (replace(READ, wanted=graded(9), shown=9, decision=Decision.KEEP, decided_on=9), State.KEPT),
        (replace(SENT, trying=graded(90)), State.ON_ITS_WAY),
        (replace(READ, trying=graded(90)), State.TRUE),
        (replace(READ, sent=None, shown=9, decision=Decision.SEND, decided_on=9), State.ON_ITS_WAY),
        (Values(wanted=NOTHING, read=True, shown=9, decision=Decision.SEND, decided_on=9), State.ON_ITS_WAY),
        (replace(READ, shown=10, decision=Decision.SEND, decided_on=9), State.HELD),
        (Values(wanted=graded(80), refused=True), State.REFUSED),
        (replace(SENT, refused=True), State.TRUE),
    ],
)
def test_the_state_of_a_cell_follows_from_its_values(values: Values, state: State) -> None:
    assert state_of(values) is state


def test_a_cell_waits_where_there_is_nowhere_to_send_it() -> None:
    assert state_of(Values(wanted=graded(80)), can_send=False) is State.WAITING
    assert state_of(replace(READ, shown=9), can_send=False) is State.HELD


@pytest.mark.parametrize(
    ("values", "seen", "state"),
    [
        (SENT, None, State.HELD),
        (SENT, shown(None), State.HELD),
        (replace(SENT, wanted=graded(90)), None, State.HELD),
        (replace(SENT, wanted=NOTHING), None, State.TRUE),
        (Values(wanted=PENDING, sent=PENDING), None, State.TRUE),
        (Values(wanted=graded(80)), None, State.ON_ITS_WAY),
        (replace(SENT, trying=NOTHING), None, State.ON_ITS_WAY),
    ],
)
def test_a_grade_that_a_person_cleared_stays_cleared(values: Values, seen: Shown | None, state: State) -> None:
    assert state_of(after_reading(values, seen)) is state


def test_a_grade_of_nought_that_the_lms_leaves_out_is_ours() -> None:
    nought = Values(wanted=graded(50), sent=graded(0))
    assert after_reading(nought, shown(None)).shown == 0
    assert state_of(after_reading(nought, shown(None))) is State.ON_ITS_WAY
    assert state_of(after_reading(nought, None)) is State.HELD


@pytest.mark.parametrize(
    ("comment", "state"),
    [
        ("Well done, Ada", State.HELD),
        ("c", State.ON_ITS_WAY),
        ("<p>c&nbsp;</p>", State.ON_ITS_WAY),
        (None, State.ON_ITS_WAY),
    ],
)
def test_a_comment_that_a_person_wrote_beside_our_grade_is_kept(comment: str | None, state: State) -> None:
    values = replace(SENT, wanted=graded(90, "new"))
    assert state_of(after_reading(values, shown(80, comment))) is state


def test_a_decision_ends_when_the_comment_is_another() -> None:
    kept = replace(READ, shown_comment="Well done", decision=Decision.KEEP, decided_on=80)
    assert state_of(after_reading(kept, shown(80, "Well done"))) is State.KEPT
    assert state_of(after_reading(kept, shown(80, "Very well done"))) is State.HELD


def test_what_a_person_cleared_after_setting_it_is_not_filled_either() -> None:
    assert state_of(after_reading(replace(READ, shown=9), None)) is State.HELD
    kept = replace(READ, shown=9, decision=Decision.KEEP, decided_on=9)
    assert state_of(after_reading(kept, None)) is State.HELD


@pytest.mark.parametrize(
    ("values", "seen", "step"),
    [
        (Values(wanted=graded(80)), None, Step.SEND),
        (Values(wanted=graded(80)), shown(9), Step.HOLD),
        (Values(wanted=graded(80)), shown(80), Step.REST),
        (replace(SENT, wanted=graded(90)), shown(80), Step.SEND),
        (replace(SENT, wanted=graded(90)), shown(None), Step.HOLD),
        (replace(SENT, wanted=graded(90)), shown(70), Step.HOLD),
        (replace(SENT, wanted=graded(90), trying=graded(90)), shown(90), Step.REST),
        (replace(SENT, wanted=graded(90), trying=graded(90)), shown(90, None), Step.REST),
        (replace(SENT, wanted=graded(90), trying=graded(90)), shown(80), Step.SEND),
        (replace(SENT, wanted=graded(95), trying=graded(90)), shown(90), Step.SEND),
        (replace(SENT, wanted=graded(80, "new"), trying=graded(80, "new")), shown(80, "new"), Step.REST),
        (replace(SENT, wanted=graded(80, "new"), trying=graded(80, "new")), shown(80, "c"), Step.SEND),
        (replace(SENT, wanted=graded(80, "new"), trying=graded(80, "new")), shown(80, None), Step.SEND),
        (replace(READ, sent=None, decision=Decision.SEND, decided_on=9, shown=9), shown(9), Step.SEND),
        (replace(READ, sent=None, decision=Decision.SEND, decided_on=9, shown=9), shown(10), Step.HOLD),
        (replace(SENT, sent=None, decision=Decision.SEND, decided_on=9, shown=9), None, Step.SEND),
    ],
)
def test_what_is_done_follows_from_what_the_lms_shows(values: Values, seen: Shown | None, step: Step) -> None:
    assert next_step(after_reading(values, seen)) is step


@pytest.mark.parametrize(("maximum", "persons"), [(100, 66.7), (10, 6.7), (8, 5.4), (1, 0.68)])
def test_rounding_in_the_lms_is_not_taken_for_a_person(maximum: float, persons: float) -> None:
    ours, scale = Values(wanted=graded(66.67), sent=graded(66.67)), 100 / maximum
    rounded = round(66.67 * maximum / 100, 2)
    assert state_of(after_reading(ours, shown(rounded * scale, tolerance=0.0051 * scale))) is State.TRUE
    assert state_of(after_reading(ours, shown(persons * scale, tolerance=0.0051 * scale))) is State.HELD


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, NOW),
        (NOW - timedelta(seconds=2), NOW),
        (NOW - timedelta(milliseconds=600), NOW),
        (NOW - timedelta(milliseconds=400), datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)),
        (NOW, datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)),
        (NOW + timedelta(minutes=5), datetime(2026, 3, 2, 12, 5, 1, tzinfo=UTC)),
    ],
)
def test_times_rise_strictly_and_in_whole_seconds(last: datetime | None, expected: datetime) -> None:
    assert next_timestamp(NOW, last) == expected


def test_waits_grow_with_failures_and_respect_what_the_platform_asks() -> None:
    grown = [max(retries.backoff(attempts) for _ in range(50)) for attempts in (1, 4, 8, 30)]
    assert grown == sorted(grown)
    assert grown[-1] <= retries.LONGEST_SECONDS
    assert retries.wait_after(Throttled("grades", "slow down", retry_after=77), 1) == 77
    assert retries.wait_after(Retryable("grades", "busy", retry_after=77), 1) == 77
    assert retries.wait_after(Refused("grades", "no"), 1) >= retries.BLOCKED_SECONDS


def test_a_single_answer_that_nobody_can_read_does_not_stop_a_column_for_long() -> None:
    assert retries.wait_after(Unreadable("grades", "page 1 is not JSON"), 1) < 10
    assert max(retries.wait_after(Unreadable("grades", "page 1 is not JSON"), 12) for _ in range(50)) > 600


@pytest.mark.parametrize(
    ("excerpt", "words"),
    [
        ('{"error": "not a student"}', "not a student"),
        ('{"message": "no"}', "no"),
        ('{"error": {"code": 5}}', "the LMS refused the request, 422"),
        ("<html>", "the LMS refused the request, 422"),
        ('{"error": "cut o', "the LMS refused the request, 422"),
        ("plain words", "plain words"),
        ("", "the LMS refused the request, 422"),
    ],
)
def test_a_refusal_is_told_in_the_lmss_own_words(app: Flask, excerpt: str, words: str) -> None:
    error = Refused("grades", "the LMS refused the request", status=422, excerpt=excerpt)
    with app.test_request_context():
        assert retries.cell_words(error) == f"The LMS refused this grade: {words}"


def test_calls_run_side_by_side_and_stop_being_started_when_told() -> None:
    items = iter(range(100))
    seen: list[int] = []
    for group in in_flight.groups(items, lambda n: n, 4, lambda: len(seen) < 30):
        assert len(group) > 0
        seen.extend(group)
    rest = list(items)
    assert sorted(seen + rest) == list(range(100))
    assert 30 <= len(seen) <= 30 + in_flight.GROUP + 8
