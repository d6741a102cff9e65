"""Grades reach the LMS once, whole, and never over a person's grade; nothing that goes wrong loses one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from lti_tool import clock, gradebook
from lti_tool.database import db, transaction
from lti_tool.gradebook import claims, closing, decisions, places, progress, reading
from lti_tool.gradebook.progress import Progress
from lti_tool.gradebook.states import State
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import grades
from lti_tool.lti.failures import Refused
from lti_tool.lti.launch import Role
from lti_tool.roster.tables import Course, Enrolment, Person
from tests.gradebook.course import CourseInLms
from tests.support import factories


class KilledError(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, place: object, name: str, *, after: bool = False) -> Iterator[None]:
    """The process dies when it calls `name`, or when that has been done."""
    real = getattr(place, name)

    def die(*args: object, **kwargs: object) -> None:
        if after:
            real(*args, **kwargs)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(KilledError):
            yield
    db.session.rollback()


def decide(lms: CourseInLms, person: int, what: str) -> None:
    cell_id = lms.cell(person).id
    (teacher,) = factories.make_people(lms.course, [f"Teacher {clock.wall()}"], role=Role.INSTRUCTOR)
    teacher_id = teacher.id
    with transaction() as session:
        cell = decisions.find(session, lms.course_id, cell_id)
        assert cell is not None
        if what == "try_again":
            decisions.try_again(session, cell, teacher_id)
        else:
            getattr(decisions, what)(session, cell, teacher_id, decisions.sight(cell.values))


def read_back(lms: CourseInLms) -> None:
    with transaction() as session:
        reading.want_reading(session, lms.course_id)
    lms.work()


# Sending


def test_a_deed_is_in_the_lms_with_its_comment_and_is_sent_once(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=5, due=6)
    lms.work()
    lms.hurry()
    lms.work()
    sent = lms.sent()
    assert lms.grade(ada) == 83.33
    assert lms.state(ada) is State.TRUE
    assert [(s["payload"]["comment"], s["payload"]["scoreGiven"], s["status"]) for s in sent] == [
        ("5 of 8 sessions", 83.33, 200)
    ]


def test_the_lms_gets_few_columns_with_names_that_instructors_understand(lms: CourseInLms) -> None:
    lms.did(*lms.people, done=1, due=1)
    lms.work()
    assert [(item["label"], item["score_maximum"], item["resource_id"], item["tag"]) for item in lms.items()] == [
        ("Giving feedback: sessions attended", 100, lms.resource_id, "sessions"),
        ("Giving feedback: program completion", 100, lms.resource_id, "completion"),
    ]


def test_columns_that_are_there_already_are_found_again(lms: CourseInLms) -> None:
    lms.did(*lms.people, done=1, due=1)
    lms.work()
    with transaction() as session:
        session.execute(update(Column).values(line_item_url=None))
    lms.did(*lms.people, done=1, due=2)
    lms.work()
    assert len(lms.items()) == 2
    assert lms.grade(lms.people[0]) == 50


def test_recounting_everybody_sends_only_what_differs(lms: CourseInLms) -> None:
    ada, bo, _chi = lms.people
    lms.did(*lms.people, done=3, due=3)
    lms.work()
    lms.did(bo, done=3, due=4)
    with transaction() as session:
        progress.everybody(session, lms.program_id)
    lms.work()
    assert len(lms.sent()) == 4
    assert lms.grade(bo) == 75
    assert lms.grade(ada) == 100


def test_before_anything_is_due_nothing_is_sent(lms: CourseInLms) -> None:
    lms.did(*lms.people, done=0, due=0)
    lms.work()
    assert lms.items() == []
    assert lms.state(lms.people[0]) is State.WAITING


def test_a_score_that_is_no_longer_due_is_cleared(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=0, due=0)
    lms.work()
    assert lms.grade(ada) is None
    assert lms.sent()[-1]["payload"]["activityProgress"] == "Initialized"


def test_completion_has_no_score_until_the_program_is_over_and_then_gets_one_by_itself(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lms.people[0]
    lms.progress[ada] = Progress(3, 4, 8)
    with transaction() as session:
        progress.changed(session, lms.program_id, [ada], now=factories.NOW)
    with monkeypatch.context() as during:
        during.setattr(clock, "now", lambda: factories.NOW)
        lms.work()
    before = lms.sent("completion")[-1]["payload"]
    lms.work()
    after = lms.sent("completion")[-1]["payload"]
    assert "scoreGiven" not in before
    assert (before["comment"], before["activityProgress"], before["gradingProgress"]) == (
        "3 of 8 done",
        "InProgress",
        "Pending",
    )
    assert (after["scoreGiven"], after["activityProgress"], after["gradingProgress"]) == (
        75,
        "Completed",
        "FullyGraded",
    )


@pytest.mark.parametrize(("role", "is_test"), [(Role.LEARNER, True), (Role.MENTOR, False), (Role.INSTRUCTOR, False)])
def test_test_users_observers_and_staff_never_get_a_cell(
    lms_on_sqlite: CourseInLms, role: Role, is_test: bool
) -> None:
    lms = lms_on_sqlite
    guest = factories.make_people(lms.course, ["Guest"], role=role, is_test=is_test)[0].id
    lms.did(guest, done=1, due=1)
    assert db.session.scalars(select(Cell).where(Cell.person_id == guest)).all() == []


def test_who_has_left_keeps_the_cells_and_is_sent_nothing_new_until_they_return(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    with transaction() as session:
        session.execute(update(Enrolment).where(Enrolment.person_id == ada).values(left_at=factories.NOW))
    lms.did(ada, done=1, due=2)
    lms.work()
    gone = (lms.items(), lms.cell(ada).wanted_score)
    with transaction() as session:
        session.execute(update(Enrolment).where(Enrolment.person_id == ada).values(left_at=None))
    lms.did(ada, done=1, due=2)
    lms.work()
    assert gone == ([], 100)
    assert lms.grade(ada) == 50


def test_two_deeds_at_once_both_count(lms: CourseInLms) -> None:
    """The second waits for the first, so neither writes a count that lacks the other's."""
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    started = threading.Event()

    def second() -> None:
        with lms.app.app_context():
            started.set()
            with transaction() as session:
                lms.progress[ada] = Progress(3, 3, 8)
                progress.changed(session, lms.program_id, [ada])

    thread = threading.Thread(target=second)
    with transaction() as session:
        lms.progress[ada] = Progress(2, 2, 8)
        progress.changed(session, lms.program_id, [ada])
        thread.start()
        started.wait()
        thread.join(0.3)
        waited = thread.is_alive()
    thread.join(10)
    assert waited
    assert lms.cell(ada).wanted_comment == "3 of 8 sessions"


def test_recounting_a_thousand_costs_as_many_queries_as_one(lms: CourseInLms) -> None:
    many = [person.id for person in factories.make_people(lms.course, [f"Learner {n}" for n in range(1000)])]
    lms.did(lms.people[0], done=1, due=1)
    counts: list[int] = []

    def counted(*_args: object) -> None:
        counts[-1] += 1

    event.listen(db.engine, "before_cursor_execute", counted)
    try:
        for people, done in ((lms.people[1:2], 1), (many, 1), (lms.people[1:2], 2), (many, 2)):
            counts.append(0)
            lms.did(*people, done=done, due=2)
    finally:
        event.remove(db.engine, "before_cursor_execute", counted)
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


@pytest.mark.usefixtures("app")
def test_finding_what_differs_looks_only_at_what_differs() -> None:
    query = select(Cell.column_id).where(*claims.due_cells(clock.wall()))
    compiled = query.compile(db.engine, compile_kwargs={"literal_binds": False})
    with db.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}", ("2026-01-01",) * str(compiled).count("?")
        ).all()
    assert any("USING INDEX ix_gradebook_cell_differing" in str(row) for row in plan)


# A person's grade


def test_a_grade_that_a_person_set_is_kept_and_not_overwritten(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "64.5")
    read_back(lms)
    held = lms.state(ada)
    lms.did(ada, done=1, due=2)
    lms.work()
    assert held is State.HELD
    assert lms.grade(ada) == 64.5
    assert lms.state(ada) is State.HELD
    assert lms.cell(ada).shown_by is not None


def test_a_change_in_the_lms_is_seen_before_sending_even_if_nobody_read_back(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    lms.hurry()
    lms.did(ada, done=1, due=2)
    lms.work()
    assert lms.grade(ada) == 9
    assert lms.state(ada) is State.HELD


def test_many_are_read_at_once_before_they_are_sent(lms: CourseInLms) -> None:
    more = [person.id for person in factories.make_people(lms.course, [f"More {n}" for n in range(closing.FEW + 2)])]
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    lms.hurry()
    before = lms.sandbox.control.state()["calls"]["results"]
    lms.did(*lms.people, *more, done=1, due=2)
    lms.work()
    after = lms.sandbox.control.state()["calls"]["results"]
    assert lms.grade(ada) == 9
    assert lms.grade(lms.people[1]) == 50
    assert after - before < 5
    assert {lms.state(person) for person in more} == {State.REFUSED}


def test_a_grade_that_stood_there_before_we_ever_sent_is_a_persons(lms: CourseInLms) -> None:
    ada, bo, _chi = lms.people
    lms.did(bo, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "40")
    lms.hurry()
    lms.did(ada, done=1, due=1)
    lms.work()
    assert lms.grade(ada) == 40
    assert lms.state(ada) is State.HELD


def test_keeping_holds_until_the_lms_shows_another_grade(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    read_back(lms)
    decide(lms, ada, "keep")
    lms.did(ada, done=1, due=2)
    lms.work()
    kept = (lms.state(ada), lms.grade(ada))
    lms.teacher_types(ada, "10")
    read_back(lms)
    assert kept == (State.KEPT, 9)
    assert lms.state(ada) is State.HELD


def test_sending_ours_replaces_the_persons_grade_even_by_the_same_that_was_sent_before(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    read_back(lms)
    decide(lms, ada, "send_ours")
    lms.work()
    assert lms.grade(ada) == 100
    assert lms.state(ada) is State.TRUE


def test_a_decision_to_send_does_not_cover_a_grade_that_was_typed_later(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    read_back(lms)
    decide(lms, ada, "send_ours")
    lms.teacher_types(ada, "12")
    lms.hurry()
    lms.work()
    assert lms.grade(ada) == 12
    assert lms.state(ada) is State.HELD


def test_a_persons_grade_stays_theirs_when_ours_becomes_the_same_for_a_while(lms: CourseInLms) -> None:
    ada, bo, _chi = lms.people
    lms.did(ada, bo, done=1, due=2)
    lms.work()
    for person in (ada, bo):
        lms.teacher_types(person, "100")
    read_back(lms)
    decide(lms, bo, "keep")
    lms.did(ada, bo, done=3, due=3)
    lms.work()
    same = [lms.state(person) for person in (ada, bo)]
    lms.did(ada, bo, done=3, due=4)
    lms.work()
    assert same == [State.TRUE, State.KEPT]
    assert [lms.state(person) for person in (ada, bo)] == [State.HELD, State.KEPT]
    assert [lms.grade(person) for person in (ada, bo)] == [100, 100]
    assert len(lms.sent()) == 2


def test_a_grade_that_a_person_cleared_is_not_filled_again_until_somebody_says_so(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "")
    read_back(lms)
    lms.did(ada, done=1, due=2)
    lms.work()
    cleared = (lms.state(ada), lms.grade(ada))
    decide(lms, ada, "keep")
    lms.did(ada, done=1, due=4)
    lms.work()
    kept = (lms.state(ada), lms.grade(ada))
    decide(lms, ada, "send_ours")
    lms.work()
    assert cleared == (State.HELD, None)
    assert kept == (State.KEPT, None)
    assert (lms.state(ada), lms.grade(ada)) == (State.TRUE, 25)


def test_a_comment_that_a_person_wrote_is_not_overwritten_until_somebody_says_so(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "100", "Well done, Ada")
    lms.did(ada, done=1, due=2)
    lms.work()
    held = (lms.state(ada), lms.item()["grades"][lms.subject(ada)]["comment"])
    decide(lms, ada, "send_ours")
    lms.work()
    assert held == (State.HELD, "Well done, Ada")
    assert lms.item()["grades"][lms.subject(ada)]["comment"] == "1 of 8 sessions"
    assert lms.state(ada) is State.TRUE


def test_a_column_that_the_instructor_rescales_is_still_ours(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=2, due=3)
    lms.work()
    _rescale(lms, 8)
    read_back(lms)
    assert lms.grade(ada) == pytest.approx(66.67 * 8 / 100)
    assert lms.state(ada) is State.TRUE


def _rescale(lms: CourseInLms, maximum: float) -> None:
    """As an instructor would in the LMS's settings of the column."""
    place = places.of(db.session(), lms.column())
    db.session.rollback()
    item = lms.item()
    body = {
        "label": item["label"],
        "scoreMaximum": maximum,
        "resourceId": item["resource_id"],
        "tag": "sessions",
    }
    place.connection.call(
        "grades",
        "PUT",
        place.url,
        scopes=(grades.SCOPE_LINE_ITEM,),
        content=(grades.LINE_ITEM_TYPE, json.dumps(body).encode()),
    )


# What goes wrong


def test_a_process_that_dies_between_done_and_sent_loses_nothing(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    with killed_at(monkeypatch, closing, "_send"):
        lms.work()
    lms.leases_expire()
    lms.work()
    assert lms.grade(ada) == 50
    assert lms.state(ada) is State.TRUE


def test_a_deed_that_is_rolled_back_wants_nothing(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.progress[ada] = Progress(1, 1, 8)
    session = db.session()
    progress.changed(session, lms.program_id, [ada])
    session.rollback()
    assert db.session.scalars(select(Cell)).all() == []
    assert lms.work() == 0


def test_a_score_whose_answer_nobody_noted_is_not_sent_again(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    with killed_at(monkeypatch, closing, "_note"):
        lms.work()
    lms.leases_expire()
    lms.hurry()
    lms.work()
    assert lms.grade(ada) == 50
    assert lms.state(ada) is State.TRUE
    assert len(lms.sent()) == 2


def test_a_persons_grade_is_told_from_an_answer_that_was_lost(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bo, _chi = lms.people
    lms.did(ada, bo, done=1, due=1)
    lms.work()
    lms.did(ada, bo, done=1, due=2)
    with killed_at(monkeypatch, closing, "_note"):
        lms.work()
    lms.teacher_types(bo, "9")
    lms.leases_expire()
    lms.did(ada, bo, done=1, due=4)
    lms.work()
    assert (lms.state(ada), lms.grade(ada)) == (State.TRUE, 25)
    assert (lms.state(bo), lms.grade(bo)) == (State.HELD, 9)


@pytest.mark.parametrize(
    "kind", ["status:500", "status:503", "status:429;retry-after=0", "drop-before", "drop-after"]
)
def test_a_fault_that_passes_only_delays(lms_on_sqlite: CourseInLms, kind: str) -> None:
    lms = lms_on_sqlite
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    lms.sandbox.control.fault("scores", kind, times=1, users=[lms.subject(ada)])
    lms.work()
    lms.hurry()
    lms.work()
    assert lms.grade(ada) == 50
    assert lms.state(ada) is State.TRUE


def test_an_answer_that_was_dropped_after_the_score_was_stored_is_settled_by_reading(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.sandbox.control.fault("scores", "drop-after", times=1, users=[lms.subject(ada)])
    lms.work()
    lms.hurry()
    lms.work()
    assert lms.state(ada) is State.TRUE
    assert len(lms.sent()) + len(lms.sent("completion")) == 2


def test_a_platform_that_asks_to_slow_down_is_left_alone_for_so_long(lms: CourseInLms) -> None:
    lms.did(*lms.people, done=1, due=1)
    lms.work()
    lms.did(*lms.people, done=1, due=2)
    lms.sandbox.control.fault("scores", "status:429;retry-after=300")
    lms.work()
    sent, waits = len(lms.sent()), (lms.column().try_at - clock.wall()).total_seconds()
    lms.work()
    assert 250 < waits <= 300
    assert 250 < (lms.column("completion").try_at - clock.wall()).total_seconds() <= 300
    assert len(lms.sent()) == sent
    assert lms.state(lms.people[0]) is State.ON_ITS_WAY


def test_retry_after_is_kept_for_a_single_score(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.sandbox.control.fault("scores", "status:503;retry-after=120", users=[lms.subject(ada)])
    lms.work()
    try_at = lms.cell(ada).try_at
    assert try_at is not None
    assert 100 < (try_at - clock.wall()).total_seconds() <= 120


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refused_score_says_why_and_waits_until_something_changes(lms_on_sqlite: CourseInLms, status: int) -> None:
    lms = lms_on_sqlite
    ada, bo, _chi = lms.people
    lms.sandbox.control.fault("scores", f"status:{status}", users=[lms.subject(ada)])
    lms.did(ada, bo, done=1, due=1)
    lms.work()
    refused = lms.cell(ada)
    seen = (lms.state(ada), refused.problem, refused.problem_reference is not None, len(lms.sent()))
    lms.hurry()
    lms.work()
    again = len(lms.sent())
    lms.sandbox.control.clear_faults()
    decide(lms, ada, "try_again")
    lms.work()
    assert seen == (State.REFUSED, "The LMS refused this grade: fault", True, 2)
    assert again == 2
    assert lms.state(ada) is State.TRUE
    assert lms.grade(bo) == 100


def test_somebody_whom_the_lms_does_not_grade_stops_nobody_else(lms: CourseInLms) -> None:
    stranger = factories.make_people(lms.course, ["Stranger"])[0].id
    lms.did(*lms.people, stranger, done=1, due=1)
    lms.work()
    assert lms.state(stranger) is State.REFUSED
    assert "is not a learner who can be graded" in (lms.cell(stranger).problem or "")
    assert {lms.state(person) for person in lms.people} == {State.TRUE}


def test_a_score_that_the_lms_finds_too_old_is_read_and_sent_with_a_later_time(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    lms.sandbox.control.fault("scores", "status:409", times=1, users=[lms.subject(ada)])
    lms.work()
    lms.hurry()
    lms.work()
    times = [score["payload"]["timestamp"] for score in lms.sent()]
    assert lms.grade(ada) == 50
    assert times == sorted(set(times))


def test_times_rise_by_whole_seconds_even_if_the_clock_goes_back(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lms.people[0]
    for due in (1, 2, 3):
        lms.did(ada, done=1, due=due)
        lms.work()
    lms.did(ada, done=1, due=4)
    lms.hurry()
    past = clock.wall() - timedelta(minutes=5)
    monkeypatch.setattr(clock, "wall", lambda: past)
    lms.work()
    times = [score["payload"]["timestamp"][:19] for score in lms.sent()]
    assert lms.grade(ada) == 25
    assert times == sorted(set(times))
    assert len(times) == 4


def test_a_column_that_was_deleted_in_the_lms_is_made_again_with_every_grade(lms: CourseInLms) -> None:
    ada, bo, _chi = lms.people
    lms.did(ada, bo, done=1, due=1)
    lms.work()
    place = places.of(db.session(), lms.column())
    db.session.rollback()
    place.connection.call("grades", "DELETE", place.url, scopes=(grades.SCOPE_LINE_ITEM,))
    lms.hurry()
    lms.did(ada, done=1, due=2)
    lms.work()
    assert (lms.grade(ada), lms.grade(bo)) == (50, 100)
    assert (lms.state(ada), lms.state(bo)) == (State.TRUE, State.TRUE)


@pytest.mark.parametrize(
    "values",
    [{"line_items_url": None}, {"grade_scopes": [grades.SCOPE_LINE_ITEM]}, {"grade_scopes": []}],
)
def test_a_course_without_grade_services_says_so_and_its_cells_wait_until_a_launch_brings_them(
    lms_on_sqlite: CourseInLms, values: dict[str, object]
) -> None:
    lms = lms_on_sqlite
    ada = lms.people[0]
    course = db.session.get(Course, lms.course_id)
    assert course is not None
    good = {"line_items_url": course.line_items_url, "grade_scopes": course.grade_scopes}
    with transaction() as session:
        session.execute(update(Course).where(Course.id == lms.course_id).values(**values))
    lms.did(ada, done=1, due=1)
    lms.work()
    problem = lms.column().problem
    with transaction() as session:
        session.execute(update(Course).where(Course.id == lms.course_id).values(**good))
        reading.want_reading(session, lms.course_id)
    lms.work()
    assert problem is not None
    assert "administrator" in problem
    assert lms.grade(ada) == 100
    assert lms.column().problem is None


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("token", "status:500"),
        ("token", "status:401"),
        ("token", "broken-json"),
        ("lineitems", "status:403"),
        ("lineitems", "broken-json"),
        ("results", "status:401"),
        ("results", "broken-json"),
        ("results", "drop-before"),
    ],
)
def test_whatever_service_fails_the_grade_arrives_afterwards(
    lms_on_sqlite: CourseInLms, service: str, kind: str
) -> None:
    lms = lms_on_sqlite
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.sandbox.control.fault(service, kind)
    lms.work()
    problem = lms.column().problem
    lms.sandbox.control.clear_faults()
    lms.hurry()
    lms.work()
    assert problem is not None
    assert lms.grade(ada) == 100


def test_a_late_answer_of_a_worker_that_lost_its_lease_changes_nothing(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    batch = _claim(lms)
    lms.leases_expire()
    lms.work()
    (task,) = batch.tasks
    stale = claims.Sending(task, task.values.wanted, factories.NOW)
    closing._note(batch, [closing.Outcome(stale)])
    cell = lms.cell(ada)
    assert cell.sent_timestamp != factories.NOW
    assert lms.grade(ada) == 50


def _claim(lms: CourseInLms) -> claims.Batch:
    now = clock.wall()
    with transaction() as session:
        column = session.get(Column, lms.column().id)
        assert column is not None
        batch = claims.claim(session, column, now)
    assert batch is not None
    return batch


def test_two_workers_never_send_out_of_order_or_twice(lms: CourseInLms) -> None:
    people = lms.people
    errors: list[BaseException] = []
    stop = threading.Event()

    def worker() -> None:
        try:
            with lms.app.app_context():
                while not stop.is_set():
                    gradebook.run()
                    db.session.remove()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=worker) for _ in range(2)]
    for thread in workers:
        thread.start()
    for due in range(1, 7):
        lms.did(*people, done=1, due=due)
    stop.wait(1.0)
    stop.set()
    for thread in workers:
        thread.join(30)
    lms.work()
    scores = lms.sent()
    assert errors == []
    assert [lms.grade(person) for person in people] == [16.67] * 3
    for person in people:
        own = [s["payload"] for s in scores if s["sub"] == lms.subject(person)]
        times = [payload["timestamp"] for payload in own]
        values = [payload["scoreGiven"] for payload in own]
        assert times == sorted(set(times))
        assert values == sorted(set(values), reverse=True)
    assert {score["status"] for score in scores} == {200}


def test_a_late_refusal_does_not_stop_what_is_wanted_by_now(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    batch = _claim(lms)
    (sending,) = claims.prepare(batch, {})
    lms.did(ada, done=1, due=4)
    closing._note(batch, [closing.Outcome(sending, Refused("grades", "no", status=422))])
    before = lms.state(ada)
    lms.work()
    assert before is State.ON_ITS_WAY
    assert lms.grade(ada) == 25


def test_a_change_that_is_taken_back_while_it_is_sent_does_not_stay_in_the_lms(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=2)
    lms.work()
    lms.did(ada, done=2, due=2)
    batch = _claim(lms)
    (sending,) = claims.prepare(batch, {})
    lms.did(ada, done=1, due=2)
    closing._send(batch, [sending])
    between = (lms.grade(ada), lms.state(ada))
    lms.work()
    assert between == (100, State.ON_ITS_WAY)
    assert (lms.grade(ada), lms.state(ada)) == (50, State.TRUE)


def test_a_change_that_is_taken_back_after_its_answer_was_lost_does_not_stay_in_the_lms(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=2)
    lms.work()
    lms.did(ada, done=2, due=2)
    lms.sandbox.control.fault("scores", "drop-after", times=1, users=[lms.subject(ada)])
    lms.work()
    lms.did(ada, done=1, due=2)
    between = (lms.grade(ada), lms.state(ada))
    lms.work()
    assert between == (100, State.ON_ITS_WAY)
    assert (lms.grade(ada), lms.state(ada)) == (50, State.TRUE)


def test_one_person_who_cannot_be_looked_up_stops_nobody_else(lms: CourseInLms) -> None:
    ada, bo, chi = lms.people
    lms.did(ada, bo, chi, done=1, due=1)
    lms.work()
    lms.sandbox.control.fault("results", "status:400", users=[lms.subject(ada)])
    lms.did(ada, bo, chi, done=1, due=2)
    lms.work()
    assert [lms.grade(person) for person in (ada, bo, chi)] == [100, 50, 50]
    assert lms.state(ada) is State.REFUSED
    assert lms.column().problem is None


def test_a_decision_is_not_taken_about_a_grade_that_is_being_sent(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    read_back(lms)
    decide(lms, ada, "send_ours")
    _claim(lms)
    with pytest.raises(decisions.OutdatedError):
        decide(lms, ada, "keep")


# Reading back


def test_a_reading_that_takes_longer_than_anything_stays_fresh_is_not_repeated_for_ever(
    lms_on_sqlite: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    lms = lms_on_sqlite
    more = lms.enrol(closing.FEW + 2)
    monkeypatch.setattr(claims, "FRESH", timedelta(seconds=0.5))
    read = grades.read_results

    def slowly(*args: object, **kwargs: str) -> Iterator[grades.Result]:
        yield from read(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        if "user_id" not in kwargs:
            time.sleep(0.6)

    monkeypatch.setattr(grades, "read_results", slowly)
    lms.did(*more, done=1, due=1)
    lms.work()
    assert {lms.state(person) for person in more} == {State.TRUE}


def test_what_was_looked_up_during_a_reading_is_newer_than_what_it_reads(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    began = clock.wall()
    place = places.of(db.session(), lms.column())
    db.session.rollback()
    old = list(grades.read_results(place.connection, place.url))
    lms.teacher_types(ada, "9")
    lms.did(ada, done=1, due=2)
    lms.work()
    with transaction() as session:
        reading._apply(session, reading.Reading("owner", place, began), old, began)
    lms.work()
    assert (lms.grade(ada), lms.state(ada)) == (9, State.HELD)


def test_who_has_left_and_is_no_longer_listed_needs_nobody(lms: CourseInLms, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    with transaction() as session:
        session.execute(update(Enrolment).where(Enrolment.person_id == ada).values(left_at=factories.NOW))
    monkeypatch.setattr(grades, "read_results", lambda *_args, **_more: iter(()))
    read_back(lms)
    assert lms.state(ada) is State.TRUE


def test_a_cell_that_was_in_somebodys_hands_during_a_reading_is_looked_up_before_it_is_sent(
    lms: CourseInLms,
) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.did(ada, done=1, due=2)
    _claim(lms)
    lms.teacher_types(ada, "9")
    read_back(lms)
    lms.leases_expire()
    lms.work()
    assert lms.grade(ada) == 9
    assert lms.state(ada) is State.HELD


def test_results_are_read_over_several_pages_and_strangers_are_passed_over(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lms.people[0]
    friend = factories.make_people(lms.course, ["Friend"])[0].id
    with transaction() as session:
        session.execute(update(Person).where(Person.id == friend).values(subject=lms.subjects()[10]))
    lms.did(*lms.people, done=1, due=1)
    lms.work()
    lms.teacher_types(friend, "60")
    lms.teacher_types(ada, "60")
    under = grades.under
    monkeypatch.setattr(grades, "under", lambda url, name: f"{under(url, name)}&limit=1")
    before = lms.sandbox.control.state()["calls"]["results"]
    read_back(lms)
    assert lms.sandbox.control.state()["calls"]["results"] - before > 4
    assert lms.state(ada) is State.HELD
    assert [lms.state(person) for person in lms.people[1:]] == [State.TRUE, State.TRUE]


def test_a_reading_does_not_undo_what_was_sent_after_it_began(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    began = clock.wall()
    place = places.of(db.session(), lms.column())
    db.session.rollback()
    old = list(grades.read_results(place.connection, place.url))
    lms.did(ada, done=1, due=2)
    lms.work()
    with transaction() as session:
        reading._apply(session, reading.Reading("owner", place, began), old, began)
    assert lms.state(ada) is State.TRUE
    assert lms.cell(ada).shown_score is None


def test_the_columns_of_a_running_program_are_read_every_ten_minutes(
    lms: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: factories.NOW)
    ada = lms.people[0]
    lms.did(ada, done=1, due=1)
    lms.work()
    lms.teacher_types(ada, "9")
    lms.work()
    before = lms.state(ada)
    lms.hurry()
    lms.work()
    assert before is State.TRUE
    assert lms.state(ada) is State.HELD


def test_a_reading_of_many_learners_without_a_grade_keeps_nobody_waiting_for_long(
    lms_on_sqlite: CourseInLms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written down some at a time."""
    lms = lms_on_sqlite
    monkeypatch.setattr(reading, "ROWS", 4)
    more = lms.enrol(closing.FEW + 2)
    lms.did(lms.people[0], done=1, due=1)
    lms.work()
    lms.did(*more, done=1, due=1)
    with transaction() as session:
        reading.want_program(session, lms.program_id)
    most: list[int] = [0]

    def begun(*_args: object) -> None:
        most.append(0)

    def written(_connection: object, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
        if statement.startswith("UPDATE gradebook_cell"):
            most[-1] += len(parameters) if isinstance(parameters, list) else 1

    event.listen(db.engine, "begin", begun)
    event.listen(db.engine, "after_cursor_execute", written)
    try:
        while reading.read_due():
            db.session.remove()
    finally:
        event.remove(db.engine, "begin", begun)
        event.remove(db.engine, "after_cursor_execute", written)
    assert 0 < max(most) <= reading.ROWS
    assert all(lms.cell(person).shown_at is not None for person in more)
