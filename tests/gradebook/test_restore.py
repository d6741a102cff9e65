"""The database is restored from yesterday's backup: what the LMS shows since then is not destroyed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lti_tool.database import db
from lti_tool.gradebook.states import State
from tests.gradebook.course import CourseInLms


@contextmanager
def restored_afterwards(folder: Path) -> Iterator[None]:
    """What happens inside is forgotten by the database, as by a restore of a backup that was made before."""
    path, copy = Path(str(db.engine.url.database)), folder / "backup.db"
    with closing(sqlite3.connect(path)) as present, closing(sqlite3.connect(copy)) as backup:
        present.backup(backup)
    yield
    db.session.remove()
    db.engine.dispose()
    for left in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        left.unlink(missing_ok=True)
    shutil.copyfile(copy, path)


def test_newer_grades_stay_and_come_true_again_once_the_lost_deeds_are_repeated(
    lms_on_sqlite: CourseInLms, tmp_path: Path
) -> None:
    lms = lms_on_sqlite
    ada, bo, chi = lms.people
    lms.did(ada, bo, done=1, due=2)
    lms.work()
    with restored_afterwards(tmp_path):
        lms.did(ada, bo, chi, done=3, due=3)
        lms.work()
    sent = len(lms.sent())
    lms.hurry()
    lms.did(ada, bo, done=1, due=3)  # something happens before anybody knows what was lost
    lms.work()
    after = [lms.grade(person) for person in lms.people]
    states = [lms.state(person) for person in (ada, bo)]
    lms.did(ada, bo, chi, done=3, due=3)
    lms.hurry()
    lms.work()
    assert after == [100, 100, 100]
    assert states == [State.HELD, State.HELD]
    assert [lms.state(person) for person in lms.people] == [State.TRUE] * 3
    assert len(lms.sent()) == sent


def test_what_nobody_lost_goes_on_with_times_that_the_lms_accepts(lms_on_sqlite: CourseInLms, tmp_path: Path) -> None:
    lms = lms_on_sqlite
    ada, bo, _chi = lms.people
    lms.did(ada, bo, done=1, due=2)
    lms.work()
    with restored_afterwards(tmp_path):
        for due in (4, 2):  # ada's grade changes and comes back, with later times each
            lms.did(ada, done=1, due=due)
            lms.work()
        lms.teacher_types(bo, "9")
    lms.hurry()
    lms.did(*lms.people, done=2, due=2)
    for _ in range(4):  # each try has a time a second later; seconds pass between tries where nobody hurries
        lms.work()
        lms.hurry()
    lms.work()
    assert [lms.grade(person) for person in lms.people] == [100, 9, 100]
    assert [lms.state(person) for person in lms.people] == [State.TRUE, State.HELD, State.TRUE]
