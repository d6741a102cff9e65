"""What other rooms show, and take down, in the room of a session: each a template with its variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import Flask, current_app
from sqlalchemy.orm import Session

from lti_tool.meetings.tables import Meeting
from lti_tool.roster.tables import Person
from lti_tool.web.visits import Visit


class Place(StrEnum):
    """On whose page a card stands."""

    LEARNER = "learner"
    FACILITATOR = "facilitator"


@dataclass(frozen=True, slots=True)
class Card:
    """A template that finds what it shows in `card.shown`."""

    template: str
    shown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a card is asked for: which session with which people, who looks, and whether its practice is over."""

    meeting: Meeting
    visit: Visit
    people: Sequence[Person]
    practised: bool


# (session, moment) -> a card, or None where there is nothing to show
Show = Callable[[Session, Moment], Card | None]


def register_card(app: Flask, place: Place, show: Show) -> None:
    """Show a card on every session's page of this place."""
    app.extensions.setdefault("room_cards", {}).setdefault(place, []).append(show)


def cards_of(session: Session, place: Place, moment: Moment) -> Sequence[Card]:
    """The cards of a page, in the order of the rooms."""
    shows: Sequence[Show] = current_app.extensions.get("room_cards", {}).get(place, ())
    return [card for show in shows if (card := show(session, moment)) is not None]
