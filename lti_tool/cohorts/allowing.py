"""What the data allow, said before anybody searches: which sizes fit, what is not known, who can meet with nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from lti_tool.cohorts.people import Attribute, Slots
from lti_tool.cohorts.refusals import Way
from lti_tool.cohorts.wishes import LARGEST, SMALLEST
from lti_tool.cohorts.words import _, listed, ngettext, slot
from lti_tool.roster.tables import Person

MOST_SIZES = 5
MOST_HOURS = 3
HALF = 0.5

Tone = Literal["none", "risk", "need"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the data say: worth knowing (none), a limit (risk), or what makes cohorts impossible (need).

    `way` is what can be done about it at once.
    """

    tone: Tone
    text: str
    way: Way | None = None


def sizes(count: int, low: int, high: int) -> list[Fact]:
    """Into which cohorts of `low` to `high` people so many people fit."""
    fitting = range(-(-count // high), count // low + 1)
    if not fitting:
        return [Fact("need", no_sizes(count, low, high))]
    told = [_cohorts_of(count, cohorts) for cohorts in fitting[:MOST_SIZES]]
    more = [_("smaller ones")] if len(fitting) > MOST_SIZES else []
    return [Fact("none", _("These people fit into %(ways)s.", ways=_either([*told, *more])))]


def no_sizes(count: int, low: int, high: int) -> str:
    """That so many people fit into no number of cohorts of these sizes, and which sizes would do."""
    text = _("%(n)s people do not fit into cohorts of %(low)s to %(high)s.", n=count, low=low, high=high)
    if low == high:
        text = _("%(n)s people do not fit into cohorts of %(size)s.", n=count, size=low)
    more, fewer = other_sizes(count, low)
    ways = [_("up to %(n)s people", n=more)] if more else []
    ways += [_("as few as %(n)s", n=fewer)] if fewer else []
    return " ".join([text, *([_("Allow %(ways)s in a cohort.", ways=_either(ways))] if ways else [])])


def other_sizes(count: int, low: int) -> tuple[int | None, int | None]:
    """The nearest larger and smaller size that would do where so many people fit into no number of cohorts."""
    cohorts = count // low
    more = -(-count // cohorts) if cohorts else 0
    fewer = count // (cohorts + 1)
    return more if 0 < more <= LARGEST else None, fewer if fewer >= SMALLEST else None


def _cohorts_of(count: int, cohorts: int) -> str:
    share, rest = divmod(count, cohorts)
    of = _("%(low)s or %(high)s", low=share, high=share + 1) if rest else str(share)
    return ngettext("%(num)s cohort of %(of)s", "%(num)s cohorts of %(of)s", cohorts, of=of)


def _either(ways: Sequence[str]) -> str:
    if len(ways) < 2:
        return "".join(ways)
    return _("%(first)s, or %(last)s", first=", ".join(ways[:-1]), last=ways[-1])


def attribute(known: Attribute, count: int) -> Fact:
    """How much can be done with an attribute of so many people."""
    values, missing = Counter(known.values.values()), count - len(known.values)
    if len(values) == 1 and not missing:
        return Fact("risk", _("one value for everybody: nothing to choose by"))
    text = _shown(values)
    if not missing:
        return Fact("none", text)
    unknown = ngettext("not known of %(num)s person", "not known of %(num)s people", missing)
    if missing >= HALF * count:
        half = _("half or more have none") if missing > HALF * count else _("half have none")
        return Fact("risk", f"{text} · {half}")
    return Fact("none", f"{text} · {unknown}")


def _shown(values: Mapping[str, int]) -> str:
    if len(values) <= 4:
        (most, count), *others = sorted(values.items(), key=lambda v: (-v[1], v[0]))
        first = ngettext("%(value)s (%(num)s person)", "%(value)s (%(num)s people)", count, value=most)
        return ", ".join([first, *(f"{value} ({times})" for value, times in others)])
    return ngettext("%(num)s value", "%(num)s values", len(values))


def slots(people: Sequence[Person], known: Slots, day: date, zone: str, exempt: Collection[int] = ()) -> list[Fact]:
    """Who has said when they can meet, who could meet with nobody, and when most could, on the clocks of `zone` in
    the week of `day`. The hours of those in `exempt` do not count already.
    """
    if not known:
        return []
    named = Counter(slot for own in known.values() for slot in set(own))
    answered = [person for person in people if person.id in known]
    best = sorted(named.items(), key=lambda item: (-item[1], item[0]))[:MOST_HOURS]
    strangers = [person for person in answered if all(named[slot] < 2 for slot in known[person.id])]
    hours = ", ".join(f"{slot(text, day, zone)} ({times})" for text, times in best)
    text = _("Most can meet at: %(hours)s. These are times on the clocks of %(zone)s.", hours=hours, zone=zone)
    found = [Fact("none", text)] if hours else []
    silent = len(people) - len(answered)
    if silent:
        found.append(
            Fact(
                "risk" if silent >= HALF * len(people) else "none",
                ngettext(
                    "%(num)s person has not said when they can meet and counts as free at any time.",
                    "%(num)s people have not said when they can meet and count as free at any time.",
                    silent,
                ),
            )
        )
    if strangers:
        found.append(
            Fact(
                "risk",
                ngettext(
                    "%(num)s person has no hour in common with anyone: %(names)s.",
                    "%(num)s people have no hour in common with anyone: %(names)s.",
                    len(strangers),
                    names=listed([person.name for person in strangers]),
                ),
                _placed_anyway([person for person in strangers if person.id not in exempt]),
            )
        )
    return found


def _placed_anyway(people: Sequence[Person]) -> Way | None:
    if not people:
        return None
    label = _("Place %(people)s without their hours", people=listed([person.name for person in people]))
    return Way(label, "without", " ".join(str(person.id) for person in people))
