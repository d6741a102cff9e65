"""What is said about cohorts: their names, broken rules, figures and warnings, with people's names."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import flask_babel
from flask_babel import format_datetime, format_decimal, format_time

from lti_tool.cohorts.wishes import NORMAL, Rules
from lti_tool.matching.problem import Problem, SizeRule
from lti_tool.matching.rotation import fewest_repeats, repeat_free_sessions
from lti_tool.programs.schedule import WeeklyHour
from lti_tool.programs.tables import Program
from lti_tool.questions import week

# Flask-Babel has no types.
_: Callable[..., str] = flask_babel.gettext
ngettext: Callable[..., str] = flask_babel.ngettext

Names = Mapping[str, str]
Titled = Callable[[int], str]  # what the cohort at an index is called
LISTED = 12
BEST = 1e-9  # a gap this small is a rounding error
LOOSE = 0.1  # from here on "within" would read as praise
NOTHING_PROVED = 1.0  # a bound of half of J says nothing about how good it is


def letter(position: int) -> str:
    """The name of the cohort at a position: A to Z, then AA, AB…

    >>> [letter(n) for n in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    name, rest = "", position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def cohort(position: int) -> str:
    """What a cohort of a proposal is called."""
    return _("Cohort %(name)s", name=letter(position))


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Names in a sentence; many are counted."""
    if len(names) > most:
        more = len(names) - most + 1
        names = [*names[: most - 1], ngettext("%(num)s other", "%(num)s others", more)]
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s", first=", ".join(names[:-1]), last=names[-1])


def unknown_of(attribute: str, missing: int) -> str:
    """An attribute that is not known of some people."""
    return ngettext(
        "%(name)s (not known of %(num)s person)", "%(name)s (not known of %(num)s people)", missing, name=attribute
    )


def sizes(counts: Sequence[int]) -> str:
    """The title of a proposal: how many people, in how many cohorts of which size."""
    people = ngettext("%(num)s person", "%(num)s people", sum(counts))
    low, high = min(counts), max(counts)
    of = str(low) if low == high else _("%(low)s or %(high)s", low=low, high=high)
    if high - low > 1:
        of = _("%(low)s to %(high)s", low=low, high=high)
    cohorts = ngettext("%(num)s cohort of %(of)s", "%(num)s cohorts of %(of)s", len(counts), of=of)
    return f"{people}, {cohorts}"


def share(gap: float) -> str:
    """A gap in per cent, rounded up so that it never promises too much: 0.0004 is "0.04 %"."""
    percent = gap * 100
    digits = 2 if percent < 1 else 1 if percent < 10 else 0
    rounded = math.ceil(round(percent * 10**digits, 6)) / 10**digits
    return f"{format_decimal(rounded)} %"


def quality(gap: float) -> str:
    """How far a proposal may be from the best possible."""
    if gap <= BEST:
        return _("The best possible")
    if gap >= NOTHING_PROVED:
        return _("It is not known how near this is to the best possible")
    if gap >= LOOSE:
        return _("Up to %(gap)s above the best possible", gap=share(gap))
    return _("Within %(gap)s of the best possible", gap=share(gap))


def score(objective: float) -> str:
    """J as people read it: "118.24"."""
    return str(format_decimal(round(objective, 2)))


def nearness(gap: float, before: float) -> str:
    """How near a search is to the best possible, and was: as far as anything is known of that."""
    if gap >= NOTHING_PROVED:
        return ""
    if before >= NOTHING_PROVED or share(before) == share(gap):
        return f" · {quality(gap)}"
    return " · " + _("%(quality)s (at first %(gap)s)", quality=quality(gap), gap=share(before))


def fall(first: float, now: float, bound: float, seconds: float) -> str:
    """The picture of a falling score, for those who hear it."""
    return _(
        "Score %(now)s after %(seconds)s seconds; %(first)s at first; lower than %(bound)s is impossible.",
        now=score(now),
        seconds=round(seconds),
        first=score(first),
        bound=score(bound),
    )


def overall(worse: float) -> str:
    """What a change does to all wishes together, as a share of what is left to wish for."""
    if abs(worse) <= BEST:
        return _("as good as now")
    text = _("%(share)s worse overall") if worse > 0 else _("%(share)s better overall")
    return text.replace("%(share)s", share(abs(worse)))


def broken(problem: Problem, cohorts: Sequence[Sequence[str]], names: Names, titled: Titled = cohort) -> list[str]:
    """The hard rules that these cohorts break, one sentence each. Slack is the caller's to judge."""
    at = {person: position for position, members in enumerate(cohorts) for person in members}
    found = [
        _size(titled(position), len(members), problem.size)
        for position, members in enumerate(cohorts)
        if not problem.size.min <= len(members) <= problem.size.max
    ]
    found += bonds(problem.together, problem.apart, at, names)
    for person, position in problem.locked.items():
        if at.get(person, position) != position:
            found.append(_("%(name)s is locked in %(cohort)s.", name=names[person], cohort=titled(position)))
    return found + _alone(problem, cohorts, names, titled) + _without_common_slots(problem, cohorts, titled)


def bonds(
    together: Sequence[Sequence[str]], apart: Sequence[Sequence[str]], at: Mapping[str, int], names: Names
) -> list[str]:
    """Who must be together and is not, and who must be apart and is not, where people are `at` these cohorts."""
    found = [
        _("%(people)s must be together.", people=listed([names[p] for p in group]))
        for group in together
        if len({at[person] for person in group if person in at}) > 1
    ]
    for group in apart:
        for one, other in itertools.combinations(group, 2):
            if at.get(one, -1) == at.get(other, -2):
                found.append(_("%(one)s and %(other)s must be apart.", one=names[one], other=names[other]))
    return found


def uneven(counts: Sequence[int], slack: int) -> list[str]:
    """That sizes differ by more than they may, if they do."""
    difference = max(counts) - min(counts)
    if difference <= slack:
        return []
    return [_("Sizes would differ by up to %(n)s; your rule says %(slack)s.", n=difference, slack=slack)]


def _alone(problem: Problem, cohorts: Sequence[Sequence[str]], names: Names, titled: Titled) -> list[str]:
    found = []
    for rule in problem.not_alone:
        having = {person.id for person in problem.people if person.value(rule.attribute) == rule.value}
        for position, members in enumerate(cohorts):
            inside = having.intersection(members)
            if len(inside) == 1:
                found.append(
                    _(
                        "%(name)s would be the only one in %(cohort)s whose %(attribute)s is %(value)s.",
                        name=names[inside.pop()],
                        cohort=titled(position),
                        attribute=rule.attribute,
                        value=rule.value,
                    )
                )
    return found


def _without_common_slots(problem: Problem, cohorts: Sequence[Sequence[str]], titled: Titled) -> list[str]:
    if not problem.common_slots:
        return []
    return [
        _("%(cohort)s would have too few hours at which everybody can meet.", cohort=titled(position))
        for position, shared in enumerate(common_slots(problem, cohorts))
        if len(shared) < problem.common_slots
    ]


def common_slots(problem: Problem, cohorts: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each cohort the slots that all its people named, in the order of the first one's."""
    own = {person.id: person.slots for person in problem.people}
    return [_shared([own[person] for person in members]) for members in cohorts]


def _shared(named: Sequence[Sequence[str]]) -> list[str]:
    if not named:
        return []
    everybodys = set(named[0]).intersection(*named[1:])
    return [slot for slot in named[0] if slot in everybodys]


def _size(title: str, count: int, size: SizeRule) -> str:
    if count < size.min:
        return ngettext(
            "%(cohort)s would have %(num)s person, fewer than the %(least)s that it needs.",
            "%(cohort)s would have %(num)s people, fewer than the %(least)s that it needs.",
            count,
            cohort=title,
            least=size.min,
        )
    return ngettext(
        "%(cohort)s would have %(num)s person, more than the %(most)s allowed.",
        "%(cohort)s would have %(num)s people, more than the %(most)s allowed.",
        count,
        cohort=title,
        most=size.max,
    )


def chips(rules: Rules) -> list[str]:
    """The rules in a few words each."""
    found = [_("%(low)s to %(high)s people", low=rules.size_min, high=rules.size_max)]
    if rules.slack > 1:
        found.append(_("sizes differ by up to %(slack)s", slack=rules.slack))
    for text, attributes in (
        (_("Spread %(what)s"), rules.spread),
        (_("Balance %(what)s"), rules.balance),
        (_("Gather %(what)s"), rules.gather),
    ):
        if attributes:
            found.append(text.replace("%(what)s", ", ".join(_weighed(rules, name) for name in attributes)))
    found += [
        _("Nobody alone: %(attribute)s %(value)s", attribute=attribute, value=value)
        for attribute, value in rules.not_alone
    ]
    if rules.common_slots:
        found.append(ngettext("%(num)s common hour", "%(num)s common hours", rules.common_slots))
    if rules.common_slots and rules.any_time:
        found.append(ngettext("%(num)s person without hours", "%(num)s people without hours", len(rules.any_time)))
    counted = (
        ngettext("%(num)s group together", "%(num)s groups together", len(rules.together)),
        ngettext("%(num)s group apart", "%(num)s groups apart", len(rules.apart)),
        ngettext("%(num)s person locked", "%(num)s people locked", len(rules.locked)),
    )
    return found + [
        text for text, rule in zip(counted, (rules.together, rules.apart, rules.locked), strict=True) if rule
    ]


def _weighed(rules: Rules, attribute: str) -> str:
    weight = rules.weights.get(attribute, NORMAL)
    if weight == NORMAL:
        return attribute
    return _("%(what)s (much)", what=attribute) if weight > NORMAL else _("%(what)s (a little)", what=attribute)


def hour(weekly: WeeklyHour) -> str:
    """A time of a week on the program's clocks: "Tue 14:00", "Tue 2:00 PM"."""
    some_week = datetime(2024, 1, 1)  # noqa: DTZ001 - a Monday on clocks, not an instant
    return _on_clocks(datetime.combine(some_week + timedelta(days=weekly.weekday), weekly.at))


def slot(text: str, day: date, zone: str) -> str:
    """When people can meet, on the clocks of `zone` in the week of `day`: "mon-09" is Monday, 09:00 UTC."""
    name, _dash, told = text.partition("-")
    try:
        at = time.fromisoformat(told if ":" in told else f"{told}:00")
        moment = datetime.combine(week.first_day(day) + timedelta(days=week.DAYS.index(name)), at, UTC)
    except ValueError:
        return text
    return _on_clocks(moment.astimezone(ZoneInfo(zone)))


def slots_of(program: Program) -> Callable[[str], str]:
    """How the hours of a program's first week are told: on the program's clocks."""
    return lambda text: slot(text, program.first_session_on, program.zone)


def _on_clocks(at: datetime) -> str:
    """A weekday and time as they stand there, not by the viewer's clocks."""
    return f"{format_datetime(at, 'EEE', rebase=False)} {format_time(at, 'short', rebase=False)}"


def partner_warnings(named_sizes: Sequence[tuple[str, int]], sessions: int) -> list[str]:
    """Which cohorts cannot give a new partner in each of so many sessions; cohorts of one size in one sentence."""
    by_size: dict[int, list[str]] = {}
    for name, size in named_sizes:
        by_size.setdefault(size, []).append(name)
    return [
        text
        for size, names in sorted(by_size.items())
        if (text := _partner_warning(names, size, sessions)) is not None
    ]


def _partner_warning(names: Sequence[str], size: int, sessions: int) -> str | None:
    free = repeat_free_sessions(size)
    if free.lower >= sessions:
        return None
    people = ngettext("%(num)s person", "%(num)s people", size)
    each = _("%(people)s each", people=people) if len(names) > 1 else people
    start = _("%(names)s (%(people)s)", names=listed(names), people=each)
    if free.exact is None:
        return _(
            "%(start)s: new partners for everybody are certain in %(known)s sessions. For all %(sessions)s no such "
            "plan was found, and nothing proves that there is none.",
            start=start,
            known=free.lower,
            sessions=sessions,
        )
    repeats = fewest_repeats(size, sessions)
    return ngettext(
        "%(start)s: everybody can have a new partner in %(free)s of the %(sessions)s sessions. In the others there "
        "is at least one repeat, in which two people meet again; this is certain, whatever the plan.",
        "%(start)s: everybody can have a new partner in %(free)s of the %(sessions)s sessions. In the others there "
        "are at least %(num)s repeats, in which two people meet again; this is certain, whatever the plan.",
        repeats,
        start=start,
        free=free.exact,
        sessions=sessions,
    )
