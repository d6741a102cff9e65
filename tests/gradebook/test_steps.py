"""What goes wrong twice: an answer is lost, and the next attempt fails too. No grade is lost or called a person's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lti_tool.gradebook.events import (
    Declined,
    Facts,
    Lease,
    Look,
    OwnersEvent,
    Passage,
    Prepare,
    Problem,
    PutOff,
    Send,
    SendOurs,
    Unsent,
    Wish,
)
from lti_tool.gradebook.states import NOTHING, Message, Shown, State, state_of
from lti_tool.gradebook.steps import SETTLED, step
from lti_tool.lti.grades import Activity, Grading

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
NO_ANSWER = Problem("no answer")


def graded(score: float, comment: str = "c") -> Message:
    return Message(score, comment, Activity.IN_PROGRESS, Grading.FULLY_GRADED)


PENDING = Message(None, "2 of 8 done", Activity.IN_PROGRESS, Grading.PENDING)


def shown(score: float | None, comment: str | None = None, *, hides_nought: bool = False) -> Shown:
    return Shown(score, comment, None, 0.0051, hides_nought)


def leased(facts: Facts, at: datetime) -> Facts:
    return step(facts, Lease("worker", at + timedelta(seconds=100)))[0]


def attempt(facts: Facts, at: datetime, seen: Shown | None) -> tuple[Facts, Send]:
    """A worker looks, and is about to send."""
    prepared, actions = step(leased(facts, at), Prepare("worker", at, Look(seen)))
    (send,) = [action for action in actions if isinstance(action, Send)]
    return prepared, send


def unanswered(facts: Facts, at: datetime, seen: Shown | None = None) -> Facts:
    """A worker sends, and no answer comes."""
    prepared, _send = attempt(facts, at, seen)
    return step(prepared, PutOff("worker", NO_ANSWER, at))[0]


def read(facts: Facts, at: datetime, seen: Shown | None) -> State:
    """The state that an instructor sees once the LMS was read."""
    return state_of(step(facts, Passage(seen, at, at, at))[0].values)


def _unsent(send: Send) -> OwnersEvent:
    return Unsent("worker", send.before)


def _declined(send: Send) -> OwnersEvent:
    return Declined("worker", send.message, send.before, Problem("no", "refused-422"))


@pytest.mark.parametrize("fails", [_unsent, _declined])
def test_a_grade_that_arrives_late_is_ours_even_if_the_next_attempt_was_refused(fails: object) -> None:
    """A slow LMS stores what it was sent after we have looked in vain and tried again."""
    assert callable(fails)
    lost = unanswered(Facts(graded(50)), NOW)
    prepared, send = attempt(lost, NOW + timedelta(seconds=3), None)
    failed = step(prepared, fails(send))[0]
    assert read(step(failed, Wish(graded(100), LATER))[0], LATER, shown(50, "c")) is State.ON_ITS_WAY


def test_nothing_else_is_sent_while_an_earlier_grade_may_still_arrive() -> None:
    lost = replace(unanswered(Facts(graded(50)), NOW), wanted=graded(100))
    soon, too_soon = step(leased(lost, NOW), Prepare("worker", NOW + timedelta(seconds=3), Look(None)))
    assert too_soon == ()
    assert soon.try_at is not None
    assert soon.try_at <= NOW + timedelta(seconds=3) + SETTLED
    assert attempt(lost, NOW + SETTLED, None)[1].message == graded(100)


def test_the_same_grade_is_sent_again_at_once() -> None:
    lost = unanswered(Facts(graded(50)), NOW)
    assert attempt(lost, NOW + timedelta(seconds=3), None)[1].message == graded(50)


def test_a_worker_that_slept_through_its_lease_neither_sends_nor_believes_what_it_had_looked_up() -> None:
    facts = leased(Facts(graded(50)), NOW)
    after, actions = step(facts, Prepare("worker", LATER, Look(None)))
    assert actions == ()
    assert after.shown_at is None


def test_a_grade_of_nought_is_not_held_because_a_comment_stood_there_alone() -> None:
    """Where the LMS leaves out a nought, a row without a score may be our comment from before there was a score."""
    facts = Facts(graded(0, "0 of 8 sessions"), sent=PENDING)
    assert read(facts, NOW, shown(None, PENDING.comment, hides_nought=True)) is State.ON_ITS_WAY


def test_our_own_nought_is_known_by_its_comment() -> None:
    facts = unanswered(Facts(graded(0, "0 of 8 sessions")), NOW)
    assert read(facts, LATER, shown(None, "0 of 8 sessions", hides_nought=True)) is State.TRUE


def test_a_nought_that_a_person_cleared_is_theirs_where_the_lms_would_have_shown_it() -> None:
    facts = Facts(graded(0), sent=graded(0), sent_at=NOW)
    assert read(facts, LATER, shown(None)) is State.HELD


def test_a_grade_that_we_cleared_ourselves_is_not_taken_for_cleared_by_a_person() -> None:
    """The answer to the clearing was lost, and the grade that followed never left."""
    cleared = unanswered(Facts(NOTHING, sent=graded(80)), NOW, shown(80, "c"))
    prepared, send = attempt(replace(cleared, wanted=graded(90)), LATER, None)
    again = step(prepared, Unsent("worker", send.before))[0]
    assert read(again, LATER + timedelta(minutes=5), None) is State.ON_ITS_WAY


def test_a_comment_that_the_lms_hides_is_sent_again_if_it_may_have_been_lost() -> None:
    lost = unanswered(Facts(NOTHING, sent=PENDING), NOW, shown(None))
    wants_it_back = replace(lost, wanted=PENDING)
    assert read(wants_it_back, LATER, shown(None)) is State.ON_ITS_WAY


def test_a_decision_about_a_grade_that_nobody_set_does_not_make_ours_a_persons() -> None:
    """What the instructor saw was old; the LMS shows what we sent."""
    stale = Facts(graded(80), sent=graded(80), shown=None, shown_at=NOW)
    decided = step(stale, SendOurs(NOW))[0]
    assert read(replace(decided, wanted=graded(90)), LATER, shown(80, "c")) is State.ON_ITS_WAY
