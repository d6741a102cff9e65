"""What pages say of the hours at which cohorts meet: on the program's clocks, and on how many answers they rest."""

from __future__ import annotations

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
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

HALF = 0.5


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


def choices(session: Session, program: Program, draft: Draft) -> list[Choice]:
    """For each cohort of a draft when it could meet.

    Where the rules ask for hours in common the best one is chosen beforehand, else the program's time, which people
    may know already.
    """
    cohorts = [[int(person) for person in members] for members in draft.cohorts]
    hours = Hours.of(session, program, draft.rules, [person for members in cohorts for person in members])
    names = people.labels(people.everybody(session, program.course_id))
    found = []
    for position, members in enumerate(cohorts):
        shared = hours.shared(members)
        called = {person: names[str(person)] for person in members}
        chosen = shared.best if draft.rules.common_slots else shared.own
        found.append(
            Choice(
                title=words.cohort(position),
                known=_known(shared),
                is_few=_is_few(shared),
                remarks=_remarks(shared, _named(called, hours.busy(hours.own, members))) + _exempt(hours, called),
                field=f"hour-{position}",
                options=_options(shared, hours, members),
                chosen=str(chosen.hour),
            )
        )
    return found


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
        remarks=([("risk", _not_free(busy, shared.answered))] if busy else []) + _exempt(hours, called),
        field="hour",
        options=options,
        chosen=key,
    )


def _named(called: Mapping[int, str], chosen: Collection[int]) -> list[str]:
    return [name for person, name in called.items() if person in chosen]


def _exempt(hours: Hours, called: Mapping[int, str]) -> list[tuple[str, str]]:
    """Whom the hours of a cohort leave out."""
    exempt = _named(called, hours.exempt)
    if not exempt:
        return []
    text = ngettext(
        "%(names)s was placed without their hours, which do not count here.",
        "%(names)s were placed without their hours, which do not count here.",
        len(exempt),
        names=words.listed(exempt),
    )
    return [("held", text)]


def _known(shared: Shared) -> str:
    if not shared.answered:
        return _("Nobody has said when they are free.")
    if shared.answered == shared.people:
        return _("All have said when they are free.")
    silent = shared.people - shared.answered
    return ngettext(
        "%(answered)s of %(people)s people have said when they are free; %(num)s has not.",
        "%(answered)s of %(people)s people have said when they are free; %(num)s have not.",
        silent,
        answered=shared.answered,
        people=shared.people,
    )


def _remarks(shared: Shared, busy: Sequence[str]) -> list[tuple[str, str]]:
    if not shared.answered:
        return []
    if shared.own.is_whole:
        return [("good", _("The program's time suits all who have said."))]
    if shared.is_none:
        text = _("No hour suits all who have said, so the program's time stays.")
        return [("risk", f"{text} {_not_free(busy, shared.answered)}")]
    return []


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
    own = _("%(hour)s, the program's time", hour=words.hour(shared.own.hour))
    if shared.own.sessions:
        own += _suits(shared.own, shared.answered)
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
    if not rules.common_slots or shared.answered == shared.people:
        return []
    return [_("hours known of %(answered)s of %(people)s", answered=shared.answered, people=shared.people)]


def warnings(rules: Rules, shared: Sequence[Shared]) -> list[str]:
    """Where hours in common were asked for: which cohorts have none, and whose rest on the answers of a few."""
    if not rules.common_slots:
        return []
    found = []
    for position, one in enumerate(shared):
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
    return found


def _few(cohort: str, shared: Shared) -> str:
    return ngettext(
        "%(cohort)s: its common hours are those of %(answered)s of %(people)s people; %(num)s has not said.",
        "%(cohort)s: its common hours are those of %(answered)s of %(people)s people; %(num)s have not said.",
        shared.people - shared.answered,
        cohort=cohort,
        answered=shared.answered,
        people=shared.people,
    )


def unsuited(rules: Rules, hours: Hours, entries: Sequence[CohortMembers]) -> list[str]:
    """Which published cohorts meet when some of their people are not free, where anybody chose by that."""
    found = []
    for entry in entries:
        hour = entry.cohort.hour or hours.own
        busy = hours.busy(hour, [person.id for person in entry.members])
        if busy and (rules.common_slots or entry.cohort.hour):
            answered = sum(person.id in hours.free for person in entry.members)
            who = _not_free([person.name for person in entry.members if person.id in busy], answered)
            name = _("Cohort %(name)s", name=entry.cohort.name)
            found.append(_("%(cohort)s meets %(hour)s. %(who)s", cohort=name, hour=words.hour(hour), who=who))
    return found
