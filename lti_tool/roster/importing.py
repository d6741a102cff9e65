"""Taking a CSV file of attributes in two steps: what it would change, and one click that takes it.

Nothing is kept between the two. The page of the first carries the file, and a digest of what it showed; what is
taken is worked out anew, and if that is no longer what was shown, it is shown again instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.database import Base
from lti_tool.roster import attributes, people
from lti_tool.roster.attributes import MAX_ATTRIBUTES, ImportRefusedError
from lti_tool.roster.tables import Person, PersonAttribute
from lti_tool.roster.upserts import dialect_of, insert_into

SHOWN = 20  # changes that are told one by one
AT_ONCE = 500  # people of whom one statement takes an attribute away: nobody else writes meanwhile

Values = Mapping[int, Mapping[str, str]]


class ChangedSinceError(Exception):
    """The file would do something else now than what was shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute of one person; an empty text is none."""

    who: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do. `names` are its attributes, `new` those that nobody has yet, `people` whom it is about.

    `examples` are the first of `count` changes, those that lose or change something before those that add.
    `unknown` are lines about people who are not in the course, as the file names them.
    """

    names: Sequence[str]
    new: Sequence[str]
    people: int
    added: int
    changed: int
    removed: int
    examples: Sequence[Change]
    unknown: Sequence[str]
    digest: str

    @property
    def count(self) -> int:
        """How many attributes of people would differ."""
        return self.added + self.changed + self.removed


@dataclass(frozen=True, slots=True)
class _Plan:
    names: tuple[str, ...]
    people: int
    before: Values
    changes: Values
    unknown: Sequence[str]

    @property
    def digest(self) -> str:
        """Equal for plans that change the same in the same way."""
        told = [self.changes, {p: {n: self.before.get(p, {}).get(n) for n in v} for p, v in self.changes.items()}]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def preview(session: Session, course_id: int, data: bytes) -> Preview:
    """What taking a CSV file would do. Raises ImportRefusedError."""
    plan = _plan(session, course_id, data)
    names = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(plan.changes))).all())
    changes = [
        Change(names[person], name, plan.before.get(person, {}).get(name, ""), after)
        for person, values in plan.changes.items()
        for name, after in values.items()
    ]
    known = {name for values in plan.before.values() for name in values}
    return Preview(
        names=plan.names,
        new=[name for name in plan.names if name not in known],
        people=plan.people,
        added=sum(not change.before for change in changes),
        changed=sum(bool(change.before and change.after) for change in changes),
        removed=sum(not change.after for change in changes),
        examples=sorted(changes, key=lambda change: (not change.before, change.who, change.name))[:SHOWN],
        unknown=plan.unknown,
        digest=plan.digest,
    )


def take(session: Session, course_id: int, actor_id: int, data: bytes, seen: str) -> int:
    """Store what a CSV file gives, an empty cell taking an attribute away; returns how many attributes changed.

    `seen` is the digest of the preview. Raises ImportRefusedError and ChangedSinceError; then nothing was stored.
    """
    plan = _plan(session, course_id, data)
    if plan.digest != seen:
        raise ChangedSinceError
    _write(session, course_id, plan.changes)
    if plan.changes:
        audit.record(
            session,
            "roster.attributes",
            "course",
            course_id,
            course_id=course_id,
            actor_id=actor_id,
            before={p: {n: plan.before.get(p, {}).get(n) for n in values} for p, values in plan.changes.items()},
            after=plan.changes,
        )
    return sum(map(len, plan.changes.values()))


def _plan(session: Session, course_id: int, data: bytes) -> _Plan:
    table = attributes.read_csv(session, course_id, data)
    before = people.attributes(session, course_id)
    _limit_names(before, table.names)
    return _Plan(table.names, len(table.values), before, _changes(before, table.values), table.unknown)


def _limit_names(before: Values, names: tuple[str, ...]) -> None:
    together = {name for values in before.values() for name in values} | set(names)
    if len(together) > MAX_ATTRIBUTES:
        raise ImportRefusedError(
            _(
                "With those of earlier files this makes %(count)s attributes; %(max)s is the most. "
                "To take one away, send its column with empty cells.",
                count=len(together),
                max=MAX_ATTRIBUTES,
            )
        )


def _changes(before: Values, after: Values) -> Values:
    changed = {
        person: {name: value for name, value in values.items() if before.get(person, {}).get(name, "") != value}
        for person, values in after.items()
    }
    return {person: values for person, values in changed.items() if values}


def _write(session: Session, course_id: int, changed: Values) -> None:
    cells = [(person, name, value) for person, values in changed.items() for name, value in values.items()]
    rows = [
        {"course_id": course_id, "person_id": person, "name": name, "value": value}
        for person, name, value in cells
        if value
    ]
    if rows:
        query = insert_into(dialect_of(session), Base.metadata.tables["person_attribute"])
        keys = ["course_id", "person_id", "name"]
        session.execute(query.on_conflict_do_update(index_elements=keys, set_={"value": query.excluded.value}), rows)
    gone: dict[str, list[int]] = {}
    for person, name, value in cells:
        if not value:
            gone.setdefault(name, []).append(person)
    for name, people_without in gone.items():
        _take_away(session, course_id, name, people_without)


def _take_away(session: Session, course_id: int, name: str, person_ids: Sequence[int]) -> None:
    for start in range(0, len(person_ids), AT_ONCE):
        session.execute(
            delete(PersonAttribute).where(
                PersonAttribute.course_id == course_id,
                PersonAttribute.person_id.in_(person_ids[start : start + AT_ONCE]),
                PersonAttribute.name == name,
            )
        )
