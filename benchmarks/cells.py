"""What a cell costs when there are many: finding those that differ, and counting one learner anew.

The peer of each row is the same work in a small database, in turns with it in the same process: the ratio says how
much of the cost comes with size. Cells that agree are laid down by plain SQL; what is measured is the product's own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from flask import Flask
from sqlalchemy import Connection, event, func, select, text, update

import config
from benchmarks.__main__ import Row
from lti_tool import clock
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.gradebook import claims, progress
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.programs.tables import Program
from tests.support import factories

T = TypeVar("T")

ROUNDS = 7
FEW, MANY = 50_000, 5_000_000
LEARNERS, COLUMNS = 500, ("sessions", "assignments", "completion")
DIFFERING, COLUMNS_WITH_DIFFERENCES = 1_000, 10
FIND_GOAL = 1.5
SMALL, LARGE = 10, 1_000
RECOUNTS = 20
RECOUNT_GOAL = 1.2


def run() -> list[Row]:
    """The rows of the table: seconds, and how many times dearer the large one is."""
    with tempfile.TemporaryDirectory() as folder:
        return [finding(Path(folder)), *recounting(Path(folder))]


def finding(folder: Path) -> Row:
    """Claim all the cells that differ, as a worker does before it sends them."""
    with ExitStack() as stack:
        many, few = (stack.enter_context(database(folder / f"{cells}.db")) for cells in (MANY, FEW))
        for app, cells in ((many, MANY), (few, FEW)):
            with app.app_context():
                lay_down(cells)
        rounds = [(in_context(many, find), in_context(few, find)) for _ in range(ROUNDS + 1)][1:]
    name = f"finding the {DIFFERING:,} that differ among {MANY:,} cells, beside {FEW:,}"
    return dearer(name, rounds, FIND_GOAL)


def recounting(folder: Path) -> list[Row]:
    """Count one learner of a program anew; the queries must not depend on how many others there are."""
    with ExitStack() as stack:
        large, small = (stack.enter_context(database(folder / f"of-{size}.db")) for size in (LARGE, SMALL))
        of_large, of_small = in_context(large, lambda: taught(LARGE)), in_context(small, lambda: taught(SMALL))
        rounds = [
            (in_context(large, lambda: recount(of_large)), in_context(small, lambda: recount(of_small)))
            for _ in range(ROUNDS + 1)
        ][1:]
        queries = in_context(large, lambda: counted(of_large)), in_context(small, lambda: counted(of_small))
    return [
        dearer(f"counting one learner of {LARGE:,} anew, beside one of {SMALL}", rounds, RECOUNT_GOAL),
        Row(
            name="queries for that",
            ours=queries[0],
            peer=queries[1],
            unit="queries",
            ratio=None,
            goal=None,
            holds=queries[0] == queries[1],
        ),
    ]


def dearer(name: str, rounds: list[tuple[float, float]], goal: float) -> Row:
    """A row of medians; the ratio is the median of the rounds' own, and less is better."""
    ratio = statistics.median(large / small for large, small in rounds)
    ours, peer = (1000 * statistics.median(side) for side in zip(*rounds, strict=True))
    return Row(name=name, ours=ours, peer=peer, unit="ms, at most", ratio=ratio, goal=goal, holds=ratio <= goal)


@contextmanager
def database(path: Path) -> Iterator[Flask]:
    """An app with an empty database at `path`."""
    settings = config.Settings(
        database_url=f"sqlite:///{path}",
        queue_url=f"sqlite:///{path.with_suffix('.queue')}",
        keys_dir=path.parent / "keys",
        log_level="WARNING",
    )
    app = create_app(settings.with_secrets())
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def in_context(app: Flask, work: Callable[[], T]) -> T:
    with app.app_context():
        return work()


def lay_down(cells: int) -> None:
    """Courses with programs whose cells all agree with the LMS, then a thousand that do not."""
    course = factories.make_course()
    factories.make_people(course, LEARNERS)
    factories.make_program(course, sessions=1)
    courses = cells // (LEARNERS * len(COLUMNS))
    with transaction() as session:
        connection = session.connection()
        numbers = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :courses)"
        for table, changed in (("course", {"context_id": "'course-' || i"}), ("program", {"course_id": "i"})):
            copy(connection, table, numbers, changed, courses)
        connection.execute(
            text(
                "INSERT INTO enrolment (course_id, person_id, role, is_test, joined_at)"
                " SELECT course.id, person_id, role, is_test, joined_at FROM enrolment CROSS JOIN course"
                " WHERE course_id = 1 AND course.id > 1"
            )
        )
        now = clock.wall()
        session.add_all(
            Column(
                program_id=program, measure=measure, label=measure, maximum=100.0, resource_id=f"r{program}",
                tag=measure, line_item_url="https://lms.test/items/1", ends_at=now + timedelta(days=90), try_at=now,
                read_at=now,
            )
            for program in session.scalars(select(Program.id).order_by(Program.id))
            for measure in COLUMNS
        )  # fmt: skip
        session.flush()
        connection.execute(text(AGREEING), {"now": now.replace(tzinfo=None).isoformat(" ")})
        differ(connection)
    with transaction() as session:
        session.execute(text("ANALYZE"))


AGREEING = (
    "INSERT INTO gradebook_cell (column_id, person_id, wanted_score, wanted_comment, wanted_activity, wanted_grading,"
    " wanted_at, sent_score, sent_comment, sent_activity, sent_grading, sent_at, attempts, try_at)"
    " SELECT gradebook_column.id, person.id, 50, '4 of 8', 'InProgress', 'FullyGraded', :now, 50, '4 of 8',"
    " 'InProgress', 'FullyGraded', :now, 0, :now FROM gradebook_column CROSS JOIN person"
)


def copy(connection: Connection, table: str, numbers: str, changed: dict[str, str], courses: int) -> None:
    """Rows 2 to `courses` of a table like its first one, with an id and what is `changed` of their own."""
    names = [column.name for column in db.metadata.tables[table].columns]
    values = [changed.get(name, "i" if name == "id" else f"first.{name}") for name in names]
    connection.execute(
        text(
            f"INSERT INTO {table} ({', '.join(names)}) {numbers}"  # noqa: S608 - names of our own tables
            f" SELECT {', '.join(values)} FROM n CROSS JOIN (SELECT * FROM {table} WHERE id = 1) AS first"
        ),
        {"courses": courses},
    )


def differ(connection: Connection) -> None:
    """A hundred cells in each of ten columns, far from each other, want more than was sent."""
    columns = connection.scalar(select(func.count(Column.id))) or 0
    step = columns // COLUMNS_WITH_DIFFERENCES
    chosen = [1 + step * number for number in range(COLUMNS_WITH_DIFFERENCES)]
    connection.execute(
        update(Cell)
        .where(Cell.column_id.in_(chosen), Cell.person_id <= DIFFERING // COLUMNS_WITH_DIFFERENCES)
        .values(wanted_score=75.0)
    )


def find() -> float:
    """Seconds to claim every cell that differs; then they are let go again."""
    now, found = clock.wall(), 0
    began = time.perf_counter()
    while found < DIFFERING:
        with transaction() as session:
            has_due = Column.id.in_(select(Cell.column_id).where(*claims.due_cells(now)))
            column = claims.pick_column(session, now, has_due)
            batch = claims.claim(session, column, now) if column is not None else None
        if batch is None:
            raise RuntimeError(f"only {found} of {DIFFERING} were found")
        found += len(batch.tasks)
    seconds = time.perf_counter() - began
    with transaction() as session:
        for table in (Column, Cell):
            session.execute(
                update(table).values(leased_by=None, leased_until=None).where(table.leased_by.is_not(None))
            )
    return seconds


def taught(learners: int) -> tuple[int, list[int]]:
    """A program whose cohorts have had three sessions; its id and its learners."""
    course = factories.make_course()
    people = factories.make_people(course, learners)
    program = factories.make_program(course)
    for start in range(0, learners, SMALL):
        factories.make_cohort(program, people[start : start + SMALL], name=f"C{start}")
    program_id, ids = program.id, [person.id for person in people]
    with transaction() as session:
        progress.changed(session, program_id, ids)
    return program_id, ids


def recount(taught: tuple[int, list[int]]) -> float:
    """Seconds for one of several learners."""
    program_id, people = taught
    began = time.perf_counter()
    for person in people[:SMALL] * (RECOUNTS // SMALL):
        with transaction() as session:
            progress.changed(session, program_id, [person])
    return (time.perf_counter() - began) / RECOUNTS


def counted(taught: tuple[int, list[int]]) -> int:
    """The statements of one recount."""
    program_id, people = taught
    statements = 0

    def note(*_arguments: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with transaction() as session:
            progress.changed(session, program_id, people[:1])
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return statements
