"""Attributes of people from a CSV file: what is taken, and what is refused with words that help."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from flask import Flask, current_app
from sqlalchemy import event, func, select

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.roster import attributes, importing, people
from lti_tool.roster.attributes import ImportRefusedError
from lti_tool.roster.importing import Preview
from lti_tool.roster.tables import Course, Person, PersonAttribute
from tests.support import factories


@pytest.fixture
def course(any_app: Flask) -> Course:
    assert any_app
    return factories.make_course()


@pytest.fixture
def three(course: Course) -> Sequence[Person]:
    return factories.make_people(course, ["Ana Ruiz", "Zoë Ångström", "Lin Wei"])


def take(course: Course, text: str | bytes) -> Preview:
    """Look at a file and take it; what it showed."""
    # A request is where the words find their language.
    with current_app.test_request_context(), transaction() as session:
        actor = session.scalars(select(Person.id)).first()
        assert actor is not None
        data = text if isinstance(text, bytes) else text.encode()
        shown = importing.preview(session, course.id, data)
        assert importing.take(session, course.id, actor, data, shown.digest) == shown.count
        return shown


def refusal(course: Course, text: str | bytes) -> str:
    with pytest.raises(ImportRefusedError) as caught:
        take(course, text)
    assert db.session.scalar(select(func.count(PersonAttribute.id))) == 0
    return " ".join(caught.value.problems)


def kept(course: Course) -> dict[int, dict[str, str]]:
    db.session.rollback()
    return people.attributes(db.session(), course.id)


def test_a_spreadsheet_gives_people_their_attributes(course: Course, three: Sequence[Person]) -> None:
    done = take(course, "name,department,site\nAna Ruiz,Sales,Lisbon\nZoë Ångström,IT,\n")
    assert (done.names, done.new, done.people) == (("department", "site"), ["department", "site"], 2)
    assert (done.added, done.changed, done.removed, done.unknown) == (3, 0, 0, ())
    assert kept(course) == {
        three[0].id: {"department": "Sales", "site": "Lisbon"},
        three[1].id: {"department": "IT"},
    }


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffname;department\r\nzoë  ångström;Sales, North\r\n",
        'name,department\n"Zoë Ångström","Sales, North"\n\n',
        "NAME;department\nZoe\u0308 A\u030angstro\u0308m;Sales, North\n",
    ],
)
def test_spreadsheets_of_every_kind_are_read(course: Course, three: Sequence[Person], data: str) -> None:
    take(course, data)
    assert kept(course) == {three[1].id: {"department": "Sales, North"}}


def test_the_id_of_the_lms_says_best_who_is_meant(course: Course, three: Sequence[Person]) -> None:
    take(course, f"name,user_id,site\nWhoever,{three[2].subject},Porto\n")
    assert kept(course) == {three[2].id: {"site": "Porto"}}


def test_a_later_file_changes_adds_and_takes_away(course: Course, three: Sequence[Person]) -> None:
    take(course, "name,department,site\nAna Ruiz,Sales,Lisbon\n")
    done = take(course, "name,site,level\nAna Ruiz,,new\n")
    assert kept(course) == {three[0].id: {"department": "Sales", "level": "new"}}
    assert (done.new, done.added, done.changed, done.removed) == (["level"], 1, 0, 1)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.before == {str(three[0].id): {"site": "Lisbon", "level": None}}


def test_emptied_columns_are_taken_away_of_many_people_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app
    course = factories.make_course()
    names = [person.name for person in factories.make_people(course, 60)]
    take(course, "\n".join(["name,site,level", *(f"{name},Lisbon,new" for name in names)]))
    monkeypatch.setattr(importing, "AT_ONCE", 25)
    deleted: list[str] = []

    def note(*args: object) -> None:
        if str(args[2]).startswith("DELETE"):
            deleted.append(str(args[2]))

    emptied = [*(f"{name},," for name in names[:59]), f"{names[59]},Porto,"]
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        take(course, "\n".join(["name,site,level", *emptied]))
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert [values for values in kept(course).values() if values] == [{"site": "Porto"}]
    assert len(deleted) == 2 * 3


def test_people_who_are_not_in_the_course_are_reported(course: Course, three: Sequence[Person]) -> None:
    assert three
    done = take(course, "name,site\nAna Ruiz,Lisbon\nSomebody Else,Porto\n")
    assert (done.people, done.unknown) == (1, ("line 3: Somebody Else",))


def test_a_name_that_two_people_have_is_not_guessed(course: Course, three: Sequence[Person]) -> None:
    assert three
    factories.make_people(course, ["ANA RUIZ"])
    assert "Line 2: 2 people are “Ana Ruiz”" in refusal(course, "name,site\nAna Ruiz,Lisbon\nLin Wei,Porto\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "file is empty"),
        ("name,site\n", "no lines"),
        ("who,site\nAna Ruiz,Lisbon\n", "user_id, email or name"),
        ("name\nAna Ruiz\n", "holds no attribute"),
        ("name,site,Site\nAna Ruiz,a,b\n", "same name"),
        ("name,,site\nAna Ruiz,a,b\n", "has no name"),
        ("name,site\nAna Ruiz\n", "Line 2: it has 1 cells and the header has 2"),
        ("name,site\n\nAna Ruiz,Lisbon,extra\n", "Line 3"),
        ("name,site\n,Lisbon\n", "Line 2: the column name is empty"),
        ("name,site\nAna Ruiz,a\nana ruiz,b\n", "on line 2 already"),
        (f"name,{'x' * 61}\nAna Ruiz,a\n", "longer than 60"),
        (f"name,site\nAna Ruiz,{'x' * 121}\n", "longer than 120"),
        ("name," + ",".join(f"a{n}" for n in range(21)) + "\nAna Ruiz" + ",x" * 21 + "\n", "more than 20"),
        ('name,site\nAna Ruiz,"open\n', "quotation marks"),
        ("name,site\nAna Ruiz,Málaga\n".encode("latin-1"), "Line 2: this is not UTF-8"),
        (b"name,site\nAna\0,x\n", "not a text file"),
        (b"name,site\n" + b"x" * attributes.MAX_BYTES, "larger than 1 MB"),
        ("name,site\n" + "\n" * 20_001, "more than 20000 lines"),
    ],
)
def test_a_file_with_something_wrong_changes_nothing_and_says_what(app: Flask, data: str | bytes, words: str) -> None:
    assert app
    course = factories.make_course()
    factories.make_people(course, ["Ana Ruiz"])
    assert words in refusal(course, data)


def test_attributes_do_not_grow_without_end(course: Course, three: Sequence[Person]) -> None:
    assert three
    names = [f"a{n}" for n in range(20)]
    take(course, f"name,{','.join(names)}\nAna Ruiz{',x' * 20}\n")
    with pytest.raises(ImportRefusedError, match="21 attributes"):
        take(course, "name,one more\nAna Ruiz,x\n")


def test_what_would_be_lost_is_told_before_what_is_added(course: Course, three: Sequence[Person]) -> None:
    take(course, "name,site\nAna Ruiz,Lisbon\nZoë Ångström,Porto\n")
    done = take(course, "name,site\nLin Wei,Faro\nAna Ruiz,\nZoë Ångström,Braga\n")
    assert [(change.who, change.before, change.after) for change in done.examples] == [
        (three[0].name, "Lisbon", ""),
        (three[1].name, "Porto", "Braga"),
        (three[2].name, "", "Faro"),
    ]
