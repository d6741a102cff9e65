"""Who was placed where, by whom, when and why: what was recorded, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lti_tool.audit import AuditEntry
from lti_tool.cohorts import acts, people, words
from lti_tool.cohorts.acts import Act, Step
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.cohorts.words import _, ngettext
from lti_tool.programs.schedule import WeeklyHour
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

MOST = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `who` is empty where Peerloop itself acted; `moves` say from where to where, and which people."""

    at: datetime
    who: str | None
    text: str
    why: str | None
    moves: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The newest entries, `MOST` of them if it `is_cut`: then there are earlier ones too."""

    entries: Sequence[Entry]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Names:
    people: Mapping[str, str]
    cohorts: Mapping[int, str]

    def person(self, person_id: object) -> str:
        return self.people.get(str(person_id), _("somebody"))

    def cohort(self, cohort_id: object) -> str:
        return self.cohorts.get(int(str(cohort_id)), _("a cohort"))


def history(session: Session, program: Program, person_id: int | None = None) -> History:
    """What happened to a program's cohorts, or to one person in them, the newest first."""
    cohorts = session.scalars(select(Cohort).where(Cohort.program_id == program.id)).all()
    names = _Names(
        people.labels(people.everybody(session, program.course_id)),
        {cohort.id: _("Cohort %(name)s", name=cohort.name) for cohort in cohorts},
    )
    with session.execute(_query(program)) as rows:
        told = (_concerning(entry, actor, names, person_id) for entry, actor in rows)
        found = list(islice((entry for entry in told if entry is not None), MOST + 1))
    return History(found[:MOST], is_cut=len(found) > MOST)


def _query(program: Program) -> Any:
    proposals = select(Proposal.id).where(Proposal.program_id == program.id)
    cohorts = select(Cohort.id).where(Cohort.program_id == program.id)
    return (
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(
            AuditEntry.course_id == program.course_id,
            or_(
                and_(AuditEntry.subject == "cohort_proposal", AuditEntry.subject_id.in_(proposals)),
                and_(AuditEntry.subject == "cohort", AuditEntry.subject_id.in_(cohorts)),
                and_(
                    AuditEntry.subject == "program",
                    AuditEntry.subject_id == program.id,
                    AuditEntry.action.in_(("cohorts published", *Act)),
                ),
            ),
        )
        .order_by(AuditEntry.id.desc())
        # Each draft is an entry with all its cohorts, and for one person most are read to be passed over.
        .execution_options(yield_per=MOST)
    )


def _concerning(entry: AuditEntry, actor: str | None, names: _Names, person_id: int | None) -> Entry | None:
    """What an entry tells, where it tells of that person; of everybody when there is none."""
    act = acts.told(entry)
    if act is not None:
        return _told_act(entry, act, actor, names, person_id)
    place = _place(entry, person_id) if person_id is not None else None
    if person_id is None or place is not None or _names_person(entry, person_id):
        return _told(entry, actor, names, place)
    return None


def _told_act(
    entry: AuditEntry, act: acts.Told, actor: str | None, names: _Names, person_id: int | None
) -> Entry | None:
    """An act with every move under it; for one person with theirs alone, if they were moved."""
    steps = [step for step in act.steps if person_id in (None, step.person)]
    if not steps:
        return None
    if len(act.steps) == 1 and entry.action in _ALONE and not act.ended:
        return Entry(entry.at, actor, _ALONE[Act(entry.action)](act.steps[0], names), entry.why)
    text = _ACTS[Act(entry.action)](len(act.steps))
    ended = [names.cohort(cohort) for cohort in act.ended]
    if ended and entry.action == Act.ANEW:
        text = _("%(text)s; %(cohorts)s ended", text=text, cohorts=words.listed(ended))
    if ended and entry.action == Act.UNDONE:
        text = _("%(text)s; %(cohorts)s went on again", text=text, cohorts=words.listed(ended))
    return Entry(entry.at, actor, text, entry.why, _places(steps, names))


def _places(steps: Sequence[Step], names: _Names) -> list[tuple[str, str]]:
    """From where to where, and who."""
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(_way(step, names), []).append(names.person(step.person))
    return [(way, ", ".join(sorted(people))) for way, people in sorted(found.items())]


def _way(step: Step, names: _Names) -> str:
    if step.leaves is None:
        return _("To %(new)s", new=names.cohort(step.joins))
    if step.joins is None:
        return _("Out of %(old)s", old=names.cohort(step.leaves))
    return _("From %(old)s to %(new)s", old=names.cohort(step.leaves), new=names.cohort(step.joins))


def _moved(step: Step, names: _Names) -> str:
    return _(
        "%(name)s was moved from %(old)s to %(new)s",
        name=names.person(step.person),
        old=names.cohort(step.leaves),
        new=names.cohort(step.joins),
    )


def _joined(step: Step, names: _Names) -> str:
    return _(
        "%(name)s joined %(cohort)s after publication",
        name=names.person(step.person),
        cohort=names.cohort(step.joins),
    )


def _left(step: Step, names: _Names) -> str:
    return _("%(name)s left %(cohort)s", name=names.person(step.person), cohort=names.cohort(step.leaves))


def _taken_out(step: Step, names: _Names) -> str:
    return _(
        "%(name)s was taken out of %(cohort)s again, and waits for a place",
        name=names.person(step.person),
        cohort=names.cohort(step.leaves),
    )


_ALONE: dict[Act, Callable[[Step, _Names], str]] = {
    Act.MOVED: _moved,
    Act.PLACED: _joined,
    Act.LEFT: _left,
    Act.TAKEN_OUT: _taken_out,
}
_ACTS: dict[Act, Callable[[int], str]] = {
    Act.ANEW: lambda n: ngettext(
        "The cohorts were formed anew: %(num)s person has a new place",
        "The cohorts were formed anew: %(num)s people have a new place",
        n,
    ),
    Act.MOVED: lambda n: ngettext("%(num)s person was moved", "%(num)s people were moved", n),
    Act.PLACED: lambda n: ngettext(
        "%(num)s person joined after publication", "%(num)s people joined after publication", n
    ),
    Act.LEFT: lambda n: ngettext("%(num)s person left", "%(num)s people left", n),
    Act.TAKEN_OUT: lambda n: ngettext(
        "%(num)s person was taken out again, and waits for a place",
        "%(num)s people were taken out again, and wait for a place",
        n,
    ),
    Act.UNDONE: lambda n: ngettext(
        "The last change was undone: %(num)s person went back",
        "The last change was undone: %(num)s people went back",
        n,
    ),
}


def _names_person(entry: AuditEntry, person_id: int) -> bool:
    values = [value for value in (entry.before, entry.after) if isinstance(value, dict)]
    return any(str(value.get(key)) == str(person_id) for value in values for key in ("person", "with")) or any(
        str(person_id) in value.get("people", ()) for value in values
    )


def _place(entry: AuditEntry, person_id: int) -> str | None:
    """Where an entry about everybody puts one person."""
    if not isinstance(entry.after, dict):
        return None
    if entry.action == "cohorts published":
        return next(
            (_("Cohort %(name)s", name=name) for name, members in entry.after.items() if person_id in members), None
        )
    for position, members in enumerate(entry.after.get("cohorts", [])):
        if str(person_id) in members:
            return words.cohort(position)
    return None


def _told(entry: AuditEntry, actor: str | None, names: _Names, place: str | None) -> Entry:
    say = _SENTENCES.get(entry.action)
    text = entry.action if say is None else say(entry, names)
    if place is not None:
        text = _("%(text)s: in %(cohort)s", text=text, cohort=place)
    return Entry(entry.at, actor, text, entry.why or _by_which_rules(entry))


def _by_which_rules(entry: AuditEntry) -> str | None:
    if entry.action != "cohorts proposed":
        return None
    return " · ".join(words.chips(Rules.from_json(entry.after["rules"])))


def _counted(entry: AuditEntry, text: str) -> str:
    count = len(entry.after["cohorts"])
    return f"{text} ({ngettext('%(num)s cohort', '%(num)s cohorts', count)})"


def _hour(text: str) -> str:
    weekly = WeeklyHour.parse(text)
    return words.hour(weekly) if weekly else text


Sentence = Callable[[AuditEntry, _Names], str]

_SENTENCES: dict[str, Sentence] = {
    "cohorts proposed": lambda e, _n: _counted(e, _("A draft was made")),
    "cohorts imported": lambda e, _n: _counted(e, _("A draft was taken from a file")),
    "cohorts taken from groups": lambda e, _n: _counted(e, _("A draft was taken from the groups of the LMS")),
    "cohorts improved": lambda _e, _n: _("The search found something better"),
    "cohort draft chosen": lambda _e, _n: _("Another draft was chosen"),
    "cohort change undone": lambda _e, _n: _("A change was undone"),
    "cohorts published": lambda _e, _n: _("The cohorts were published"),
    "person moved": lambda e, n: _(
        "%(name)s was moved to %(cohort)s of the draft",
        name=n.person(e.after["person"]),
        cohort=words.cohort(e.after["to"]),
    ),
    "people swapped": lambda e, n: _(
        "%(one)s and %(other)s changed places in the draft",
        one=n.person(e.after["person"]),
        other=n.person(e.after["with"]),
    ),
    "people placed in draft": lambda e, n: ngettext(
        "%(names)s got a place in the draft",
        "%(names)s got places in the draft",
        len(e.after["people"]),
        names=words.listed([n.person(person) for person in e.after["people"]]),
    ),
    "person locked": lambda e, n: _(
        "%(name)s is to stay in %(cohort)s", name=n.person(e.after["person"]), cohort=words.cohort(e.after["in"])
    ),
    "person unlocked": lambda e, n: _("%(name)s may be moved again", name=n.person(e.after["person"])),
    "hours not counted": lambda e, n: _("The hours of %(name)s no longer count", name=n.person(e.after["person"])),
    # Before acts were recorded as one each move was an entry of its own.
    "person placed": lambda e, n: _joined(Step(e.after["person"], None, e.subject_id), n),
    "cohort hour changed": lambda e, n: _(
        "%(cohort)s meets at %(new)s instead of %(old)s",
        cohort=n.cohort(e.subject_id),
        new=_hour(e.after["hour"]),
        old=_hour(e.before["hour"]),
    ),
    "cohort ended": lambda e, n: _("%(cohort)s ended", cohort=n.cohort(e.subject_id)),
    "person left": lambda e, n: _left(Step(e.before["person"], e.subject_id, None), n),
    "person transferred": lambda e, n: _moved(Step(e.after["person"], e.before["cohort"], e.after["cohort"]), n),
    "facilitator appointed": lambda e, n: _(
        "%(name)s facilitates %(cohort)s", name=n.person(e.after["person"]), cohort=n.cohort(e.subject_id)
    ),
    "facilitator dismissed": lambda e, n: _(
        "%(name)s no longer facilitates %(cohort)s", name=n.person(e.after["person"]), cohort=n.cohort(e.subject_id)
    ),
}
