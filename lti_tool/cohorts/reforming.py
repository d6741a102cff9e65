"""Published cohorts formed anew: the ways to go on, and taking one of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.cohorts import acts, people, publishing, refusals, standing, words
from lti_tool.cohorts.acts import Act
from lti_tool.cohorts.bars import Bar
from lti_tool.cohorts.hours import change
from lti_tool.cohorts.measuring import measures
from lti_tool.cohorts.proposing import StaleError, checked, proposal_of, take
from lti_tool.cohorts.publishing import BrokenRulesError
from lti_tool.cohorts.queries import unplaced
from lti_tool.cohorts.standing import Standing
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.cohorts.words import _
from lti_tool.matching import reforming
from lti_tool.matching.reforming import Choice, Reforming
from lti_tool.programs.schedule import WeeklyHour, own_hour
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

SECONDS = 1.5

# person id -> (id of the cohort that they are in, None when they wait; id of the one that they go to)
Moves = Mapping[int, tuple[int | None, int]]


@dataclass(frozen=True, slots=True)
class Compared:
    """A wish, and in words how far it is fulfilled today and would be then."""

    wish: str
    today: str
    then: str


@dataclass(frozen=True, slots=True)
class After:
    """A cohort: its name, its facts today and then (none where it ends), and the parts of its bar then."""

    title: str
    today: str
    then: str | None
    parts: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Held:
    """A cohort that is too small and cannot end, since people are to stay in it."""

    cohort: str
    people: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewHour:
    """An hour that suits all of a cohort then, which its own does not: the cohort's id, the hour, in words.

    `is_asked`: the rules ask for hours in common, so the way rests on it.
    """

    cohort_id: int
    hour: WeeklyHour
    text: str
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One way to go on, in words. `moves` say who goes from where to where, `effect` how the mix compares, `wishes`
    how each wish fares today and then; `proof` whether fewer could move, of a way that moves as few as it can;
    `loosened` which rule it does not keep; `away` who would not be free when their cohort meets, `hours` where
    another hour would suit all.
    """

    title: str
    sizes: str
    effect: str | None
    proof: str | None
    loosened: str | None
    away: list[str]
    hours: list[NewHour]
    wishes: list[Compared]
    cohorts: list[After]
    moves: list[tuple[str, str]]
    sent: Moves


def question(session: Session, program: Program) -> Standing:
    """What a search for ways needs to know, those who wait for a place included."""
    return standing.of(session, program, unplaced(session, program.id))


def search(now: Standing, seed: int = 1) -> Reforming:
    """The ways to go on, each one checked. Takes `SECONDS` at most. Raises CheckFailedError."""
    found = reforming.reform(now.problem, now.members, seed=seed, now=time.monotonic, seconds=SECONDS)
    for choice in found.choices:
        checked(choice.problem, choice.solution.to_json())
    return found


def bar_of(session: Session, program: Program, now: Standing) -> Bar:
    """How the make-up of these cohorts is shown."""
    ids = [int(person.id) for person in now.problem.people]
    rules = standing.rules_of(program, proposal_of(session, program.id))
    return Bar(rules, people.attributes(session, program, ids), ids)


def ways(now: Standing, choices: Sequence[Choice], bar: Bar) -> list[Way]:
    """The choices in words."""
    today = reforming.mix(now.problem, now.members)
    first = {len(choice.kept): choice for choice in reversed(choices)}
    told = [
        _way(now, choice, today, bar, is_first=first[len(choice.kept)] is choice)
        for choice in choices
        if choice.moves
    ]
    return [way for way in told if not any(_is_no_better(way, other) for other in told)]


def _is_no_better(way: Way, other: Way) -> bool:
    """Whether more people move than in another way, for nothing that can be read."""
    same = (way.effect, way.sizes, way.away, way.wishes) == (other.effect, other.sizes, other.away, other.wishes)
    return same and way.effect is not None and len(way.sent) > len(other.sent)


def held(now: Standing, found: Reforming) -> list[Held]:
    """The cohorts that no way ends because of locks, with the people who are locked there, by id and name."""
    return [
        Held(
            now.titled(index),
            sorted(
                ((p, now.names[p]) for p, place in now.problem.locked.items() if place == index), key=itemgetter(1)
            ),
        )
        for index in found.held
    ]


def why_none(now: Standing, found: Reforming) -> list[str]:
    """What prevents every way; nothing where there is one, or no need of any."""
    if found.refused is None:
        return []
    if found.refused.status == "unknown":
        return [_("No way that keeps every rule was found in the time, and it is not proved that there is none.")]
    going_on = sum(map(bool, now.members))
    return refusals.sentences(replace(now.problem, cohorts=going_on), found.refused.conflict, now.names)


def _way(now: Standing, choice: Choice, today: float, bar: Bar, *, is_first: bool) -> Way:
    return Way(
        title=_title(now, choice),
        sizes=words.sizes([len(cohort) for cohort in choice.solution.cohorts]),
        effect=_effect(now, choice, today),
        proof=_proof(now, choice) if is_first else None,
        loosened=_loosened(now, choice),
        away=_away(now, choice),
        hours=_new_hours(now, choice),
        wishes=_compared(now, choice),
        cohorts=_after(now, choice, bar),
        moves=_told(now, choice),
        sent={
            int(move.person): (
                None if move.leaves is None else now.cohorts[move.leaves].id,
                now.cohorts[move.joins].id,
            )
            for move in choice.moves
        },
    )


def _title(now: Standing, choice: Choice) -> str:
    moved = words.ngettext("%(num)s person moves", "%(num)s people move", choice.moved) if choice.moved else None
    ending = [now.titled(index) for index, members in enumerate(now.members) if members and index not in choice.kept]
    parts = [
        _("%(cohorts)s ends", cohorts=words.listed(ending)) if ending else None,
        moved or _("Nobody moves"),
        words.ngettext("%(num)s more gets a place", "%(num)s more get a place", len(choice.moves) - choice.moved)
        if len(choice.moves) > choice.moved
        else None,
    ]
    return ", ".join(part for part in parts if part)


def _effect(now: Standing, choice: Choice, today: float) -> str | None:
    """How the mix compares with today's, which only the same people in as many cohorts allow."""
    if len(choice.moves) > choice.moved or len(choice.kept) < sum(map(bool, now.members)):
        return None
    worse = (choice.mix - today) / max(today, 1.0)
    if abs(worse) <= words.BEST:
        return _("The mix is as good as now.")
    if worse > 0:
        return _("The mix is %(share)s worse than now.", share=words.share(worse))
    return _("The mix is %(share)s better than now.", share=words.share(-worse))


def _difference(choice: Choice) -> int:
    sizes = [len(cohort) for cohort in choice.solution.cohorts]
    return max(sizes) - min(sizes)


def _loosened(now: Standing, choice: Choice) -> str | None:
    """That fewest moves count for more than how much sizes may differ."""
    chosen, then = now.problem.size.slack, _difference(choice)
    if then <= chosen:
        return None
    return _(
        "Sizes differ by up to %(then)s then. Your rule of at most %(chosen)s does not count here, so that fewer "
        "people move.",
        then=then,
        chosen=chosen,
    )


def _proof(now: Standing, choice: Choice) -> str | None:
    """Whether fewer could move with the same cohorts going on."""
    if not choice.moved:
        return None
    if not choice.fewest:
        return _("These are the fewest moves that were found; it is not proved that fewer are impossible.")
    if _loosened(now, choice):
        return _("Fewer moves cannot keep all the other rules: that is proved.")
    return _("Fewer moves cannot keep every rule: that is proved.")


def _away(now: Standing, choice: Choice) -> list[str]:
    """For each cohort that goes on, who of its people then would not be free when it meets."""
    found = []
    for index, members in zip(choice.kept, choice.solution.cohorts, strict=True):
        away = [now.names[person] for person in now.away(index, members)]
        text = words.ngettext(
            "%(names)s is not free when %(cohort)s meets, %(hour)s.",
            "%(names)s are not free when %(cohort)s meets, %(hour)s.",
            len(away),
            names=words.listed(away),
            cohort=now.titled(index),
            hour=words.hour(now.cohorts[index].hour or now.hours.own),
        )
        found += [text] if away else []
    return found


def _new_hours(now: Standing, choice: Choice) -> list[NewHour]:
    """Where somebody is not free when their cohort would meet, and another hour suits all in every session."""
    found = []
    for index, members in zip(choice.kept, choice.solution.cohorts, strict=True):
        cohort, shared = now.cohorts[index], now.hours.shared(_ids(members))
        if now.away(index, members) and shared.best.is_whole:
            text = _(
                "%(cohort)s meets %(hour)s from its next session on. That suits all who have said when they are free "
                "(%(some)s of %(people)s).",
                cohort=now.titled(index),
                hour=words.hour(shared.best.hour),
                some=shared.answered,
                people=shared.everybody,
            )
            found.append(NewHour(cohort.id, shared.best.hour, text, now.problem.common_slots > 0))
    return found


def _compared(now: Standing, choice: Choice) -> list[Compared]:
    """Each wish today, of those who are in a cohort, and then."""
    placed = {person for members in now.members for person in members}
    today = replace(now.problem, people=tuple(p for p in now.problem.people if p.id in placed))
    before = measures(today, [members for members in now.members if members])
    after = measures(now.problem, choice.solution.cohorts)
    return [Compared(was.wish, was.reached, then.reached) for was, then in zip(before, after, strict=True)]


def _after(now: Standing, choice: Choice, bar: Bar) -> list[After]:
    then = dict(zip(choice.kept, choice.solution.cohorts, strict=True))
    found = []
    for index, members in enumerate(now.members):
        goes_on = _ids(then.get(index, ()))
        facts = " · ".join(bar.facts(goes_on)) if goes_on else None
        found.append(After(now.titled(index), " · ".join(bar.facts(_ids(members))), facts, bar.parts(goes_on)))
    return found


def _ids(members: Sequence[str]) -> list[int]:
    return [int(person) for person in members]


def _told(now: Standing, choice: Choice) -> list[tuple[str, str]]:
    """From where to where, and who."""
    together: dict[tuple[int, int], list[str]] = {}
    for move in choice.moves:
        place = (-1 if move.leaves is None else move.leaves, move.joins)
        together.setdefault(place, []).append(now.names[move.person])
    return [
        (
            _("To %(new)s", new=now.titled(joins))
            if leaves < 0
            else _("From %(old)s to %(new)s", old=now.titled(leaves), new=now.titled(joins)),
            ", ".join(sorted(names)),
        )
        for (leaves, joins), names in sorted(together.items())
    ]


def go(
    session: Session, program: Program, moves: Moves, *, actor_id: int, hours: Mapping[int, WeeklyHour] | None = None
) -> None:
    """Let people go where a way says; a cohort that nobody is left in has ended.

    `hours` are new ones of cohorts by id.

    Raises StaleError when somebody is no longer where the way found them, BrokenRulesError when rules would break,
    FormError when a cohort cannot meet at its new hour.
    """
    take(session, program.id)
    now = question(session, program)
    _check(now, moves)
    in_cohort = {cohort.id: cohort for cohort in now.cohorts}
    running = select(Membership).where(
        Membership.program_id == program.id, Membership.until.is_(None), Membership.person_id.in_(moves)
    )
    steps = publishing.move_members(
        session,
        program,
        [(membership, in_cohort[moves[membership.person_id][1]]) for membership in session.scalars(running)],
    )
    waiting = [person_id for person_id, (leaves, _joins) in moves.items() if leaves is None]
    joining = session.scalars(select(Person).where(Person.id.in_(waiting)).order_by(Person.id))
    steps += publishing.join(session, program, [(person, in_cohort[moves[person.id][1]]) for person in joining])
    ended = _end_emptied(session, program, now, moves)
    changed = _meet_at(
        session, program, [(in_cohort[c], h) for c, h in (hours or {}).items() if c in in_cohort], actor_id
    )
    acts.record(session, program, Act.ANEW, steps, actor_id, ended=ended, hours=changed, why=_why(now))


def _meet_at(
    session: Session, program: Program, new: Sequence[tuple[Cohort, WeeklyHour]], actor_id: int
) -> dict[int, tuple[str, str]]:
    """Let cohorts that go on meet at other hours. Returns both hours of each, by the cohort's id."""
    changed = {}
    for cohort, hour in new:
        if cohort.ended_at is None:
            changed[cohort.id] = (str(cohort.hour or own_hour(program)), str(hour))
            change(session, program, cohort, hour, actor_id=actor_id)
    return changed


def _why(before: Standing) -> str:
    """What made people form the cohorts anew, as far as one can see."""
    least, waiting = before.problem.size.min, len(before.waiting)
    found = [
        words.ngettext(
            "%(cohort)s had %(num)s person and needs %(least)s",
            "%(cohort)s had %(num)s people and needs %(least)s",
            len(members),
            cohort=before.titled(index),
            least=least,
        )
        for index, members in enumerate(before.members)
        if 0 < len(members) < least
    ]
    if waiting:
        found.append(
            words.ngettext("%(num)s person waited for a place", "%(num)s people waited for a place", waiting)
        )
    return " · ".join(found) or _("for a better mix")


def _check(now: Standing, moves: Moves) -> None:
    at = {int(person): now.cohorts[index].id for index, cohort in enumerate(now.members) for person in cohort}
    known = {int(person.id) for person in now.problem.people}
    targets = {cohort.id for cohort in now.cohorts}
    for person_id, (leaves, joins) in moves.items():
        if person_id not in known or at.get(person_id) != leaves or joins not in targets or joins == leaves:
            raise StaleError
    goes = at | {person_id: joins for person_id, (_leaves, joins) in moves.items()}
    after = [[str(person) for person, there in goes.items() if there == cohort.id] for cohort in now.cohorts]
    going_on = [index for index, members in enumerate(after) if members]
    reasons = _newly_broken(now, after, going_on)
    if reasons:
        raise BrokenRulesError(reasons)


def _newly_broken(now: Standing, after: Sequence[Sequence[str]], going_on: Sequence[int]) -> list[str]:
    """As `Standing.newly_broken`, but a cohort that ends needs nobody."""
    remaining = replace(
        now.unlocked(),
        cohorts=[now.cohorts[index] for index in going_on],
        members=[now.members[index] for index in going_on],
    )
    return remaining.newly_broken([after[index] for index in going_on])


def _end_emptied(session: Session, program: Program, before: Standing, moves: Moves) -> list[int]:
    """Let the cohorts end that nobody is left in. Returns their ids."""
    left = {leaves for leaves, _joins in moves.values()}
    occupied = select(Membership.cohort_id).where(Membership.program_id == program.id, Membership.until.is_(None))
    full = set(session.scalars(occupied))
    emptied = [cohort for cohort in before.cohorts if cohort.id in left and cohort.id not in full]
    for cohort in emptied:
        cohort.ended_at = clock.now()
    session.flush()
    return [cohort.id for cohort in emptied]
