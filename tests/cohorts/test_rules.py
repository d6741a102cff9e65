"""What holds for proposals and published cohorts, on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import chain, combinations

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lti_tool import clock
from lti_tool.audit import AuditEntry
from lti_tool.cohorts import editing, people, proposing, publishing, queries, words
from lti_tool.cohorts.editing import RefusedError
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.naming import Naming, UnclearError
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.proposing import AlreadyPublishedError, Draft, StaleError
from lti_tool.cohorts.publishing import BrokenRulesError
from lti_tool.cohorts.signals import cohorts_published
from lti_tool.cohorts.standing import Standing
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell
from lti_tool.lti.launch import Role
from lti_tool.matching import forming
from lti_tool.matching import problem as matching
from lti_tool.matching.checker import check
from lti_tool.programs.tables import Program
from lti_tool.roster.signals import roster_read
from lti_tool.roster.tables import Enrolment, Person, PersonAttribute
from tests.cohorts.conftest import House, know, make_house
from tests.support import factories
from tests.support.factories import NOW

USUAL = Rules(8, 20, 12)


def names_of(house: House) -> dict[str, str]:
    return people.labels(house.learners)


def publish(house: House, rules: Rules = USUAL) -> list[Cohort]:
    proposal = house.propose(rules)
    with transaction() as session:
        return publishing.publish(
            session,
            session.get_one(Program, house.program.id),
            version=proposal.version,
            actor_id=house.instructor.id,
        )


def place(house: House) -> publishing.CatchUp:
    with transaction() as session:
        return publishing.place_newcomers(session, session.get_one(Program, house.program.id))


def members(house: House) -> list[set[int]]:
    db.session.rollback()
    return [{p.id for p in entry.members} for entry in queries.cohorts_with_members(db.session(), house.program.id)]


def leave(*people_ids: int) -> None:
    with transaction() as session:
        for enrolment in session.scalars(select(Enrolment).where(Enrolment.person_id.in_(people_ids))):
            enrolment.left_at = clock.now()


def join(house: House, name: str) -> Person:
    [person] = factories.make_people(house.course, [name])
    return person


def test_a_proposal_becomes_cohorts_with_members_and_a_gradebook(any_house: House) -> None:
    sent: list[str] = []

    def hear(program: Program, *, session: object, cohorts: list[Cohort]) -> None:
        assert session is db.session()
        sent.append(f"{program.id}: {' '.join(cohort.name for cohort in cohorts)}")

    with cohorts_published.connected_to(hear):
        publish(any_house)
    assert sent == [f"{any_house.program.id}: A B"]
    assert members(any_house) == [{int(p) for p in cohort} for cohort in any_house.draft().cohorts]
    assert db.session.query(Cell.person_id).distinct().count() == 24
    cohort = queries.cohort_of(db.session(), any_house.program.id, any_house.learners[0].id)
    assert cohort is not None
    assert cohort.name in "AB"
    [entry] = db.session.query(AuditEntry).filter_by(action="cohorts published").all()
    assert entry.actor_id == any_house.instructor.id
    assert sorted(chain.from_iterable(entry.after.values())) == sorted(p.id for p in any_house.learners)


def test_what_was_published_is_not_published_again(any_house: House) -> None:
    publish(any_house)
    with pytest.raises(AlreadyPublishedError), transaction() as session:
        publishing.publish(session, session.get_one(Program, any_house.program.id), version=1, actor_id=None)
    with pytest.raises(AlreadyPublishedError):
        any_house.propose()
    assert db.session.query(Cohort).count() == 2


def test_nobody_is_in_two_running_cohorts_of_a_program(any_house: House) -> None:
    publish(any_house)
    person = any_house.learners[0].id
    cohort = db.session.scalars(select(Cohort.id)).first()
    program = any_house.program.id
    again = Membership(program_id=program, cohort_id=cohort, person_id=person, since=clock.now())
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(again)


def test_only_the_version_that_was_seen_is_changed(any_house: House) -> None:
    any_house.propose()
    any_house.propose(seed=2)
    with pytest.raises(StaleError), transaction() as session:
        publishing.publish(session, session.get_one(Program, any_house.program.id), version=1, actor_id=None)
    _solution, draft = any_house.solved(USUAL)
    assert draft is not None
    with pytest.raises(StaleError), transaction() as session:
        proposing.store(session, any_house.program, draft, version=0, actor_id=any_house.instructor.id)
    assert any_house.version() == 2


def test_all_rules_are_kept_and_checked_by_somebody_else(house: House) -> None:
    know(house, "site", {person.id: "Lyon" if n < 12 else "Porto" for n, person in enumerate(house.learners)})
    together, apart = house.ids(0, 12), house.ids(1, 2)
    locked = {house.learners[5].id: 1}
    house.propose(Rules(8, 20, 12, spread=("site",), together=(together,), apart=(apart,), locked=locked))
    draft = house.draft()
    assert check(draft.problem.to_json(), draft.solution) == []
    at = {int(p): c for c, cohort in enumerate(draft.cohorts) for p in cohort}
    assert at[together[0]] == at[together[1]]
    assert at[apart[0]] != at[apart[1]]
    assert at[house.learners[5].id] == 1
    assert draft.solution["terms"]["spread:site"] == 0


def test_the_same_seed_and_iterations_give_the_same_cohorts(house: House) -> None:
    know(house, "level", {person.id: str(n * n) for n, person in enumerate(house.learners)})
    draft = drafted(house, Rules(8, 20, 12, balance=("level",)))
    again, other = (
        forming.solve(
            draft.problem, seed=seed, now=time.monotonic, seconds=None, iterations=draft.solution["iterations"]
        )
        for seed in (1, 2)
    )
    assert [list(members) for members in again.cohorts] == draft.cohorts
    assert again.cohorts != other.cohorts


def drafted(house: House, rules: Rules) -> Draft:
    _solution, draft = house.solved(rules)
    assert draft is not None
    return draft


@pytest.mark.usefixtures("english")
def test_no_move_or_swap_breaks_a_rule(house: House) -> None:
    rules = Rules(11, 13, 12, together=(house.ids(0, 1),), apart=(house.ids(2, 3), house.ids(4, 5)))
    draft, names = drafted(house, rules), names_of(house)
    everybody = [str(person.id) for person in house.learners]
    tried, refused, made = 0, 0, 0
    for person, other in combinations(everybody, 2):
        for change in (_move_across, editing.swapped):
            tried += 1
            try:
                effect = change(draft, person, other, names)
            except RefusedError:
                refused += 1
                continue
            made += 1
            assert check(effect.draft.problem.to_json(), effect.draft.solution) == []
    assert 0 < made < tried
    assert made + refused == tried


def _move_across(draft: Draft, person: str, _other: str, names: words.Names) -> editing.Effect:
    return editing.moved(draft, person, 1 - (editing.place_of(draft, person) or 0), names)


@pytest.mark.usefixtures("english")
def test_a_refused_move_says_why_with_names(house: House) -> None:
    rules = Rules(12, 12, 12, together=(house.ids(0, 1),), apart=(house.ids(2, 3),))
    draft, names = drafted(house, rules), names_of(house)
    apart = str(house.learners[2].id)
    with pytest.raises(RefusedError) as refused:
        editing.moved(draft, apart, 1 - (editing.place_of(draft, apart) or 0), names)
    assert any("fewer than the 12 that it needs" in reason for reason in refused.value.reasons)
    assert any("more than the 12 allowed" in reason for reason in refused.value.reasons)
    assert "Person 03 and Person 04 must be apart." in refused.value.reasons


@pytest.mark.usefixtures("english")
def test_people_who_must_be_together_move_together(house: House) -> None:
    draft = drafted(house, Rules(8, 20, 12, together=(house.ids(0, 1), house.ids(1, 2))))
    first = str(house.learners[0].id)
    target = 1 - (editing.place_of(draft, first) or 0)
    effect = editing.moved(draft, first, target, names_of(house))
    assert {str(p) for p in house.ids(0, 1, 2)} <= set(effect.draft.cohorts[target])
    assert "Person 01, Person 02 and Person 03 move together" in effect.notes
    assert effect.draft.problem.size.slack == 6
    assert effect.draft.rules.slack == 1


@pytest.mark.usefixtures("english")
def test_a_swap_says_who_moves_along(house: House) -> None:
    draft = drafted(house, Rules(8, 20, 12, together=(house.ids(0, 1),), slack=4))
    first = str(house.learners[0].id)
    here = editing.place_of(draft, first)
    other = next(p for c, members in enumerate(draft.cohorts) if c != here for p in members)
    assert "Person 01 and Person 02 move together" in editing.swapped(draft, first, other, names_of(house)).notes


@pytest.mark.usefixtures("english")
def test_the_figures_after_a_move_are_true(house: House) -> None:
    know(house, "site", {person.id: "Lyon" if n < 12 else "Porto" for n, person in enumerate(house.learners)})
    draft = drafted(house, Rules(8, 20, 12, spread=("site",)))
    person = draft.cohorts[0][0]
    effect = editing.moved(draft, person, 1, names_of(house))
    assert effect.draft.solution["terms"] == {"spread:site": 2.0}
    assert effect.worse == 2.0
    assert "site less evenly spread" in effect.notes


def test_who_joins_later_is_placed_and_nobody_is_moved(any_house: House) -> None:
    publish(any_house)
    before = members(any_house)
    newcomers = [join(any_house, "Nia"), join(any_house, "Noor")]
    assert queries.unplaced(db.session(), any_house.program.id) == newcomers
    result = place(any_house)
    assert [person.name for person, _cohort in result.placed] == ["Nia", "Noor"]
    after = members(any_house)
    assert all(old <= new for old, new in zip(before, after, strict=True))
    assert [len(cohort) for cohort in after] == [13, 13]
    assert db.session.query(Cell).filter_by(person_id=newcomers[0].id).count() > 0
    assert place(any_house).placed == []


def test_a_newcomer_for_whom_there_is_no_room_waits_and_is_told_why(house: House) -> None:
    publish(house, Rules(12, 12, 12))
    join(house, "Nia")
    result = place(house)
    assert result.placed == []
    assert [person.name for person in result.waiting] == ["Nia"]
    with force_locale("en"):
        [(person, reasons)] = publishing.why_waiting(db.session(), house.program, result.waiting)
    assert person.name == "Nia"
    assert reasons == [
        "Cohort A: Cohort A would have 13 people, more than the 12 allowed.",
        "Cohort B: Cohort B would have 13 people, more than the 12 allowed.",
    ]


@pytest.mark.usefixtures("english")
def test_why_somebody_waits_among_a_thousand_with_hours_in_common_is_told_at_once() -> None:
    crowd = tuple(matching.Person(str(n), slots=("mon-09", f"tue-{n % 80 % 24:02}")) for n in range(1000))
    cohorts = [Cohort(name=words.letter(position), position=position) for position in range(80)]
    members = [[person.id for person in crowd[position:960:80]] for position in range(80)]
    problem = matching.Problem(crowd, matching.SizeRule(8, 20, 12), common_slots=2)
    nothing_said = Hours(Program(), {}, NOW)
    now = Standing(cohorts, members, problem, {person.id: person.id for person in crowd}, nothing_said)
    began = time.process_time()
    reasons = [now.obstacles("970", position) for position in range(80)]
    assert time.process_time() - began < 0.25
    assert reasons[0] == ["Cohort A would have too few hours at which everybody can meet."]
    assert [position for position, closed in enumerate(reasons) if not closed] == [10, 34, 58]


def test_who_leaves_is_a_member_no_longer_and_comes_back_to_the_same_cohort(any_house: House) -> None:
    publish(any_house)
    before = members(any_house)
    person = next(iter(before[1]))
    leave(person)
    assert place(any_house).left == [person]
    assert members(any_house)[1] == before[1] - {person}
    entry = queries.cohorts_with_members(db.session(), any_house.program.id)[1]
    assert [membership.person_id for membership in entry.former] == [person]
    assert entry.former[0].until is not None
    with transaction() as session:
        session.query(Enrolment).filter_by(person_id=person).update({"left_at": None})
    place(any_house)
    assert members(any_house) == before


@pytest.fixture
def while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands in the program's first week."""
    monkeypatch.setattr(clock, "now", lambda: factories.NOW)


@pytest.mark.usefixtures("while_it_runs")
def test_a_reading_of_the_roster_places_and_ends_by_itself(any_house: House) -> None:
    publish(any_house, Rules(11, 12, 12))
    gone, newcomer = any_house.learners[0].id, join(any_house, "Nia")
    leave(gone)
    waiting = join(any_house, "Zoe")
    with transaction() as session:
        roster_read.send(any_house.course.id, session=session)
    everybody = set().union(*members(any_house))
    assert newcomer.id in everybody
    assert gone not in everybody
    assert queries.unplaced(db.session(), any_house.program.id) == [waiting]


@pytest.mark.usefixtures("while_it_runs")
def test_who_learns_no_longer_leaves_the_cohort_with_the_next_reading_and_comes_back_with_the_role(
    any_house: House,
) -> None:
    publish(any_house)
    before = members(any_house)
    person = any_house.learners[0].id

    def becomes(role: Role) -> list[set[int]]:
        with transaction() as session:
            session.query(Enrolment).filter_by(person_id=person).update({"role": role.value})
        with transaction() as session:
            roster_read.send(any_house.course.id, session=session)
        return members(any_house)

    assert person not in set().union(*becomes(Role.MENTOR))
    assert becomes(Role.LEARNER) == before


def test_nobody_is_placed_by_itself_in_a_program_that_is_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(house)
    newcomer = join(house, "Nia")
    monkeypatch.setattr(clock, "now", lambda: factories.NOW + timedelta(weeks=20))
    with transaction() as session:
        roster_read.send(house.course.id, session=session)
    assert queries.unplaced(db.session(), house.program.id) == [newcomer]


def test_a_number_too_large_to_balance_by_stops_nobody(house: House) -> None:
    know(house, "level", {person.id: str(n % 5) for n, person in enumerate(house.learners)})
    publish(house, Rules(8, 20, 12, balance=("level",)))
    newcomer = join(house, "Nia")
    with transaction() as session:
        session.add(PersonAttribute(course_id=house.course.id, person_id=newcomer.id, name="level", value="1e200"))
    assert [person.name for person, _cohort in place(house).placed] == ["Nia"]


def test_the_roster_is_followed_where_cohorts_are_published_and_nowhere_else(house: House) -> None:
    house.propose()
    join(house, "Nia")
    with transaction() as session:
        roster_read.send(house.course.id, session=session)
    assert db.session.query(Membership).count() == 0
    assert house.version() == 1


def test_test_users_observers_staff_and_those_gone_are_never_placed(any_house: House) -> None:
    factories.make_people(any_house.course, ["Test"], is_test=True)
    for role in (Role.MENTOR, Role.NONE, Role.TEACHING_ASSISTANT):
        factories.make_people(any_house.course, [f"Some {role}"], role=role)
    leave(any_house.learners[0].id)
    publish(any_house)
    placed = set().union(*members(any_house))
    assert placed == {person.id for person in any_house.learners[1:]}
    assert queries.unplaced(db.session(), any_house.program.id) == []


def test_a_transfer_ends_one_membership_and_begins_another(any_house: House) -> None:
    first, second = publish(any_house)
    person = next(iter(members(any_house)[0]))
    for anyway in (False, True):
        with transaction() as session:
            program = session.get_one(Program, any_house.program.id)
            arguments = (session, program, session.get_one(Cohort, first.id), person, second.id)
            if not anyway:
                with pytest.raises(BrokenRulesError), force_locale("en"):
                    publishing.transfer(*arguments, anyway=False, actor_id=None)
                continue
            with force_locale("en"):
                publishing.transfer(*arguments, anyway=True, actor_id=any_house.instructor.id)
    rows = db.session.query(Membership).filter_by(person_id=person).order_by(Membership.id).all()
    assert [(row.cohort_id, row.until is None) for row in rows] == [(first.id, False), (second.id, True)]
    assert rows[0].until == rows[1].since
    [entry] = db.session.query(AuditEntry).filter_by(action="people moved").all()
    assert entry.why == "It would have 2 people more than the smallest cohort."


def test_numbers_are_told_from_words() -> None:
    assert Attribute("level", {1: "3", 2: "3.5"}).is_numeric
    assert not Attribute("level", {1: "3", 2: "senior"}).is_numeric
    assert not Attribute("level", {1: "nan"}).is_numeric


def test_what_is_not_known_of_somebody_is_left_out_of_the_balance(house: House) -> None:
    know(house, "level", {person.id: "4" for person in house.learners[:5]} | {house.learners[6].id: "2"})
    draft = drafted(house, Rules(8, 20, 12, balance=("level",)))
    assert check(draft.problem.to_json(), draft.solution) == []


@pytest.mark.usefixtures("english")
def test_people_of_one_name_are_told_apart(app: Flask) -> None:
    house = make_house(app, 1)
    one, two = Person(id=1001, name="Ana", email="ana@x.org"), Person(id=1002, name="Ana")
    found = people.labels([one, two, *house.learners])
    assert list(found.values()) == ["Ana (ana@x.org)", "Ana (1002)", "Person 01"]
    loud, twin = Person(id=1003, name="ANA", email="two@x.org"), Person(id=1004, name="Ana", email="Two@x.org")
    found = people.labels([one, loud, twin])
    assert list(found.values()) == ["Ana (ana@x.org)", "ANA (1003)", "Ana (1004)"]
    naming = Naming(found)
    assert [naming.person(typed) for typed in (*found.values(), "ana ana@", "Ana 1004")] == [
        "1001",
        "1003",
        "1004",
        "1001",
        "1004",
    ]
    for typed, called in (("Ana", found), ("ana berg", {"1": "Ana Berg", "2": "ANA BERG"})):
        with pytest.raises(UnclearError, match="can be"):
            Naming(called).person(typed)


@pytest.mark.usefixtures("english")
def test_a_gap_never_promises_too_much() -> None:
    house_of = {0.0004: "0.04 %", 0.000401: "0.05 %", 0.1234: "13 %", 0.0312: "3.2 %", 0.00001: "0.01 %"}
    assert {gap: words.share(gap) for gap in house_of} == house_of


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("size", "warned"), [(8, True), (9, True), (10, False), (11, True), (12, False), (13, False)]
)
def test_sizes_that_cannot_give_eight_new_partners_are_warned_of(size: int, warned: bool) -> None:
    assert bool(words.partner_warnings([("Cohort A", size)], 8)) is warned


def test_membership_is_true_for_its_time(any_house: House) -> None:
    publish(any_house)
    membership = db.session.scalars(select(Membership)).first()
    assert membership is not None
    assert abs(membership.since - clock.now()) < timedelta(minutes=1)
    assert membership.until is None
