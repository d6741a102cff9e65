"""Reading a CSV file of what the LMS does not say about people: department, site, experience.

The header names the columns. One of them says who a line is about (`user_id`, else `email`, else `name`);
every other one is an attribute. A file with a wrong line changes nothing.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.roster.cells import as_meant
from lti_tool.roster.tables import Enrolment, Person

MAX_BYTES = 1024 * 1024
MAX_LINES = 20_000
MAX_ATTRIBUTES = 20
NAME_LENGTH = 60
VALUE_LENGTH = 120
PROBLEMS_SHOWN = 20


class ImportRefusedError(Exception):
    """The file was not taken; nothing was stored. `problems` says where and what to do, one sentence each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    who: str
    values: dict[str, str]


@dataclass(slots=True)
class _File:
    """`key` is the column that says who; `lines` are without those that are empty."""

    key: str
    names: tuple[str, ...]
    lines: list[_Line]


@dataclass(slots=True)
class _Matched:
    values: dict[int, dict[str, str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says: its columns, their values by person id, and the lines about people who are not there."""

    names: tuple[str, ...]
    values: dict[int, dict[str, str]]
    unknown: tuple[str, ...]


def read_csv(session: Session, course_id: int, data: bytes) -> Table:
    """Read what a CSV file says about people of a course; nothing is stored. Raises ImportRefusedError."""
    file = _parse(data)
    matched = _match(session, course_id, file)
    return Table(file.names, matched.values, tuple(matched.unknown))


def _parse(data: bytes) -> _File:
    text = _decode(data)
    records = _records(text)
    _number, header = next(records, (0, []))
    columns = [_clean(cell) for cell in header]
    key = _key(columns)
    names = tuple(column for column in columns if column.casefold() not in _KEYS)
    _check_names(names)
    problems: list[str] = []
    lines = [line for n, cells in records if (line := _line(n, cells, columns, key, problems))]
    _refuse(problems)
    if not lines:
        raise ImportRefusedError(_("The file has a header and no lines. Add one line for each person."))
    return _File(key, names, lines)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ImportRefusedError(_("The file is larger than 1 MB. Remove columns that Peerloop does not need."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportRefusedError(
            _("Line %(line)s: this is not UTF-8. Save the file as “CSV UTF-8” and send it again.", line=line)
        ) from error
    if not text.strip():
        raise ImportRefusedError(_("The file is empty. Its first line must name the columns."))
    if "\0" in text:
        raise ImportRefusedError(_("This is not a text file. Save it as “CSV UTF-8” and send it again."))
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the line on which it begins, without empty ones."""
    header = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=header.count), strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield before + 1, cells
            before = reader.line_num
            if before > MAX_LINES:
                raise ImportRefusedError(
                    _("The file has more than %(count)s lines. Send it in parts.", count=MAX_LINES)
                )
    except csv.Error as error:
        raise ImportRefusedError(
            _("Line %(line)s: the quotation marks do not match. Each one that opens must close.", line=before + 1)
        ) from error


_KEYS = ("user_id", "email", "name")


def _key(columns: list[str]) -> str:
    present = {column.casefold() for column in columns}
    found = next((key for key in _KEYS if key in present), None)
    if found is None:
        raise ImportRefusedError(
            _("No column says who a line is about. Name one of them user_id, email or name in the first line.")
        )
    return found


def _check_names(names: tuple[str, ...]) -> None:
    problems = []
    if not names:
        problems.append(_("The file holds no attribute. Add a column such as “department”."))
    if len(names) > MAX_ATTRIBUTES:
        problems.append(
            _(
                "Line 1: %(count)s attributes are more than %(max)s. Remove some.",
                count=len(names),
                max=MAX_ATTRIBUTES,
            )
        )
    if any(not name for name in names):
        problems.append(_("Line 1: a column has no name. Name it or remove it."))
    if len({name.casefold() for name in names}) < len(names):
        problems.append(_("Line 1: two columns have the same name. Give each its own."))
    problems += [
        _("Line 1: “%(name)s” is longer than %(max)s characters.", name=name[:NAME_LENGTH] + "…", max=NAME_LENGTH)
        for name in names
        if len(name) > NAME_LENGTH
    ]
    _refuse(problems)


def _line(number: int, cells: list[str], columns: list[str], key: str, problems: list[str]) -> _Line | None:
    if len(cells) != len(columns):
        problems.append(
            _(
                "Line %(line)s: it has %(cells)s cells and the header has %(columns)s. Make them equal.",
                line=number,
                cells=len(cells),
                columns=len(columns),
            )
        )
        return None
    values = (_clean(as_meant(cell)) for cell in cells)
    row = dict(zip((c if c.casefold() not in _KEYS else c.casefold() for c in columns), values, strict=True))
    who = row[key]
    if not who:
        problems.append(_("Line %(line)s: the column %(key)s is empty. Say who it is about.", line=number, key=key))
        return None
    told = {name: value for name, value in row.items() if name not in _KEYS}
    for name, value in told.items():
        if len(value) > VALUE_LENGTH:
            problems.append(
                _(
                    "Line %(line)s: “%(name)s” is longer than %(max)s characters.",
                    line=number,
                    name=name,
                    max=VALUE_LENGTH,
                )
            )
    return _Line(number, who, told)


def _clean(cell: str) -> str:
    printable = "".join(c if c.isprintable() or c == "\u200d" else " " for c in cell)
    return unicodedata.normalize("NFC", " ".join(printable.split()))


def _match(session: Session, course_id: int, file: _File) -> _Matched:
    known = _people_by(session, course_id, file.key)
    matched, problems = _Matched(), []
    first_line: dict[int, int] = {}
    for line in file.lines:
        found = known.ids.get(_FOLD[file.key](line.who), [])
        if not found:
            matched.unknown.append(_("line %(line)s: %(who)s", line=line.number, who=line.who))
        elif len(found) > 1:
            problems.append(
                _(
                    "Line %(line)s: %(count)s people are “%(who)s”. Say which by a column user_id or email.",
                    line=line.number,
                    count=len(found),
                    who=line.who,
                )
            )
        elif found[0] in first_line:
            problems.append(
                _(
                    "Line %(line)s: “%(who)s” is on line %(first)s already. Keep one of the two.",
                    line=line.number,
                    who=known.names[found[0]],
                    first=first_line[found[0]],
                )
            )
        else:
            first_line[found[0]] = line.number
            matched.values[found[0]] = line.values
    _refuse(problems)
    return matched


_FOLD: dict[str, Callable[[str], str]] = {
    "user_id": str,
    "email": str.casefold,
    "name": lambda name: unicodedata.normalize("NFC", name.casefold()),
}


@dataclass(frozen=True, slots=True)
class _Known:
    """The people of a course: their ids by what a file says of them, their names by id."""

    ids: dict[str, list[int]]
    names: dict[int, str]


def _people_by(session: Session, course_id: int, key: str) -> _Known:
    column = {"user_id": Person.subject, "email": Person.email, "name": Person.name}[key]
    query = select(Person.id, Person.name, column).join(Enrolment, Enrolment.person_id == Person.id)
    query = query.where(Enrolment.course_id == course_id, Enrolment.left_at.is_(None), column.is_not(None))
    found: defaultdict[str, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    for person_id, name, value in session.execute(query):
        found[_FOLD[key](_clean(value or ""))].append(person_id)
        names[person_id] = name
    return _Known(found, names)


def _refuse(problems: list[str]) -> None:
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        rest = [_("… and %(count)s more.", count=more)] if more > 0 else []
        raise ImportRefusedError(*problems[:PROBLEMS_SHOWN], *rest)
