"""What pages say of the hours at which cohorts meet: on the program's clocks, and on how many answers they rest."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lti_tool.cohorts import people, words
from lti_tool.cohorts.hours import Hours, Offer, Shared
from lti_tool.cohorts.proposing import Draft
from lti_tool.cohorts.queries import CohortMembers
from lti_tool.cohorts.tables import Cohort
from lti_tool.cohorts.wishes import Rules
from lti_tool.cohorts.words import _, ngettext
from lti_tool.programs.schedule import WeeklyHour
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

HALF = 0.5
MOST_DECIDING = 4
"""Of more people nobody would be placed without their hours at once."""
FEW_HOURS = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """A cohort's hour as it can be chosen. `known` says how many have told when they are free (`is_few`: fewer than
    half), `remarks` (status and sentence) what is worth knowing; `options` are pairs of value and text, the program's
    time first.
    """

    title: str
    known: str
    is_few: bool
    remarks: list[tuple[str, str]]
    field: str
    options: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Choosing:
    """The hours of all cohorts of a draft. `worse` says which are to meet at an hour that suits fewer than another,
    `shared` which are to meet at once.
    """

    choices: list[Choice]
    worse: str | None
    shared: list[str]


@dataclass(frozen=True, slots=True)
class Deciding:
    """The few people by whose hours alone many others would meet, as they are called, and with when they are free;
    `relax` is what places them without their hours (see `relaxing`).
    """

    names: str
    told: str
    relax: str


def choosing(session: Session, program: Program, draft: Draft, *, best: bool) -> Choosing:
    """When the cohorts of a draft could meet.

    With `best`, and where the rules ask for hours in common, the hour that suits most is chosen beforehand, else the
    program's time, which people may know already.
    """
    cohorts = [[int(person) for person in members] for members in draft.cohorts]
    hours = Hours.of(session, program, draft.rules, [person for members in cohorts for person in members])
    names = people.labels(people.everybody(session, program.course_id))
    choices, worse, at_once = [], [], dict[WeeklyHour, list[str]]()
    for position, members in enumerate(cohorts):
        title, suiting = words.cohort(position), hours.best(members)
        asked = hours.shared(members).best.hour if draft.rules.common_slots else hours.own
        chosen = suiting if best else asked
        choices.append(_choice(title, hours, {p: names[str(p)] for p in members}, chosen, f"hour-{position}"))
        worse += [title] if chosen != suiting else []
        at_once.setdefault(chosen, []).append(title)
    return Choosing(choices, _worse(worse), _at_once(at_once))


def _choice(title: str, hours: Hours, called: Mapping[int, str], chosen: WeeklyHour, field: str) -> Choice:
    shared = hours.shared(called)
    return Choice(
        title=title,
        known=_known(shared),
        is_few=_is_few(shared),
        remarks=_remarks(shared, hours, called, chosen) + _missing(hours, chosen, called),
        field=field,
        options=_options(shared, hours, called),
        chosen=str(chosen),
    )


def _worse(titles: Sequence[str]) -> str | None:
    if not titles:
        return None
    return ngettext(
        "%(cohorts)s could meet at an hour that suits more people.",
        "%(cohorts)s could meet at hours that suit more people.",
        len(titles),
        cohorts=words.listed(titles),
    )


def _at_once(titles: Mapping[WeeklyHour, Sequence[str]]) -> list[str]:
    return [
        _(
            "%(cohorts)s meet at the same time, %(hour)s: nobody can facilitate two of them.",
            cohorts=words.listed(cohorts),
            hour=words.hour(hour),
        )
        for hour, cohorts in titles.items()
        if len(cohorts) > 1
    ]


def standing(cohort: Cohort, hours: Hours, members: Sequence[Person]) -> Choice:
    """When a published cohort meets, who cannot come then, and when else it could."""
    called = {person.id: person.name for person in members}
    shared, hour = hours.shared(called), cohort.hour or hours.own
    busy = _named(called, hours.busy(hour, called))
    options = _options(shared, hours, called)
    key = str(hour)
    if key not in dict(options):
        options.append((key, words.hour(hour)))
    return Choice(
        title=words.hour(hour),
        known=_known(shared),
        is_few=_is_few(shared),
        remarks=([("risk", _not_free(busy, shared.answered))] if busy else []) + _missing(hours, hour, called),
        field="hour",
        options=options,
        chosen=key,
    )


def _named(called: Mapping[int, str], chosen: Collection[int]) -> list[str]:
    return [name for person, name in called.items() if person in chosen]


def _missing(hours: Hours, hour: WeeklyHour, called: Mapping[int, str]) -> list[tuple[str, str]]:
    """Who was placed without their hours and cannot come."""
    missing = hours.missing(hour, called)
    if not missing:
        return []
    text = ngettext(
        "%(names)s cannot come then, and was placed without their hours.",
        "%(names)s cannot come then, and were placed without their hours.",
        len(missing),
        names=words.listed([free_only(hours, person, called[person]) for person in missing]),
    )
    return [("risk", text)]


def free_only(hours: Hours, person: int, name: str) -> str:
    """A name, with the hours of somebody who has very few."""
    free = hours.free_hours(person)
    if not 0 < len(free) <= FEW_HOURS:
        return name
    return _("%(name)s (free %(hours)s only)", name=name, hours=words.listed([words.hour(hour) for hour in free]))


def _known(shared: Shared) -> str:
    if not shared.answered + shared.exempt:
        return _("Nobody has said when they are free.")
    text = _("All have said when they are free.")
    if shared.silent:
        text = ngettext(
            "%(answered)s of %(people)s people have said when they are free; %(num)s has not.",
            "%(answered)s of %(people)s people have said when they are free; %(num)s have not.",
            shared.silent,
            answered=shared.answered + shared.exempt,
            people=shared.everybody,
        )
    if not shared.exempt:
        return text
    not_counted = _("The hours of %(num)s of them do not count.", num=shared.exempt)
    return f"{text} {not_counted}"


def _remarks(shared: Shared, hours: Hours, called: Mapping[int, str], chosen: WeeklyHour) -> list[tuple[str, str]]:
    """Whom the hour that is chosen beforehand suits, and which one suits more."""
    if not shared.answered or not shared.own.of:
        return []
    busy = _named(called, hours.busy(chosen, called))
    if not busy:
        return [("good", _suits_all(shared))] if chosen == shared.own.hour else []
    if not shared.is_none:
        start = _suits_some(shared, chosen, len(busy))
    elif chosen == shared.own.hour:
        start = _("No hour suits all who have said, so the program's time stays.")
    else:
        start = _("No hour suits all who have said; %(hour)s suits most.", hour=words.hour(chosen))
    return [("risk", f"{start} {_not_free(busy, shared.answered)}")]


def _suits_all(shared: Shared) -> str:
    if shared.exempt:
        return _("The program's time suits all whose hours count.")
    return _("The program's time suits all who have said.")


def _suits_some(shared: Shared, chosen: WeeklyHour, busy: int) -> str:
    offer = next((offer for offer in (shared.own, *shared.offers) if offer.hour == chosen), shared.own)
    if offer.sessions:
        return _(
            "%(hour)s suits all in %(some)s of %(count)s sessions, since clocks change.",
            hour=words.hour(chosen),
            some=offer.sessions,
            count=offer.of,
        )
    some, count = shared.answered - busy, shared.answered
    if chosen == shared.own.hour:
        return _("The program's time suits %(some)s of %(num)s.", some=some, num=count)
    return _("%(hour)s suits %(some)s of %(num)s.", hour=words.hour(chosen), some=some, num=count)


def _is_few(shared: Shared) -> bool:
    return 0 < shared.answered < HALF * shared.people


def _not_free(names: Sequence[str], answered: int) -> str:
    """Who cannot come, of those who have said when they are free."""
    if len(names) == answered:
        return _("Nobody who has said is free then.")
    return ngettext(
        "%(names)s is not free then.", "%(names)s are not free then.", len(names), names=words.listed(names)
    )


def _options(shared: Shared, hours: Hours, members: Collection[int]) -> list[tuple[str, str]]:
    """The program's time and those that suit all; where there is none, those that suit most."""
    suits = ""
    if shared.own.sessions:
        suits = _suits(shared.own, shared.answered)
    elif shared.own.of and shared.answered:
        coming = shared.answered - len(hours.busy(shared.own.hour, members))
        suits = _(", suits %(some)s of %(num)s", some=coming, num=shared.answered)
    # What it suits comes first: a phone may have no room for all of it.
    own = _("%(hour)s, the program's time", hour=words.hour(shared.own.hour) + suits)
    offers = [(str(offer.hour), words.hour(offer.hour) + _suits(offer, shared.answered)) for offer in shared.offers]
    if shared.is_none:
        most, count = hours.suiting_most(members)
        text = _(", suits %(some)s of %(num)s", some=count, num=shared.answered)
        offers = [(str(hour), words.hour(hour) + text) for hour in most]
    return [(str(shared.own.hour), own), *offers]


def _suits(offer: Offer, answered: int) -> str:
    text = _(", suits all %(num)s", num=answered)
    if offer.is_whole:
        return text
    return text + _(" in %(some)s of %(count)s sessions (clocks change)", some=offer.sessions, count=offer.of)


def titles(rules: Rules, shared: Sequence[Shared]) -> list[str]:
    """What the cohorts of a draft are called, with the hour that is proposed where hours in common were asked for."""
    names = [words.cohort(position) for position in range(len(shared))]
    if not rules.common_slots:
        return names
    return [
        f"{name} · {words.hour(one.best.hour)}" if one.is_any else name
        for name, one in zip(names, shared, strict=True)
    ]


def facts(rules: Rules, shared: Shared) -> list[str]:
    """On how many answers the hours of a draft's cohort rest, where hours in common were asked for."""
    if not rules.common_slots or not shared.silent:
        return []
    known = shared.answered + shared.exempt
    return [_("hours known of %(answered)s of %(people)s", answered=known, people=shared.everybody)]


def warnings(rules: Rules, hours: Hours, cohorts: Sequence[Collection[int]], names: words.Names) -> list[str]:
    """Where hours in common were asked for: which cohorts have none, whose rest on the answers of a few, and who was
    placed without their hours and cannot come.
    """
    if not rules.common_slots:
        return []
    found = []
    for position, members in enumerate(cohorts):
        one = hours.shared(members)
        if one.is_none:
            name = words.cohort(position)
            found.append(_("%(cohort)s: no hour suits all who have said when they are free.", cohort=name))
        elif _is_few(one):
            found.append(_few(words.cohort(position), one))
        if one.is_any and not one.best.is_whole:
            found.append(
                _(
                    "%(cohort)s: its hour suits all in %(some)s of %(count)s sessions, since clocks change.",
                    cohort=words.cohort(position),
                    some=one.best.sessions,
                    count=one.best.of,
                )
            )
        called = {person: names[str(person)] for person in members}
        found += [
            f"{_meets(words.cohort(position), one.best.hour)} {text}"
            for _tone, text in _missing(hours, one.best.hour, called)
        ]
    return found


def deciding(rules: Rules, hours: Hours, cohorts: Sequence[Collection[int]], names: words.Names) -> Deciding | None:
    """Who leaves hardly an hour to cohorts of which more than half have said nothing; None where nobody does, or too
    many to be placed without their hours at once.
    """
    if not rules.common_slots:
        return None
    found: list[int] = []
    for members in cohorts:
        shared = hours.shared(members)
        if len(found) <= MOST_DECIDING and _is_few(shared) and 0 < len(shared.offers) <= FEW_HOURS:
            found += hours.deciding(members)
    if not 0 < len(found) <= MOST_DECIDING:
        return None
    return Deciding(
        names=words.listed([names[str(person)] for person in found]),
        told=words.listed([free_only(hours, person, names[str(person)]) for person in found]),
        relax=json.dumps({"any_time": found}),
    )


def _few(cohort: str, shared: Shared) -> str:
    return ngettext(
        "%(cohort)s: its common hours are those of %(answered)s of %(people)s people; %(num)s has not said.",
        "%(cohort)s: its common hours are those of %(answered)s of %(people)s people; %(num)s have not said.",
        shared.silent,
        cohort=cohort,
        answered=shared.answered,
        people=shared.everybody,
    )


def unsuited(hours: Hours, entries: Sequence[CohortMembers]) -> list[str]:
    """Which published cohorts meet when some of their people are not free."""
    found = []
    for entry in entries:
        hour = entry.cohort.hour or hours.own
        called = {person.id: person.name for person in entry.members}
        busy = _named(called, hours.busy(hour, called))
        answered = sum(person in hours.free for person in called)
        texts = [_not_free(busy, answered)] if busy else []
        texts += [text for _tone, text in _missing(hours, hour, called)]
        if texts:
            found.append(" ".join([_meets(_("Cohort %(name)s", name=entry.cohort.name), hour), *texts]))
    return found


def _meets(cohort: str, hour: WeeklyHour) -> str:
    return _("%(cohort)s meets %(hour)s.", cohort=cohort, hour=words.hour(hour))
