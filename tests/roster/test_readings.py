"""Reading the roster from an LMS over HTTP: whole, broken, endless, interrupted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, Response
from sqlalchemy import delete, func, select, update

from lti_tool import clock, jobs
from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role, Standing
from lti_tool.lti.tables import LtiPace, LtiRegistration
from lti_tool.roster import departures, readings
from lti_tool.roster.signals import roster_read
from lti_tool.roster.tables import Course, Person, RosterReading
from tests.roster.lms import Lms, class_of, course, enrolment, member, person, present, reading
from tests.support import factories

HOUR = timedelta(hours=1)


@pytest.fixture
def ready(lms: Lms) -> Lms:
    """A course of 25 people on three pages, launched by its instructor."""
    lms.people = [member("teacher", "Ines Duarte", "Instructor"), *class_of(24)]
    lms.arrives()
    return lms


@pytest.fixture
def read_once(ready: Lms) -> Lms:
    """The same after its first reading."""
    ready.read()
    ready.asked = 0
    return ready


def at(page: int, response: Callable[[], Response]) -> Callable[[int], Response | None]:
    return lambda asked: response() if asked == page else None


def hurry() -> None:
    """Let pauses and leases end now."""
    with transaction() as session:
        session.execute(update(RosterReading).values(try_at=clock.wall() - HOUR, leased_until=clock.wall() - HOUR))


def test_the_first_launch_of_an_instructor_leads_to_the_whole_roster(ready: Lms) -> None:
    assert jobs.run_until_idle()["roster"] == 1
    done = reading()
    assert (done.state, done.pages, done.members, done.skipped) == ("complete", 3, 25, 0)
    assert present() == {"teacher", *(f"s{n}" for n in range(1, 25))}
    assert course().roster_read_at == done.finished_at
    assert ready.asked == 3


def test_pages_are_stored_as_they_come(ready: Lms) -> None:
    seen: list[tuple[int, int, int]] = []

    def look(page: int) -> None:
        with db.engine.connect() as connection:
            row = connection.execute(select(RosterReading.pages, RosterReading.members)).one()
            seen.append((page, *row))

    ready.before_page = look
    ready.read()
    assert seen == [(1, 0, 0), (2, 1, 10), (3, 2, 20)]


def test_names_addresses_and_roles_follow_the_lms(read_once: Lms) -> None:
    read_once.people[1] = member("s1", "Ana Ruiz-Lopez", "Instructor#TeachingAssistant", email="new@example.edu")
    read_once.read()
    assert (person("s1").name, person("s1").email, enrolment("s1").role) == (
        "Ana Ruiz-Lopez",
        "new@example.edu",
        "ta",
    )


def test_a_name_that_is_no_longer_shared_stays(read_once: Lms) -> None:
    read_once.people[1] = member("s1")
    read_once.read()
    assert (person("s1").name, person("s1").email) == ("Student 001", "s1@example.edu")


def test_people_without_names_are_told_apart(ready: Lms) -> None:
    ready.people = [member("teacher", None, "Instructor"), member("x1"), member("x2")]
    ready.read()
    names = {person(subject).name for subject in ("x1", "x2")}
    assert len(names) == 2
    assert all(name.startswith("Learner ") for name in names)
    assert person("teacher").name == "The teacher"


def test_the_same_person_twice_is_one_person(ready: Lms) -> None:
    ready.people += [member("s1", "Student 001 again"), member("s24", "Twice"), member("s24", "Twice on a page")]
    ready.read()
    assert reading().state == "complete"
    assert len(present()) == 25
    assert person("s24").name == "Twice on a page"


def test_entries_that_make_no_sense_are_counted_and_left_out(ready: Lms) -> None:
    ready.people += [{"roles": []}, "nobody", member("s99", "Nina")]  # type: ignore[list-item]
    ready.read()
    assert (reading().state, reading().skipped) == ("complete", 2)
    assert "s99" in present()


def test_nobody_is_gone_while_an_entry_cannot_be_read_for_it_may_be_theirs(read_once: Lms) -> None:
    read_once.people[-1] = {"user_id": "s24", "roles": "Learner"}
    read_once.read()
    unread = "s24" in present()
    read_once.people.pop()
    read_once.read()
    assert unread
    assert "s24" not in present()


def test_who_has_left_is_marked_as_gone_and_keeps_the_row(read_once: Lms) -> None:
    before = enrolment("s24").id
    read_once.people.pop()
    read_once.read()
    gone = enrolment("s24")
    assert gone.id == before
    assert gone.left_at is not None
    assert reading().leaving == 1
    assert person("s24").name == "Student 024"


def test_who_is_listed_as_inactive_is_gone_too(read_once: Lms) -> None:
    read_once.people[-1] = member("s24", "Student 024", status="Inactive")
    read_once.read()
    assert enrolment("s24").left_at is not None


def test_who_is_added_again_is_active_again_with_the_same_row(read_once: Lms) -> None:
    leaver = read_once.people.pop()
    read_once.read()
    gone = enrolment("s24")
    before, left = gone.id, gone.left_at
    read_once.people.append(leaver | {"roles": ["Instructor"]})
    read_once.read()
    back = enrolment("s24")
    assert (back.id, back.left_at, back.role) == (before, None, "instructor")
    assert left is not None
    assert back.joined_at > left


def test_who_was_launched_and_never_listed_is_gone_after_the_next_reading(ready: Lms) -> None:
    ready.arrives("passer-by", Role.LEARNER)
    ready.read()
    assert enrolment("passer-by").left_at is not None


def test_who_comes_by_a_launch_while_the_roster_is_read_stays(ready: Lms) -> None:
    def somebody_comes(page: int) -> None:
        if page == 2:
            ready.arrives("late", Role.LEARNER)

    ready.before_page = somebody_comes
    ready.read()
    assert "late" in present()


def test_a_teacher_whom_the_roster_calls_a_learner_stays_a_teacher(read_once: Lms) -> None:
    """Moodle lists a non-editing teacher as a learner and launches them as an instructor."""
    read_once.people.append(member("assistant", "Kim", "Learner"))
    read_once.arrives("assistant", Role.INSTRUCTOR)
    read_once.read()
    assert enrolment("assistant").role == "instructor"
    read_once.read()
    assert enrolment("assistant").role == "instructor"
    read_once.people[-1] = member("assistant", "Kim", "Mentor")
    read_once.read()
    assert enrolment("assistant").role == "mentor"


def test_once_a_test_user_always_a_test_user(ready: Lms) -> None:
    ready.people.append(member("preview", "Student view"))
    ready.arrives("preview", Role.LEARNER, standing=Standing(Role.LEARNER, is_test=True))
    ready.read()
    assert enrolment("preview").may_learn is False


def test_a_reading_that_would_lose_a_third_of_the_course_asks_first(read_once: Lms) -> None:
    read_once.people = read_once.people[:16]
    read_once.read()
    assert (reading().state, reading().leaving) == ("held", 9)
    assert len(present()) == 25
    read_once.people = read_once.people[:10]
    before = course().roster_read_at
    jobs.run_until_idle()
    assert course().roster_read_at == before


def test_a_held_reading_that_is_confirmed_marks_its_missing_as_gone(read_once: Lms) -> None:
    read_once.people = read_once.people[:16]
    read_once.read()
    read_once.arrives("s20", Role.LEARNER)
    with transaction() as session:
        held = readings.latest(session, course().id)
        assert held is not None
        assert departures.confirm(session, held, person("teacher").id) == 8
    assert (reading().state, len(present())) == ("complete", 17)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor_id, len(entry.after["left"])) == ("roster.changed", person("teacher").id, 8)
    with pytest.raises(departures.NotHeldError), transaction() as session:
        departures.confirm(session, session.merge(reading()), person("teacher").id)


def test_a_held_reading_that_is_dismissed_changes_nobody(read_once: Lms) -> None:
    read_once.people = read_once.people[:16]
    read_once.read()
    with transaction() as session:
        departures.dismiss(session, session.merge(reading()), person("teacher").id)
    assert (reading().state, len(present())) == ("dismissed", 25)


def test_who_was_launched_before_the_first_reading_counts_as_known(ready: Lms) -> None:
    for number in range(1, 25):
        ready.arrives(f"s{number}", Role.LEARNER)
    ready.people = ready.people[:-6]
    ready.read()
    assert (reading().state, reading().leaving) == ("complete", 6)


def test_five_may_leave_a_small_course_at_once(ready: Lms) -> None:
    ready.people = ready.people[:8]
    ready.read()
    ready.people = ready.people[:3]
    ready.read()
    assert (reading().state, len(present())) == ("complete", 3)


def test_others_are_told_of_each_complete_reading_and_of_no_other(ready: Lms) -> None:
    told: list[int] = []

    def note(sender: int, *, session: object) -> None:
        assert session is db.session()
        told.append(sender)

    with roster_read.connected_to(note):
        ready.read()
        ready.read()
        ready.people = ready.people[:3]
        ready.read()
    assert reading().state == "held"
    assert told == [course().id] * 2


def test_who_follows_and_fails_does_not_undo_the_reading(ready: Lms) -> None:
    def fail(_sender: int, *, session: object) -> None:
        raise ValueError(f"this room cannot follow in {session}")

    with roster_read.connected_to(fail):
        ready.read()
    assert reading().state == "complete"
    assert len(present()) == 25


def _changes() -> list[tuple[set[int], set[int]]]:
    """Who came and who went, reading by reading; the first is told as a number."""
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "roster.changed"))
    return [(set(entry.after["joined"]), set(entry.after["left"])) for entry in list(entries)[1:]]


def test_who_came_and_who_went_is_written_down(ready: Lms) -> None:
    ready.read()
    ready.read()
    ready.arrives("new-by-launch", Role.LEARNER)
    ready.people = [*ready.people[:-1], member("new", "Nina"), member("new-by-launch", "Noor")]
    ready.read()
    assert _changes() == [({person("new").id, person("new-by-launch").id}, {person("s24").id})]


def test_who_was_first_seen_by_a_reading_that_failed_has_come_when_one_is_complete(read_once: Lms) -> None:
    read_once.people.insert(0, member("new", "Nina"))
    sound = read_once.fault
    read_once.fault = lambda page: Response("{", content_type="application/json") if page == 3 else None
    read_once.read()
    failed = reading().state
    read_once.fault = sound
    read_once.read()
    assert failed == "failed"
    assert _changes() == [({person("new").id}, set())]


@pytest.mark.usefixtures("ready")
def test_two_who_ask_at_once_get_one_reading() -> None:
    with transaction() as session:
        first = readings.request(session, course().id).id
        assert readings.request(session, course().id).id == first
        assert readings.request_now(session, course().id).id == first
    assert db.session.scalar(select(func.count(RosterReading.id))) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: Response('{"members": [{"user_id": ', content_type="application/json"), "JSON"),
        (lambda: Response('{"members": 5}', content_type="application/json"), "no list of members"),
        (lambda: Response("gone", 404), "status 404"),
    ],
)
def test_a_broken_page_stops_the_reading_in_plain_words_and_nobody_leaves(
    read_once: Lms, answer: Callable[[], Response], words: str
) -> None:
    read_once.people = [*read_once.people[:20], member("new", "Nina")]
    read_once.fault = at(2, answer)
    read_once.read()
    failed = reading()
    assert failed.state == "failed"
    assert failed.problem is not None
    assert "page 2" in failed.problem
    assert words in failed.problem
    assert len(present()) == 25


def test_a_roster_without_end_is_not_read_without_end(ready: Lms) -> None:
    def endless(page: int) -> Response:
        response = Response('{"members": []}', content_type="application/json")
        response.headers["Link"] = f'<{ready.platform.url("/members")}?page={page + 1}>; rel="next"'
        return response

    ready.fault = endless

    def half_an_hour_later(page: int) -> None:
        if page == 4:
            monkey.setattr(clock, "wall", lambda: datetime.now(UTC) + readings.LONGEST_WALK)

    with pytest.MonkeyPatch.context() as monkey:
        ready.before_page = half_an_hour_later
        ready.read()
    assert reading().state == "failed"
    assert "half an hour" in str(reading().problem)
    assert ready.asked < 10


def test_a_roster_that_goes_in_circles_is_a_failure(ready: Lms) -> None:
    def circle(_page: int) -> Response:
        response = Response('{"members": []}', content_type="application/json")
        response.headers["Link"] = f'<{ready.platform.url("/members")}?page=1>; rel="next"'
        return response

    ready.fault = circle
    ready.read()
    assert reading().state == "failed"
    assert "read before" in str(reading().problem)


def test_a_course_whose_lms_names_no_roster_says_what_to_do(lms: Lms) -> None:
    lms.arrives(memberships_url=None)
    lms.read()
    assert reading().state == "failed"
    assert "Names and Roles" in str(reading().problem)


def test_an_lms_that_grants_no_token_is_a_failure_for_an_administrator(ready: Lms) -> None:
    ready.platform.granted = ""
    ready.read()
    assert reading().state == "failed"
    assert "administrator" in str(reading().problem)


def test_an_lms_with_a_problem_is_asked_again_later_and_from_the_start(ready: Lms) -> None:
    ready.fault = at(2, lambda: Response("busy", 503, {"Retry-After": "120"}))
    ready.read()
    waiting = reading()
    assert (waiting.state, waiting.attempts) == ("requested", 1)
    assert waiting.try_at - clock.wall() > timedelta(seconds=100)
    assert "page 2" in str(waiting.problem)
    assert readings.run() is False
    ready.fault = lambda _page: None
    hurry()
    assert readings.run() is True
    assert (reading().state, reading().members, reading().problem) == ("complete", 25, None)


def test_an_lms_that_stays_down_is_given_up_in_the_end(ready: Lms) -> None:
    ready.fault = at(1, lambda: Response("busy", 503))
    pauses: list[timedelta] = []
    ready.read()
    while reading().state == "requested":
        pauses.append(reading().try_at - clock.wall())
        hurry()
        readings.run()
    assert (reading().state, reading().attempts) == ("failed", readings.MAX_ATTEMPTS)
    assert pauses == sorted(pauses)


def test_a_reading_whose_worker_died_begins_again_when_its_lease_ends(ready: Lms) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(departures, "settle", lambda *_: die())
        with pytest.raises(Killed):
            ready.read()
    assert (reading().state, reading().members) == ("running", 25)
    assert readings.run() is False
    hurry()
    assert readings.run() is True
    assert (reading().state, reading().members, reading().attempts) == ("complete", 25, 2)
    assert len(present()) == 25


def test_a_worker_that_lost_its_lease_writes_nothing_more(ready: Lms, caplog: pytest.LogCaptureFixture) -> None:
    def somebody_else_takes_it(page: int) -> None:
        if page == 2:
            with db.engine.begin() as connection:
                connection.execute(update(RosterReading).values(attempts=RosterReading.attempts + 1))

    ready.before_page = somebody_else_takes_it
    ready.read()
    assert (reading().state, reading().pages) == ("running", 1)
    assert len(present()) == 10
    assert "taken over" in caplog.text


@pytest.mark.usefixtures("ready")
def test_a_reading_that_never_survives_is_given_up() -> None:
    with transaction() as session:
        session.execute(
            update(RosterReading).values(
                state="running", attempts=readings.MAX_ATTEMPTS, leased_until=clock.wall() - HOUR
            )
        )
    readings.run()
    assert reading().state == "failed"
    assert "interrupted" in str(reading().problem)


def test_an_lms_that_is_removed_meanwhile_leaves_its_people_to_no_other(lms_on_sqlite: Lms) -> None:
    lms = lms_on_sqlite
    lms.people = class_of(25)
    lms.arrives("teach", Role.INSTRUCTOR)

    def replaced(page: int) -> None:
        if page != 2:
            return
        db.session.remove()
        with transaction() as session:
            session.execute(delete(LtiRegistration).where(LtiRegistration.id == lms.registration.id))
        other = factories.make_course(title="University B", issuer="https://b.test")
        with transaction() as session:
            readings.request(session, other.id)
        assert readings._claim() is not None

    lms.before_page = replaced
    readings.run()
    db.session.rollback()
    assert db.session.scalars(select(Person.name)).all() == []


def test_a_worker_that_stops_gives_the_reading_back(ready: Lms, any_app: Flask) -> None:
    stop = any_app.extensions["jobs_stop"]
    ready.before_page = lambda page: stop.set() if page == 1 else None
    ready.read()
    assert (reading().state, reading().attempts) == ("requested", 0)
    stop.clear()
    ready.before_page = lambda _page: None
    readings.run()
    assert reading().state == "complete"


@pytest.mark.usefixtures("read_once")
def test_a_course_in_use_is_read_every_day_and_one_that_nobody_opens_is_not() -> None:
    assert readings.run() is False
    with transaction() as session:
        session.execute(update(RosterReading).values(requested_at=clock.now() - timedelta(days=2)))
    assert jobs.run_until_idle()["roster"] == 2
    assert db.session.scalar(select(func.count(RosterReading.id))) == 2
    with transaction() as session:
        session.execute(update(RosterReading).values(requested_at=clock.now() - timedelta(days=20)))
        session.execute(update(Course).values(launched_at=clock.now() - timedelta(days=15)))
    assert readings.run() is False


def test_no_transaction_is_open_while_the_lms_is_asked(ready: Lms) -> None:
    """Another writer gets its turn at once, on SQLite too, where there is one lock for all."""

    def write(_page: int) -> None:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE course SET label = 'written meanwhile'")

    ready.before_page = write
    ready.read()
    assert (reading().state, course().label) == ("complete", "written meanwhile")


def test_while_the_lms_is_left_alone_a_reading_waits_and_counts_no_attempt(ready: Lms) -> None:
    with transaction() as session:
        until = clock.wall() + timedelta(seconds=60)
        session.add(LtiPace(registration_id=ready.registration.id, rests_until=until, setbacks=1, cause="throttled"))
    before = clock.wall()
    waiting = ready.read()
    assert (waiting.state, waiting.attempts, waiting.problem, ready.asked) == ("requested", 0, None, 0)
    assert timedelta(seconds=50) < waiting.try_at - before < timedelta(seconds=61)
