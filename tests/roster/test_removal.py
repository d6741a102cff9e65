"""An LMS that is used no more is removed by the operator, and nothing of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import ColumnElement, Table, UniqueConstraint, func, select

from lti_tool.database import Base, db
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.platform_commands import remove
from tests.support import factories


def ask(app: Flask, number: int, *options: str) -> Result:
    db.session.remove()
    return app.test_cli_runner().invoke(remove, [str(number), *options])


def rows() -> dict[str, int]:
    db.session.rollback()
    tables = Base.metadata.sorted_tables
    return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def make_used(issuer: str) -> int:
    """An LMS in whose course people learn; its number."""
    course = factories.make_course(title=issuer, issuer=issuer)
    program = factories.make_program(course)
    people = factories.make_people(course, 8)
    factories.make_cohort(program, people)
    return db.session.scalars(select(LtiRegistration.id).where(LtiRegistration.issuer == issuer)).one()


def test_an_lms_goes_with_its_courses_once_their_number_is_said(any_app: Flask) -> None:
    make_used("https://kept.test")
    before = rows()
    number = make_used("https://gone.test")
    both = rows()
    for options in ([], ["--with-courses", "2"]):
        refused = ask(any_app, number, *options)
        assert refused.exit_code == 1
        assert "courses: 1, people: 8" in refused.output
        assert rows() == both
    removed = ask(any_app, number, "--with-courses", "1")
    assert removed.exit_code == 0, removed.output
    assert rows() == before | {"audit": before["audit"] + 1}


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_removing_people_looks_through_no_whole_table(table: Table) -> None:
    found: list[Sequence[ColumnElement[Any]]] = [list(index.columns) for index in table.indexes]
    found += [list(rule.columns) for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    found.append(list(table.primary_key.columns))
    naming = [key.parent for key in table.foreign_keys if key.column.table.name == "person"]
    assert [column.name for column in naming if all(each[0] is not column for each in found)] == []


def test_an_lms_that_is_not_there_is_not_removed(app: Flask) -> None:
    assert "no LMS number 7" in ask(app, 7).output
