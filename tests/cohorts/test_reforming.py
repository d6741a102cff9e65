"""Cohorts that run go on after people left: filled, merged or formed anew, as the instructor chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from lti_tool import clock
from lti_tool.cohorts import proposing, reforming
from lti_tool.cohorts.queries import cohorts_with_members
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings.overview import attendance_overview
from lti_tool.meetings.tables import Meeting, Room
from lti_tool.roster.tables import Enrolment
from tests.cohorts.conftest import House, know, make_house
from tests.cohorts.test_pages import text_of
from tests.support import factories
from tests.support.factories import Browser

MOVES = re.compile(r'name="moves" value="([^"]*)"')


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two dozen people need no longer."""
    monkeypatch.setattr(reforming, "SECONDS", 0.3)


@pytest.fixture
def shrunk(house: House) -> tuple[House, Browser]:
    """Two cohorts of twelve, of whose second one five people have left: it needs eight."""
    return shrink(house)


def shrink(house: House) -> tuple[House, Browser]:
    know(house, "department", {person.id: "AB"[n % 2] for n, person in enumerate(house.learners)})
    house.propose(Rules(8, 20, 12, spread=("department",)))
    instructor = house.visit()
    instructor.post(house.at("publish"), version=str(house.version()))
    leave(members(house)[1][:5])
    return house, instructor


def members(house: House) -> list[list[int]]:
    """Who is in each cohort that goes on."""
    db.session.rollback()
    return [[p.id for p in entry.members] for entry in cohorts_with_members(db.session(), house.program.id)]


def leave(person_ids: Sequence[int]) -> None:
    """Let people leave the course and their cohort."""
    with transaction() as session:
        for enrolment in session.scalars(select(Enrolment).where(Enrolment.person_id.in_(person_ids))):
            enrolment.left_at = clock.now()
        for membership in session.scalars(select(Membership).where(Membership.person_id.in_(person_ids))):
            membership.until = clock.now()


def ways(page: str) -> dict[str, str]:
    """What each way is called, and what its button sends."""
    titles = re.findall(r'aria-label="Go this way: ([^"]*)"', page)
    return dict(zip(titles, MOVES.findall(page), strict=True))


def test_a_cohort_that_has_become_too_small_is_shown_with_the_ways_to_go_on(shrunk: tuple[House, Browser]) -> None:
    house, instructor = shrunk
    assert "has fewer people than the 8 that a cohort needs." in instructor.get(house.at()).text
    offered = ways(instructor.get(house.at("anew")).text)
    assert "1 person moves" in offered
    assert "Cohort B ends, 7 people move" in offered
    before = members(house)
    page = instructor.post(house.at("anew"), moves=offered["1 person moves"])
    assert "1 person has a new place." in page.text
    after = members(house)
    assert [len(cohort) for cohort in after] == [11, 8]
    assert set(before[1]) < set(after[1])


def test_a_cohort_ends_when_its_people_go_to_others_and_what_was_is_kept(any_house: House) -> None:
    house, instructor = shrink(any_house)
    ended = db.session.scalars(select(Cohort).where(Cohort.name == "B")).one().id
    offered = ways(instructor.get(house.at("anew")).text)
    instructor.post(house.at("anew"), moves=offered["Cohort B ends, 7 people move"])
    assert [len(cohort) for cohort in members(house)] == [19]
    assert "Ended:" in instructor.get(house.at()).text
    page = instructor.get(f"cohorts/{ended}")
    assert "This cohort ended" in page.text
    assert page.text.count("what they did is kept") == 12
    its_own = [c.meeting for c in attendance_overview(db.session(), house.program.id) if c.meeting.cohort_id == ended]
    assert all(meeting.starts_at < clock.now() for meeting in its_own)
    assert "Cohort B ended" in instructor.get(house.at("history")).text


def test_nobody_joins_a_cohort_that_has_ended(shrunk: tuple[House, Browser]) -> None:
    house, instructor = shrunk
    offered = ways(instructor.get(house.at("anew")).text)
    instructor.post(house.at("anew"), moves=offered["Cohort B ends, 7 people move"])
    factories.make_people(house.course, ["Nia Newcomer"])
    assert "Nia Newcomer is now in Cohort A." in instructor.post(house.at("newcomers")).text


def test_who_waits_gets_a_place_with_the_others(shrunk: tuple[House, Browser]) -> None:
    house, instructor = shrunk
    factories.make_people(house.course, ["Nia Newcomer", "Noor Newcomer"])
    before = members(house)
    offered = ways(instructor.get(house.at("anew")).text)
    instructor.post(house.at("anew"), moves=offered["Nobody moves, 2 more get a place"])
    assert [set(was) <= set(now) for was, now in zip(before, members(house), strict=True)] == [True, True]
    assert sum(map(len, members(house))) == 21


def test_a_way_that_is_no_longer_true_changes_nothing(shrunk: tuple[House, Browser]) -> None:
    house, instructor = shrunk
    offered = ways(instructor.get(house.at("anew")).text)
    moved = int(offered["1 person moves"].split(":")[0])
    leave([moved])
    before = members(house)
    page = instructor.post(house.at("anew"), moves=offered["1 person moves"])
    assert page.status_code == 409
    assert "Nothing was changed. Somebody joined, left or moved since" in page.text
    assert members(house) == before


def test_a_way_that_somebody_wrote_themselves_keeps_the_rules_or_changes_nothing(
    shrunk: tuple[House, Browser],
) -> None:
    house, instructor = shrunk
    large, small = (entry.cohort.id for entry in cohorts_with_members(db.session(), house.program.id))
    before = members(house)
    other = make_house(house.app, 16, title="Another course")
    other.propose()
    other.visit().post(other.at("publish"), version=str(other.version()))
    [theirs, *_rest] = (entry.cohort.id for entry in cohorts_with_members(db.session(), other.program.id))
    all_but_three = " ".join(f"{person}:{large}:{small}" for person in before[0][3:])
    strangers = (f"{before[0][0]}:{large}:{theirs}", f"{other.learners[0].id}::{large}")
    nowhere = f"{before[0][0]}:{large}:{large}"
    for moves in ("", "x", "1:2", f"{'9' * 5000}:1:1", all_but_three, nowhere, *strangers):
        page = instructor.post(house.at("anew"), moves=moves)
        assert page.status_code == 409, moves[:40]
        assert "Nothing was changed." in page.text
    assert members(house) == before


def test_only_an_instructor_forms_cohorts_anew_and_only_published_ones(house: House) -> None:
    instructor = house.visit()
    assert instructor.get(house.at("anew")).status_code == 404
    house.propose()
    instructor.post(house.at("publish"), version=str(house.version()))
    assert "These cohorts are fine as they are" in instructor.get(house.at("anew")).text
    [assistant] = factories.make_people(house.course, ["Ada Assistant"], role=Role.TEACHING_ASSISTANT)
    visit = house.visit(Role.TEACHING_ASSISTANT, assistant)
    assert visit.get(house.at("anew")).status_code == 403
    assert visit.post(house.at("anew"), moves="1:1:1").status_code == 403


def test_where_the_cohorts_cannot_hold_everybody_the_reason_is_told(house: House) -> None:
    house.propose()
    instructor = house.visit()
    instructor.post(house.at("publish"), version=str(house.version()))
    factories.make_people(house.course, [f"Newcomer {n}" for n in range(20)])
    page = instructor.get(house.at("anew")).text
    assert "No way to go on keeps every rule" in page
    assert "Each cohort has at most 20 people; 44 can be placed." in page
    assert "There are 2 cohorts." in page


def test_who_was_moved_by_hand_is_not_sent_back_to_where_a_draft_had_kept_them(house: House) -> None:
    house.propose(Rules(8, 20, 12, locked={house.learners[0].id: 0}))
    instructor = house.visit()
    instructor.post(house.at("publish"), version=str(house.version()))
    first, second = (entry.cohort.id for entry in cohorts_with_members(db.session(), house.program.id))
    instructor.post(f"cohorts/{first}/transfer", person=house.learners[0].id, to=second, anyway="1")
    assert "These cohorts are fine as they are" in instructor.get(house.at("anew")).text


def test_each_way_says_what_it_does_to_the_mix_who_goes_where_and_whether_fewer_could_move(
    shrunk: tuple[House, Browser],
) -> None:
    house, instructor = shrunk
    page = text_of(instructor.get(house.at("anew")).text)
    assert "Fewer moves cannot keep every rule: that is proved." in page
    assert re.search(
        r"Spread department (as even as it can be|two cohorts differ by up to)[^(]*(\([AB]\) )?\(now", page
    )
    assert "Cohort A 11 people (now: 12 people)" in page
    assert "Cohort B ends (now: 7 people)" in page
    assert "From Cohort A to Cohort B" in page
    assert "What must change Cohort B has 7 people; a cohort has 8 to 20." in page
    assert "Sizes differ by up to 3 then. Your rule of at most 1 does not count here" in page
    assert "Fewer moves cannot keep all the other rules: that is proved." in page


def test_who_keeps_a_small_cohort_from_ending_is_named_and_let_go_with_a_click(shrunk: tuple[House, Browser]) -> None:
    house, instructor = shrunk
    kept = members(house)[1][0]
    with transaction() as session:
        proposal = proposing.proposal_of(session, house.program.id)
        assert proposal is not None
        proposal.rules = {**proposal.rules, "locked": {str(kept): 1}}
    page = instructor.get(house.at("anew")).text
    [name] = [person.name for person in house.learners if person.id == kept]
    assert f"{name} is to stay in Cohort B, so no way merges it with others." in text_of(page)
    assert not any("ends" in title for title in ways(page))
    page = instructor.post(house.at("anew/unlock"), person=kept).text
    assert f"{name} may be moved again." in page
    assert "Cohort B ends, 7 people move" in ways(page)
    assert instructor.post(house.at("anew/unlock"), person=kept).status_code == 409


def test_the_last_change_of_cohorts_is_undone_until_a_session_is_held(
    shrunk: tuple[House, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, instructor = shrunk
    before = members(house)
    offered = ways(instructor.get(house.at("anew")).text)
    board = instructor.post(house.at("anew"), moves=offered["Cohort B ends, 7 people move"]).text
    [act] = re.findall(r'name="act" value="(\d+)"', board)
    assert "Ines Instructor gave 7 people a new place" in text_of(board)
    page = instructor.post(house.at("moves/undo"), act=act)
    assert "7 people are back where they were." in page.text
    assert members(house) == before
    assert "Ended:" not in page.text
    assert 'name="act"' not in page.text
    assert instructor.post(house.at("moves/undo"), act=act).status_code == 409
    told = text_of(instructor.get(house.at("history")).text)
    assert "The cohorts were formed anew: 7 people have a new place; Cohort B ended" in told
    assert "Cohort B had 7 people and needs 8" in told
    assert "The last change was undone: 7 people went back; Cohort B went on again" in told
    assert told.count("From Cohort B to Cohort A") == told.count("From Cohort A to Cohort B") == 1

    with transaction() as session:
        session.execute(update(Meeting).values(starts_at=clock.now() + timedelta(days=7), closed_at=None))
    board = instructor.post(house.at("anew"), moves=offered["1 person moves"]).text
    [act] = re.findall(r'name="act" value="(\d+)"', board)
    after = members(house)
    a_month_later = clock.now() + timedelta(days=30)
    monkeypatch.setattr(clock, "now", lambda: a_month_later)
    assert 'name="act"' not in instructor.get(house.at()).text
    page = instructor.post(house.at("moves/undo"), act=act)
    assert (page.status_code, "a session was held" in page.text) == (409, True)
    assert members(house) == after


def test_nothing_is_undone_once_a_session_of_any_cohort_could_be_entered_or_was_started(
    shrunk: tuple[House, Browser],
) -> None:
    house, instructor = shrunk
    later = clock.now() + timedelta(days=7)
    offered = ways(instructor.get(house.at("anew")).text)
    instructor.post(house.at("anew"), moves=offered["Cohort B ends, 7 people move"])

    def is_offered(*, of: str, starts_at: datetime) -> bool:
        with transaction() as session:
            session.execute(update(Meeting).values(starts_at=later, closed_at=None))
            session.execute(update(Meeting).where(Meeting.id == one[of]).values(starts_at=starts_at))
        return 'name="act"' in instructor.get(house.at()).text

    meetings = db.session.execute(select(Cohort.name, Meeting.id).join(Meeting, Meeting.cohort_id == Cohort.id))
    one = dict(iter(meetings))
    in_a_moment = clock.now() + timedelta(minutes=5)
    assert is_offered(of="A", starts_at=later)
    assert not is_offered(of="A", starts_at=in_a_moment)
    assert not is_offered(of="B", starts_at=in_a_moment)
    with transaction() as session:
        session.add(Room(meeting_id=one["A"], parts=[]))
    assert not is_offered(of="A", starts_at=later)


def test_who_was_placed_keeps_their_place_and_rules_that_undoing_a_move_breaks_are_told(house: House) -> None:
    house.propose(Rules(8, 13, 12))
    instructor = house.visit()
    instructor.post(house.at("publish"), version=str(house.version()))
    first, second = (entry.cohort.id for entry in cohorts_with_members(db.session(), house.program.id))
    moved = members(house)[0][0]
    instructor.post(f"cohorts/{first}/transfer", person=moved, to=second, anyway="1")
    breaks = "Undone, it breaks rules: Cohort A would have 14 people, more than the 13 allowed."
    assert breaks not in text_of(instructor.get(house.at()).text)
    factories.make_people(house.course, ["Nia Newcomer", "Noor Newcomer"])
    board = instructor.post(house.at("newcomers")).text
    assert [len(cohort) for cohort in members(house)] == [13, 13]
    assert "Ines Instructor gave 1 person a new place" in text_of(board)
    assert breaks in text_of(board)
    [act] = re.findall(r'moves/undo".*?name="act" value="(\d+)"', board, re.DOTALL)
    assert "1 person is back where they were." in instructor.post(house.at("moves/undo"), act=act).text
    assert moved in members(house)[0]
    assert "Cohort A would have 14 people" in text_of(instructor.get(house.at("history")).text)
