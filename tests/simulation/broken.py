"""Workers with one fault each, to show that the simulation finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from lti_tool.gradebook import steps
from lti_tool.gradebook.events import Declined, Event, Facts, Prepare, PutOff, Taken
from lti_tool.gradebook.steps import Stepped

REAL = dict(steps.RULES)


@dataclass(frozen=True, slots=True)
class Broken:
    """`breaks` puts the fault in; `promise` is part of what the simulation says of it."""

    name: str
    promise: str
    breaks: Callable[[pytest.MonkeyPatch], None]


def _rule(event: type, rule: Callable[[Facts, Event], Stepped]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setitem(steps.RULES, event, rule)


def _forgets_what_it_tries(facts: Facts, event: Event) -> Stepped:
    after, actions = REAL[Prepare](facts, event)
    return replace(after, trying=None), actions


def _takes_the_wish_for_what_was_sent(facts: Facts, event: Event) -> Stepped:
    after, actions = REAL[Taken](facts, event)
    return replace(after, sent=after.wanted), actions


def _takes_silence_for_success(facts: Facts, event: Event) -> Stepped:
    after, actions = REAL[PutOff](facts, event)
    return (replace(after, sent=after.trying, trying=None) if after.trying else after), actions


def _stops_for_an_old_wish(facts: Facts, event: Event) -> Stepped:
    assert isinstance(event, Declined)
    return REAL[Declined](facts, replace(event, message=facts.wanted))


def _believes_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(steps, "step", lambda facts, event: steps.RULES[type(event)](facts, event))


def _never_looks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(steps, "must_look", lambda _facts, _now: False)


def _tells_the_time_by_its_clock(patch: pytest.MonkeyPatch) -> None:
    def clock_alone(now: datetime, *_earlier: datetime | None) -> datetime:
        return now

    patch.setattr(steps, "next_timestamp", clock_alone)


BROKEN = (
    Broken("never looks before it sends", "was not read since", _never_looks),
    Broken("forgets what it tries", "is held where the LMS shows our own", _rule(Prepare, _forgets_what_it_tries)),
    Broken("tells the time by its clock alone", "do not rise", _tells_the_time_by_its_clock),
    Broken(
        "takes the present wish for what was sent",
        "the LMS shows",
        _rule(Taken, _takes_the_wish_for_what_was_sent),
    ),
    Broken("takes silence for success", "the LMS shows", _rule(PutOff, _takes_silence_for_success)),
    Broken("stops when an old wish is declined", "but the LMS shows", _rule(Declined, _stops_for_an_old_wish)),
    Broken("believes a worker that lost its lease", "was not read since", _believes_everybody),
)
