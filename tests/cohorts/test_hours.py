"""Cohorts meet at an hour that their people share: proposed, chosen at publication, changed while a program runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_tool.cohorts import publishing, reforming
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings.planning import reschedule
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import WITHOUT_SCRIPTS
from lti_tool.programs.schedule import WeeklyHour, session_start
from lti_tool.programs.tables import Module, Program
from lti_tool.questions.tables import Answers
from lti_tool.questions.week import Free
from lti_tool.work.tables import Assignment
from tests.cohorts.conftest import House
from tests.cohorts.test_pages import text_of
from tests.cohorts.test_reforming import leave
from tests.support import factories
from tests.support.factories import NOW
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]


@pytest.fixture(autouse=True)
def _before_the_program(set_now: SetNow) -> None:
    set_now(NOW)


def paint(house: House, numbers: Sequence[int], free: Sequence[str], zone: str = "Europe/Lisbon") -> None:
    """Learners with these numbers have said that they are free then."""
    with transaction() as session:
        session.add_all(
            Answers(
                course_id=house.course.id, person_id=person, zone=zone, free=list(free), languages=[], answered_at=NOW
            )
            for person in house.ids(*numbers)
        )


def in_lisbon(house: House) -> None:
    """The program's sessions are on Thursdays, 14:00, from 12 March 2026 on; summer time begins on 29 March."""
    with transaction() as session:
        program = session.get_one(Program, house.program.id)
        program.zone, program.first_session_on = "Europe/Lisbon", date(2026, 3, 12)


def halves(house: House, common_slots: int = 0) -> None:
    """A draft of two cohorts: the first twelve learners, and the other twelve."""
    place = {person.id: number // 12 for number, person in enumerate(house.learners)}
    house.propose(Rules(8, 20, 12, locked=place, common_slots=common_slots))


def planned(house: House) -> Program:
    """The program with its modules."""
    query = select(Program).where(Program.id == house.program.id)
    return db.session.scalars(query.options(WITHOUT_SCRIPTS)).one()


def meetings(cohort: Cohort) -> list[Meeting]:
    query = select(Meeting).join(Module).where(Meeting.cohort_id == cohort.id).order_by(Module.number)
    return list(db.session.scalars(query))


def cohorts(house: House) -> list[Cohort]:
    db.session.rollback()
    return list(db.session.scalars(select(Cohort).where(Cohort.program_id == house.program.id).order_by(Cohort.name)))


def publish(house: House, **hours: Any) -> TestResponse:
    """Send the form of the hours; names of fields have `_` for `-`."""
    sent: dict[str, Any] = {name.replace("_", "-"): hour for name, hour in hours.items()}
    return house.visit().post(house.at("publish"), version="1", **sent)


def chosen(page: str) -> list[str]:
    """What is chosen on the page for each cohort."""
    return re.findall(r'<option value="([^"]*)" selected>', page)


def test_publishing_proposes_an_hour_that_all_share_and_plans_sessions_by_it(house: House) -> None:
    in_lisbon(house)
    paint(house, range(12), ["thu-14", "mon-09"])
    paint(house, range(12, 24), ["mon-09", "wed-16", "fri-15"])
    halves(house, common_slots=1)
    browser = house.visit()
    draft = text_of(browser.get(house.at()).text)
    assert "Cohort A · Thu 2:00 PM" in draft
    assert "Cohort B · Fri 3:00 PM" in draft
    assert "on the clocks of Europe/Lisbon" in draft
    page = browser.get(house.at("publish")).text
    assert "The program&#39;s time suits all who have said." in page
    assert "Wed 4:00 PM, suits all 12" in text_of(page)
    assert chosen(page) == ["3-14:00", "4-15:00"]  # nearest to the first session: the day after it
    assert '<option value=""' not in page  # a browser would not send a form with it
    publish(house, hour_0="3-14:00", hour_1="4-15:00")
    first, second = cohorts(house)
    assert [meeting.starts_at for meeting in meetings(first)][:4] == [
        datetime(2026, 3, 12, 14, tzinfo=UTC) + timedelta(weeks=week) - timedelta(hours=week == 3)
        for week in range(4)
    ]
    starts = [meeting.starts_at for meeting in meetings(second)]
    assert starts[:4] == [
        datetime(2026, 3, 13, 15, tzinfo=UTC) + timedelta(weeks=week) - timedelta(hours=week == 3)
        for week in range(4)
    ]
    due = select(Assignment.due_at).where(Assignment.meeting_id == meetings(second)[0].id)
    assert db.session.scalar(due) == datetime(2026, 3, 19, 18, tzinfo=UTC)
    board = text_of(browser.get(house.at()).text)
    assert "12 people · Thu 2:00 PM" in board
    assert "12 people · Fri 3:00 PM" in board
    learner = text_of(house.visit(Role.LEARNER, house.learners[20]).get("").text)
    assert "Cohort B · Fri 3:00 PM (Europe/Lisbon)" in learner
    plan = text_of(browser.get(f"programs/{house.program.id}/plan").text)
    assert plan.index("Cohort A") < plan.index("Cohort B")


def test_a_cohort_without_an_hour_in_common_says_so_and_keeps_the_programs_time(
    house: House, set_now: SetNow
) -> None:
    paint(house, range(6), ["tue-09"], "UTC")
    paint(house, range(6, 8), ["wed-09"], "UTC")
    halves(house)
    browser = house.visit()
    page = text_of(browser.get(house.at("publish")).text)
    assert "8 of 12 people have said when they are free; 4 have not." in page
    assert (
        "No hour suits all who have said, so the program&#39;s time stays. Nobody who has said is free then." in page
    )
    assert "Mon 2:00 PM, suits 0 of 8, the program&#39;s time" in page
    assert "Nobody has said when they are free." in page
    assert "Tue 9:00 AM, suits 6 of 8" in page
    best = house.visit().get(house.at("publish?best=1")).text
    assert "No hour suits all who have said; Tue 9:00 AM suits most. Person 07 and Person 08 are not free then." in (
        text_of(best)
    )
    assert chosen(best)[0] == "1-09:00"
    assert "Wed 9:00 AM" not in page
    set_now(NOW + timedelta(weeks=30))  # no session is to come: there is nothing to say of hours
    page = text_of(house.visit().get(house.at("publish")).text)
    assert "No hour suits all" not in page
    assert "Tue 9:00 AM" not in page
    set_now(NOW)
    publish(house, hour_0="")
    assert [cohort.hour for cohort in cohorts(house)] == [None, None]


def test_whom_the_hour_beforehand_does_not_suit_is_named_and_one_click_takes_what_suits_more(house: House) -> None:
    """Without a rule of hours it is the program's, on Mondays at 14:00."""
    paint(house, range(4), ["mon-14", "tue-11"], "UTC")
    paint(house, range(4, 6), ["tue-11"], "UTC")
    paint(house, range(12, 16), ["mon-14"], "UTC")
    halves(house)
    page = house.visit().get(house.at("publish")).text
    assert chosen(page) == ["0-14:00", "0-14:00"]
    text = text_of(page)
    assert "The program&#39;s time suits 4 of 6. Person 05 and Person 06 are not free then." in text
    assert "Mon 2:00 PM, suits 4 of 6, the program&#39;s time" in text
    assert "Tue 11:00 AM, suits all 6" in text
    assert "Cohort A could meet at an hour that suits more people." in text
    at_once = "Cohort A and Cohort B meet at the same time, Mon 2:00 PM: nobody can facilitate two of them."
    assert at_once in text
    page = house.visit().get(house.at("publish?best=1")).text
    assert chosen(page) == ["1-11:00", "0-14:00"]
    assert not any(said in text_of(page) for said in ("not free", "could meet at", "at the same time"))
    publish(house, hour_0="0-14:00", hour_1="0-14:00")
    board = text_of(house.visit().get(house.at()).text)
    assert "Cohort A meets Mon 2:00 PM. Person 05 and Person 06 are not free then." in board
    first, second = (cohort.id for cohort in cohorts(house))
    refused = house.visit().post(f"cohorts/{first}/transfer", person=house.learners[4].id, to=second)
    assert "Person 05 is not free when Cohort B meets, Mon 2:00 PM." in text_of(refused.text)


def test_who_is_placed_without_their_hours_takes_none_from_the_others(house: House) -> None:
    """The twelfth of them is named, and may not be free when the others meet."""
    paint(house, range(11), ["fri-15"], "UTC")
    paint(house, [11], ["mon-09"], "UTC")
    paint(house, range(12, 24), ["fri-15"], "UTC")
    place = {person.id: number // 12 for number, person in enumerate(house.learners)}
    house.propose(Rules(8, 20, 12, locked=place, common_slots=1, any_time=house.ids(11)))
    browser = house.visit()
    draft = text_of(browser.get(house.at()).text)
    assert "Cohort A · Fri 3:00 PM" in draft
    assert "no hour suits all" not in draft
    alone = "Person 12 (free Mon 9:00 AM only) cannot come then, and was placed without their hours."
    assert f"Cohort A meets Fri 3:00 PM. {alone}" in draft
    page = browser.get(house.at("publish")).text
    assert chosen(page) == ["4-15:00", "4-15:00"]
    assert "All have said when they are free. The hours of 1 of them do not count." in text_of(page)
    assert "Fri 3:00 PM, suits all 11" in text_of(page)
    assert text_of(page).count(alone) == 1
    publish(house, hour_0="4-15:00", hour_1="4-15:00")
    board = text_of(browser.get(house.at()).text)
    assert "is not free" not in board
    assert f"Cohort A meets Fri 3:00 PM. {alone}" in board
    assert alone in text_of(browser.get(f"cohorts/{cohorts(house)[0].id}").text)


def test_one_click_places_whose_hour_alone_decides_for_many_who_have_said_nothing(house: House) -> None:
    paint(house, [0], ["sat-19"], "UTC")
    paint(house, range(12, 24), ["tue-11", "wed-10"], "UTC")
    halves(house, common_slots=1)
    browser = house.visit()
    page = browser.get(house.at()).text
    text = text_of(page)
    assert "Cohort A · Sat 7:00 PM" in text
    assert "Cohort A: its common hours are those of 1 of 12 people; 11 have not said." in text
    assert "The hours of Person 01 (free Sat 7:00 PM only) decide when people meet who have not said" in text
    assert "Place Person 01 without their hours" in text
    [way] = re.findall(r'name="relax" value="([^"]+)"', page)
    page = text_of(browser.post(house.at("again"), version="1", relax=unescape(way)).text)
    assert "This is draft 2" in page
    assert "Sat 7:00 PM" not in page.replace("(free Sat 7:00 PM only) cannot come then", "")


def test_few_answers_are_told_where_an_hour_rests_on_them(house: House) -> None:
    paint(house, range(5), ["tue-09"], "UTC")
    paint(house, range(12, 24), ["tue-09"], "UTC")
    halves(house, common_slots=1)
    browser = house.visit()
    said = "Cohort A: its common hours are those of 5 of 12 people; 7 have not said."
    assert said in text_of(browser.get(house.at()).text)
    assert "hours known of 5 of 12" in text_of(browser.get(house.at()).text)
    page = browser.get(house.at("publish")).text
    assert re.search(r'class="remark tone-risk">.*5 of 12 people have said when they are free; 7 have not', page)
    assert "Cohort B: " not in text_of(browser.get(house.at()).text)


def test_an_hour_that_clocks_take_from_somebody_is_offered_with_how_long_it_holds(house: House) -> None:
    in_lisbon(house)
    paint(house, range(11), ["thu-14"])
    paint(house, [11], ["thu-10"], "America/New_York")
    paint(house, range(12, 24), ["thu-14"])
    halves(house, common_slots=1)
    draft = text_of(house.visit().get(house.at()).text)
    assert "Cohort A: its hour suits all in 3 of 8 sessions, since clocks change." in draft
    page = text_of(house.visit().get(house.at("publish")).text)
    assert "Thu 2:00 PM, suits all 12 in 3 of 8 sessions (clocks change), the program&#39;s time" in page


@pytest.mark.parametrize("hour", ["7-14:00", "1-25:00", "tue-14", "0-03:17"])
def test_an_hour_that_is_none_publishes_nothing(house: House, hour: str) -> None:
    halves(house)
    page = publish(house, hour_0=hour)
    assert page.status_code == 400
    assert "Choose when the cohort meets from the list." in page.text
    assert cohorts(house) == []


def test_an_hour_that_clocks_move_away_from_somebody_counts_only_where_it_holds(house: House) -> None:
    """New York changes its clocks on 8 March, Lisbon on 29 March: 14:00 in Lisbon is 10:00 there, and 9:00 after."""
    in_lisbon(house)
    program = planned(house)
    ana, bilal = house.ids(0, 1)
    free = {ana: Free("Europe/Lisbon", frozenset({"thu-14", "tue-15"})), bilal: Free("America/New_York", frozenset())}

    def shared(*cells: str) -> tuple[list[tuple[str, int, int]], str]:
        said = free | {bilal: Free("America/New_York", frozenset(cells))}
        found = Hours(program, said, NOW).shared([ana, bilal])
        return [(str(one.hour), one.sessions, one.of) for one in (found.own, *found.offers)], str(found.best.hour)

    assert shared("thu-10") == ([("3-14:00", 3, 8)], "3-14:00")
    assert shared("thu-10", "tue-10", "tue-11") == ([("3-14:00", 3, 8), ("1-15:00", 8, 8)], "1-15:00")
    assert shared("thu-09", "thu-10", "tue-10", "tue-11")[1] == "3-14:00"
    assert shared("mon-09") == ([("3-14:00", 0, 8)], "3-14:00")


def test_minutes_beyond_the_hour_must_be_free_too(house: House) -> None:
    with transaction() as session:
        session.get_one(Program, house.program.id).session_time = time(14, 30)
    program = planned(house)
    found = Hours(
        program, {1: Free("UTC", frozenset({"mon-14"})), 2: Free("UTC", frozenset({"mon-14", "mon-15"}))}, NOW
    )
    assert [found.shared([person]).own.is_whole for person in (1, 2)] == [False, True]
    assert found.busy(found.own, [1, 2, 3]) == [1]


def test_a_session_is_never_before_the_day_that_the_plan_has_for_it(house: House) -> None:
    in_lisbon(house)
    program = planned(house)
    before = session_start(program, 1, WeeklyHour(3, time(9)))
    after = session_start(program, 1, WeeklyHour(2, time(9)))
    assert (before.day, after.day) == (12, 18)


def published(house: House) -> Cohort:
    """The cohort of the first twelve, of whom Person 01 alone can only meet on Tuesdays."""
    paint(house, range(1), ["tue-10"], "UTC")
    paint(house, range(1, 12), ["mon-16", "tue-10"], "UTC")
    halves(house)
    with transaction() as session:
        program = session.get_one(Program, house.program.id)
        publishing.publish(session, program, version=1, actor_id=None, hours={0: WeeklyHour(0, time(15))})
    return cohorts(house)[0]


def test_another_hour_moves_the_sessions_to_come_and_no_other(house: House, set_now: SetNow) -> None:
    cohort = published(house)
    held, _second, moved, *coming = [meeting.id for meeting in meetings(cohort)]
    with transaction() as session:
        session.get_one(Meeting, held).closed_at = NOW + timedelta(weeks=1, hours=4)
        third = session.get_one(Meeting, moved)
        reschedule(session, third, third.starts_at + timedelta(days=2), 45, None)
    set_now(datetime(2026, 3, 16, 14, 55, tzinfo=UTC))  # the second one may be entered already
    page = text_of(house.visit().get(f"cohorts/{cohort.id}").text)
    assert "Every week, Mon 3:00 PM, on the clocks of UTC." in page
    assert "Nobody who has said is free then." in page
    told = house.visit().post(f"cohorts/{cohort.id}/hour", hour="1-10:00")
    assert "This cohort meets Tue 10:00 AM from now on." in text_of(told.text)
    db.session.expire_all()
    assert [f"{meeting.starts_at:%d %b %H:%M}" for meeting in meetings(cohort)][:5] == [
        "09 Mar 15:00",
        "16 Mar 15:00",
        "25 Mar 15:00",
        "31 Mar 10:00",
        "07 Apr 10:00",
    ]
    due = db.session.scalar(select(Assignment.due_at).where(Assignment.meeting_id == coming[0]))
    assert due == datetime(2026, 4, 6, 18, tzinfo=UTC)
    assert "Cohort A meets at Tue 10:00 AM instead of Mon 3:00 PM" in text_of(
        house.visit().get(house.at("history")).text
    )


def test_the_board_names_who_is_not_free_when_their_cohort_meets(house: House) -> None:
    cohort = published(house)
    house.visit().post(f"cohorts/{cohort.id}/hour", hour="1-10:00")
    assert "is not free" not in text_of(house.visit().get(house.at()).text)
    house.visit().post(f"cohorts/{cohort.id}/hour", hour="")
    assert cohorts(house)[0].hour is None
    house.visit().post(f"cohorts/{cohort.id}/hour", hour="0-16:00")
    page = text_of(house.visit().get(house.at()).text)
    assert "Cohort A meets Mon 4:00 PM. Person 01 is not free then." in page


def test_an_hour_that_leaves_a_session_no_room_beside_a_moved_one_is_refused(house: House) -> None:
    cohort = published(house)
    third, fourth = meetings(cohort)[2:4]
    with transaction() as session:
        reschedule(session, session.get_one(Meeting, third.id), fourth.starts_at - timedelta(hours=1), 45, None)
    refused = house.visit().post(f"cohorts/{cohort.id}/hour", hour="0-14:00")
    assert refused.status_code == 400
    assert "Nothing was changed. The previous session ends" in text_of(refused.text)
    assert cohorts(house)[0].hour == WeeklyHour(0, time(15))


def test_who_joins_or_moves_later_is_free_when_the_cohort_meets_or_that_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reforming, "SECONDS", 0.3)
    halves(house)
    publish(house, hour_0="2-16:00", hour_1="1-10:00")
    house.learners += factories.make_people(house.course, ["Nia Newcomer"])
    paint(house, [24], ["tue-10"], "UTC")
    browser = house.visit()
    assert "Nia Newcomer is now in Cohort B." in browser.post(house.at("newcomers")).text
    first, second = (cohort.id for cohort in cohorts(house))
    transfer, nia = f"cohorts/{second}/transfer", house.learners[24].id
    refused = browser.post(transfer, person=nia, to=first)
    assert refused.status_code == 400
    assert "Nia Newcomer is not free when Cohort A meets, Wed 4:00 PM." in text_of(refused.text)
    with transaction() as session:
        proposal = session.scalars(select(Proposal)).one()
        proposal.rules = {**proposal.rules, "locked": {}}
    leave(house.ids(*range(12, 18)))
    ways = text_of(browser.get(house.at("anew")).text)
    assert "Nia Newcomer is not free when Cohort A meets, Wed 4:00 PM." in ways
    assert "when Cohort B meets" not in ways
    browser.post(transfer, person=nia, to=first, anyway="1")
    assert "Cohort A meets Wed 4:00 PM. Nobody who has said is free then." in text_of(browser.get(house.at()).text)


def test_formed_anew_says_whose_hours_make_people_move_and_the_hour_that_a_way_needs_is_part_of_it(
    house: House, monkeypatch: pytest.MonkeyPatch, set_now: SetNow
) -> None:
    """Person 01 answers after publication and can only come on Wednesdays; five of the second cohort have left."""
    monkeypatch.setattr(reforming, "SECONDS", 0.3)
    paint(house, range(1, 8), ["tue-11"], "UTC")
    halves(house, common_slots=1)
    publish(house, hour_0="1-11:00")
    with transaction() as session:
        proposal = session.scalars(select(Proposal)).one()
        proposal.rules = {**proposal.rules, "locked": {}}
    paint(house, [0], ["wed-15"], "UTC")
    leave(house.ids(*range(12, 17)))
    set_now(NOW + timedelta(hours=1))
    browser = house.visit()
    page = browser.get(house.at("anew")).text
    text = text_of(page)
    assert "Cohort B has 7 people; a cohort has 8 to 20." in text
    assert (
        "Cohort A has too few hours at which everybody can meet. "
        "It has enough without the hours of Person 01 (free Wed 3:00 PM only)."
    ) in text
    assert "Do without the hours of Person 01" in text
    [moves, *_rest] = re.findall(r'name="moves" value="([^"]*)"', page)
    offered = re.findall(r'name="hour" value="([^"]*)" checked', page)
    _first, second = cohorts(house)
    assert f"{second.id}:2-15:00" in offered
    said = "Cohort B meets Wed 3:00 PM from its next session on. That suits all who have said when they are free"
    assert said in text
    taken = browser.post(house.at("anew"), moves=moves, hour=f"{second.id}:2-15:00")
    assert "has a new place" in text_of(taken.text)
    assert cohorts(house)[1].hour == WeeklyHour(2, time(15))
    assert "not free" not in text_of(taken.text)
    [act] = re.findall(r'name="act" value="(\d+)"', taken.text)
    browser.post(house.at("moves/undo"), act=act)
    assert cohorts(house)[1].hour is None
    freed = text_of(browser.post(house.at("anew/without-hours"), person=house.learners[0].id).text)
    assert "The hours of Person 01 no longer count." in freed
    assert "too few hours" not in freed
    assert "1 person moves" in freed
    assert browser.post(house.at("anew/without-hours"), person=house.learners[0].id).status_code == 409
    assert "The hours of Person 01 no longer count" in text_of(browser.get(house.at("history")).text)
