"""The gradebook's pages, as instructors, assistants and learners meet them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.gradebook import decisions, overview, progress
from lti_tool.gradebook.progress import Measure, Progress
from lti_tool.gradebook.states import State
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.roster.tables import Course, Person
from tests.support import factories
from tests.support.factories import Browser


class Room:
    """A program with graded learners, as rows: these pages call no LMS."""

    def __init__(self, app: Flask, learners: int = 3, title: str = "Giving feedback") -> None:
        self.app = app
        self._visitors: dict[Role, Person] = {}
        done = Progress(3, 4, 8)
        app.extensions["measures"] = {}
        progress.register_measure(
            app,
            Measure(
                "sessions", _l("Sessions attended"), _l("sessions"), lambda _s, _p, ids, _n: dict.fromkeys(ids, done)
            ),
        )
        self.course: Course = factories.make_course(title=title)
        self.people: list[Person] = factories.make_people(self.course, learners)
        self.program_id = factories.make_program(self.course).id
        with transaction() as session:
            progress.changed(session, self.program_id, [person.id for person in self.people])

    def cell_id(self, index: int = 0, measure: str = "sessions") -> int:
        return db.session.scalars(
            select(Cell.id)
            .join(Column)
            .where(
                Column.program_id == self.program_id,
                Column.measure == measure,
                Cell.person_id == self.people[index].id,
            )
        ).one()

    def all_sent(self) -> None:
        """The LMS has been told everything."""
        with transaction() as session:
            session.execute(
                update(Cell).values(
                    sent_score=Cell.wanted_score,
                    sent_comment=Cell.wanted_comment,
                    sent_activity=Cell.wanted_activity,
                    sent_grading=Cell.wanted_grading,
                    sent_at=factories.NOW,
                )
            )
            session.execute(update(Column).values(read_at=factories.NOW, line_item_url="https://lms.test/item"))

    def shows(self, index: int, score: float | None, by: str | None = None, comment: str | None = None) -> int:
        cell_id = self.cell_id(index)
        shown = {"shown_score": score, "shown_comment": comment, "shown_by": by, "shown_at": factories.NOW}
        with transaction() as session:
            session.execute(update(Cell).where(Cell.id == cell_id).values(**shown))
        return cell_id

    def decide(self, cell_id: int, what: str) -> TestResponse:
        """Press a button of the cell's card, as the page has it now."""
        return self.visit().post(f"cells/{cell_id}/{what}", seen=decisions.sight(self.cell(cell_id).values))

    def refuses(self, index: int) -> int:
        cell_id = self.cell_id(index)
        with transaction() as session:
            session.execute(
                update(Cell)
                .where(Cell.id == cell_id)
                .values(
                    sent_activity=None,
                    problem_code="refused-422",
                    problem="The LMS refused this grade: an observer",
                    problem_reference="7F3K-2AQM",
                    try_at=None,
                )
            )
        return cell_id

    def cell(self, cell_id: int) -> Cell:
        db.session.rollback()
        found = db.session.get(Cell, cell_id, populate_existing=True)
        assert found is not None
        return found

    def visit(self, role: Role = Role.INSTRUCTOR) -> Browser:
        if role not in self._visitors:
            (self._visitors[role],) = factories.make_people(self.course, [f"The {role}"], role=role)
        return factories.visit(self.app, self.course, self._visitors[role], role)

    @property
    def address(self) -> str:
        return f"programs/{self.program_id}/gradebook"


@pytest.fixture
def room(app: Flask) -> Room:
    return Room(app)


def test_the_page_answers_whether_the_gradebook_is_right(room: Room) -> None:
    before = room.visit().get(room.address).text
    room.all_sent()
    room.shows(0, 9)
    after = room.visit().get(room.address).text
    assert "0 of 6 grades are in the LMS" in before
    assert "6 on their way" in before
    assert "5 of 6 grades are in the LMS" in after
    assert "1 needs you" in after


def test_before_anything_counts_the_page_says_so(app: Flask) -> None:
    room = Room(app, learners=0)
    assert "Nothing counts yet" in room.visit().get(room.address).text


def test_an_instructor_keeps_the_grade_of_the_lms(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    page = room.visit().get(room.address).text
    answer = room.decide(cell_id, "keep")
    assert "Keep 9" in page
    assert "Send 75" in page
    assert answer.status_code == 200
    assert "Kept as in the LMS" in answer.text
    assert "All 6 grades are in the LMS" in answer.text


def test_an_instructor_sends_ours_instead(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    answer = room.decide(cell_id, "send")
    assert "1 on its way" in answer.text
    assert room.cell(cell_id).try_at is not None


def test_a_refused_grade_is_explained_and_can_be_tried_again(room: Room) -> None:
    room.all_sent()
    cell_id = room.refuses(1)
    page = room.visit().get(room.address).text
    answer = room.visit().post(f"cells/{cell_id}/retry")
    assert "an observer" in page
    assert "7F3K-2AQM" in page
    assert "1 on its way" in answer.text


def test_a_decision_about_a_grade_that_has_changed_since_is_not_taken(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    seen = decisions.sight(room.cell(cell_id).values)
    for score, comment in ((10, None), (None, None), (9, "Well done")):
        room.shows(0, score, comment=comment)
        assert room.visit().post(f"cells/{cell_id}/keep", seen=seen).status_code == 409
    assert room.cell(cell_id).decision is None


def test_a_grade_that_was_cleared_in_the_lms_can_stay_so(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, None)
    page = room.visit().get(room.address).text
    assert "The LMS no longer shows the grade that Peerloop sent" in page
    assert "Keep no grade" in page
    assert "Kept as in the LMS" in room.decide(cell_id, "keep").text


def test_a_comment_that_was_written_in_the_lms_is_shown_with_the_choice(room: Room) -> None:
    (mei,) = factories.make_people(room.course, ["Mei Tanaka"], role=Role.INSTRUCTOR)
    room.all_sent()
    room.shows(0, 75, by=mei.subject, comment="Well <b>done</b>, Ada")
    page = room.visit().get(room.address).text
    assert "Mei Tanaka wrote a comment beside <strong>75</strong>" in page
    assert "Well &lt;b&gt;done&lt;/b&gt;, Ada" in page
    assert "Keep the comment" in page


def test_there_is_nothing_to_decide_about_a_grade_of_ours(room: Room) -> None:
    room.all_sent()
    for action in ("keep", "send", "retry"):
        assert room.visit().post(f"cells/{room.cell_id()}/{action}").status_code == 409


def test_a_cell_tells_its_story(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    room.decide(cell_id, "keep")
    page = room.visit().get(f"cells/{cell_id}").text
    assert "3 of 8 sessions" in page
    assert "What the LMS shows was kept" in page
    assert "The instructor" in page


def test_who_set_a_grade_is_named_where_the_lms_says_so(room: Room) -> None:
    (mei,) = factories.make_people(room.course, ["Mei Tanaka"], role=Role.INSTRUCTOR)
    room.all_sent()
    room.shows(0, 9, by=mei.subject)
    assert "Mei Tanaka set <strong>9</strong>" in room.visit().get(room.address).text


def test_an_assistant_sees_the_gradebook_and_changes_nothing(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    assistant = room.visit(Role.TEACHING_ASSISTANT)
    page = assistant.get(room.address)
    assert page.status_code == 200
    assert "Keep 9" not in page.text
    for path in (f"cells/{cell_id}/keep", f"cells/{cell_id}/send", f"cells/{cell_id}/retry", f"{room.address}/read"):
        assert assistant.post(path).status_code == 403


def test_a_learner_may_not_open_the_gradebook(room: Room) -> None:
    learner = room.visit(Role.LEARNER)
    assert learner.get(room.address).status_code == 403
    assert learner.get(f"cells/{room.cell_id()}").status_code == 403
    assert learner.post(f"cells/{room.cell_id()}/keep").status_code == 403


def test_another_courses_gradebook_is_not_found(room: Room, app: Flask) -> None:
    other = Room(app, title="Coaching")
    stranger = other.visit()
    assert stranger.get(room.address).status_code == 404
    assert stranger.post(f"{room.address}/read").status_code == 404
    for action in ("keep", "send", "retry"):
        assert stranger.post(f"cells/{room.cell_id()}/{action}").status_code == 404
    assert stranger.get(f"cells/{room.cell_id()}").status_code == 404
    assert stranger.get("cells/999999").status_code == 404


def test_a_form_without_its_token_changes_nothing(room: Room) -> None:
    room.all_sent()
    cell_id = room.shows(0, 9)
    assert room.visit().post(f"cells/{cell_id}/keep", csrf_token="").status_code == 400
    assert room.cell(cell_id).decision is None


def test_the_button_asks_for_a_reading(room: Room) -> None:
    room.visit().post(f"{room.address}/read")
    assert all(db.session.scalars(select(Column.read_wanted_at)))


def test_the_table_can_be_filtered_by_state(room: Room) -> None:
    room.all_sent()
    room.shows(0, 9)
    page = room.visit().get(f"{room.address}?state=held").text
    rows = page.partition("<tbody")[2]
    assert "Person 01</a>" in rows
    assert "Person 02" not in rows
    assert room.visit().get(f"{room.address}?state=nonsense").status_code == 404


def test_markup_in_a_name_or_a_comment_is_shown_as_text(room: Room) -> None:
    with transaction() as session:
        session.execute(update(Person).where(Person.id == room.people[0].id).values(name="<b>Bo</b>"))
        session.execute(update(Cell).values(shown_comment="<i>x</i>", shown_at=factories.NOW))
    visit = room.visit()
    assert "<b>Bo</b>" not in visit.get(room.address).text
    assert "<i>x</i>" not in visit.get(f"cells/{room.cell_id()}").text


def test_the_time_of_a_reading_is_true_where_a_demonstration_moves_the_clock(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.all_sent()
    with transaction() as session:
        session.execute(update(Column).values(read_at=clock.wall() - timedelta(minutes=3)))
    weeks_later = clock.now() + timedelta(weeks=3)
    monkeypatch.setattr(clock, "now", lambda: weeks_later)
    assert "3 minutes ago" in room.visit().get(room.address).text


def _queries(browser: Browser, address: str) -> int:
    count = 0

    def counted(*_args: object) -> None:
        nonlocal count
        count += 1

    event.listen(db.engine, "before_cursor_execute", counted)
    try:
        assert browser.get(address).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", counted)
    return count


def test_a_page_shows_fifty_people_and_costs_the_same_for_many(app: Flask) -> None:
    few, many = Room(app, 3, "Few"), Room(app, 120, "Many")
    visit = many.visit()
    page = visit.get(many.address)
    assert "Page 1 of 3" in page.text
    assert page.text.count('<th scope="row">') == 50
    assert visit.get(f"{many.address}?page=3").text.count('<th scope="row">') == 20
    assert _queries(visit, many.address) == _queries(few.visit(), few.address)


def test_a_summary_and_a_learners_cells_are_there_for_other_pages(room: Room) -> None:
    room.all_sent()
    room.shows(0, 9)
    with room.app.test_request_context():
        summary = overview.summary(db.session(), room.program_id)
        cells = overview.cells_of(db.session(), room.program_id, room.people[0].id)
    assert (summary.total, summary.in_lms, summary.need_you) == (6, 5, 1)
    assert summary.read_at == factories.NOW
    assert [(cell.measure, cell.state, cell.value) for cell in cells] == [
        ("sessions", State.HELD, 9),
        ("completion", State.TRUE, 75),
    ]
