"""Published cohorts: making them of a proposal, and who joins, leaves and moves afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lti_tool import audit, clock
from lti_tool.cohorts import acts, people, standing, words
from lti_tool.cohorts.acts import Act, Step
from lti_tool.cohorts.proposing import checked, current, draft_of, take
from lti_tool.cohorts.queries import departed, unplaced
from lti_tool.cohorts.signals import cohorts_published, members_changed
from lti_tool.cohorts.standing import Standing
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook import progress
from lti_tool.matching.newcomer import place_newcomer
from lti_tool.matching.problem import Previous, Problem
from lti_tool.programs.schedule import WeeklyHour, is_over, own_hour
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

MOST_EXPLAINED = 20  # of a whole new section, say; the reasons of more would keep the page waiting
HOMECOMING = 1_000_000.0  # who comes back goes to the cohort that they were in, if its rules allow


class ChangedRosterError(Exception):
    """People of the proposal are no longer learners of the course; `names` says who."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = list(names)


class BrokenRulesError(Exception):
    """A transfer would break rules of the program; `reasons` are sentences."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class NotThereError(Exception):
    """The person is not (or no longer) in the cohort."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What following the roster did: who was placed where, who fits nowhere, who has left."""

    placed: list[tuple[Person, Cohort]]
    waiting: list[Person]
    left: list[int]


def publish(
    session: Session,
    program: Program,
    *,
    version: int | None,
    actor_id: int | None,
    hours: Mapping[int, WeeklyHour] | None = None,
) -> list[Cohort]:
    """Make cohorts of the proposal that has `version`, with its people from now on.

    `hours` says when the cohorts at some positions meet; the others do at the program's time.
    Raises StaleError, AlreadyPublishedError, ChangedRosterError and CheckFailedError; then nothing was written.
    """
    proposal = current(session, program.id, version)
    draft = draft_of(proposal)
    checked(draft.problem, draft.solution)
    _check_roster(session, program, draft.problem)
    # Who publishes sizes that a file or a move by hand made, accepts them: whoever joins or moves later is placed by
    # them.
    sizes = draft.problem.size
    proposal.rules = replace(draft.rules, size_min=sizes.min, size_max=sizes.max, slack=sizes.slack).to_json()
    now = clock.now()
    cohorts = [
        Cohort(program_id=program.id, position=position, name=words.letter(position), published_at=now)
        for position in range(len(draft.cohorts))
    ]
    for cohort in cohorts:
        hour = (hours or {}).get(cohort.position)
        cohort.hour = None if hour == own_hour(program) else hour
    session.add_all(cohorts)
    session.flush()
    session.add_all(
        Membership(program_id=program.id, cohort_id=cohort.id, person_id=int(person), since=now)
        for cohort, members in zip(cohorts, draft.cohorts, strict=True)
        for person in members
    )
    session.flush()
    cohorts_published.send(program, session=session, cohorts=cohorts)
    progress.changed(session, program.id, [int(person.id) for person in draft.problem.people])
    audit.record(
        session,
        "cohorts published",
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={
            cohort.name: [int(p) for p in members] for cohort, members in zip(cohorts, draft.cohorts, strict=True)
        },
    )
    return cohorts


def _check_roster(session: Session, program: Program, problem: Problem) -> None:
    learning = {str(person.id) for person in people.placeable(session, program.course_id)}
    gone = [int(person.id) for person in problem.people if person.id not in learning]
    if gone:
        names = session.scalars(select(Person.name).where(Person.id.in_(gone)).order_by(Person.name)).all()
        raise ChangedRosterError(names)


def place_newcomers(session: Session, program: Program, *, actor_id: int | None = None) -> CatchUp:
    """Place learners who are in no cohort by the rules of the proposal, one after the other, moving nobody, and
    where they are free when the cohort meets if that can be; and end the membership of those who are gone. Without
    cohorts nothing happens. Whom a person took out of a cohort, only a person (`actor_id`) places again.
    """
    take(session, program.id)
    left = _end_departed(session, program, actor_id)
    if left:
        members_changed.send(program, session=session)
    newcomers = unplaced(session, program.id)
    if newcomers and actor_id is None:
        waiting_for_a_word = acts.taken_out(session, program.id)
        newcomers = [person for person in newcomers if person.id not in waiting_for_a_word]
    placing = standing.of(session, program, newcomers)
    if not placing.cohorts or not newcomers:
        return CatchUp([], [], left)
    earlier = _earlier(session, program.id, newcomers, placing.cohorts)
    positions = _place_each(placing, earlier, newcomers)
    placed = [
        (person, placing.cohorts[position])
        for person, position in zip(newcomers, positions, strict=True)
        if position is not None
    ]
    steps = join(session, program, placed)
    if steps:
        acts.record(session, program, Act.PLACED, steps, actor_id)
    waiting = [person for person, position in zip(newcomers, positions, strict=True) if position is None]
    return CatchUp(placed, waiting, left)


def _place_each(placing: Standing, earlier: Previous, newcomers: Sequence[Person]) -> list[int | None]:
    """The index of each newcomer's cohort, None where all are closed to them; its members grow."""
    problem, members = replace(placing.problem, previous=earlier), placing.members
    found: list[int | None] = []
    for newcomer in newcomers:
        person = str(newcomer.id)
        # Wishes are about those who are placed: who still waits must not count.
        so_far = {person}.union(*members)
        present = replace(problem, people=tuple(p for p in problem.people if p.id in so_far))
        away = {index for index in range(len(members)) if placing.away(index, [person])}
        placement = place_newcomer(present, members, person, away - {earlier.cohorts.get(person)})
        if placement.cohort is not None:
            members[placement.cohort].append(person)
        found.append(placement.cohort)
    return found


def why_waiting(session: Session, program: Program, waiting: Sequence[Person]) -> list[tuple[Person, list[str]]]:
    """For each waiting person what closes each cohort to them, in words; nothing when one is open.

    Of many only the first `MOST_EXPLAINED` are told why.
    """
    if not waiting:
        return []
    placing = standing.of(session, program, waiting)
    found = []
    for newcomer in waiting[:MOST_EXPLAINED]:
        obstacles = [placing.obstacles(str(newcomer.id), position) for position in range(len(placing.cohorts))]
        reasons = [
            _("Cohort %(name)s: %(reasons)s", name=cohort.name, reasons=" ".join(obstacle))
            for cohort, obstacle in zip(placing.cohorts, obstacles, strict=True)
        ]
        found.append((newcomer, reasons if all(obstacles) else []))
    return found + [(newcomer, []) for newcomer in waiting[MOST_EXPLAINED:]]


def _earlier(session: Session, program_id: int, newcomers: Sequence[Person], cohorts: Sequence[Cohort]) -> Previous:
    position = {cohort.id: index for index, cohort in enumerate(cohorts)}
    rows = session.execute(
        select(Membership.person_id, Membership.cohort_id)
        .where(Membership.program_id == program_id, Membership.until.is_not(None))
        .order_by(Membership.until)
    )
    waiting = {person.id for person in newcomers}
    earlier = {str(person): position[cohort] for person, cohort in rows if person in waiting and cohort in position}
    return Previous(earlier, HOMECOMING)


def join(session: Session, program: Program, placed: Sequence[tuple[Person, Cohort]]) -> list[Step]:
    """Let people who are in no cohort be in one from now on. Returns what the act did; the caller records it."""
    now = clock.now()
    session.add_all(
        Membership(program_id=program.id, cohort_id=cohort.id, person_id=person.id, since=now)
        for person, cohort in placed
    )
    session.flush()
    if placed:
        members_changed.send(program, session=session)
        progress.changed(session, program.id, [person.id for person, _cohort in placed])
    return [Step(person.id, None, cohort.id) for person, cohort in placed]


def _end_departed(session: Session, program: Program, actor_id: int | None) -> list[int]:
    now = clock.now()
    ended = departed(session, program.id)
    for membership in ended:
        membership.until = now
    if ended:
        steps = [Step(membership.person_id, membership.cohort_id, None) for membership in ended]
        acts.record(session, program, Act.LEFT, steps, actor_id)
    session.flush()
    return [membership.person_id for membership in ended]


def follow_roster(course_id: int, *, session: Session) -> None:
    """Place and end as the roster says, in every running program of the course with cohorts (a signal's handler)."""
    published = select(Cohort.program_id).distinct()
    query = select(Program).where(Program.course_id == course_id, Program.id.in_(published))
    for program in session.scalars(query.order_by(Program.id).options(selectinload(Program.modules))).all():
        if not is_over(program, clock.now()):
            place_newcomers(session, program)


def transfer(
    session: Session,
    program: Program,
    cohort: Cohort,
    person_id: int,
    target_id: int,
    *,
    anyway: bool,
    actor_id: int | None,
) -> tuple[Person, Cohort]:
    """Move a person from a published cohort to another one, from now on.

    Raises NotThereError when the person is not in `cohort` or the target is not another cohort of the program,
    and BrokenRulesError when rules would break, unless `anyway`: then the audit says which.
    """
    take(session, program.id)
    now_there = standing.of(session, program).unlocked()
    running = session.scalar(
        select(Membership).where(
            Membership.cohort_id == cohort.id, Membership.person_id == person_id, Membership.until.is_(None)
        )
    )
    to = next((i for i, other in enumerate(now_there.cohorts) if other.id == target_id), None)
    if running is None or to is None or target_id == cohort.id:
        raise NotThereError
    reasons = now_there.obstacles(str(person_id), to) + now_there.meets_without(str(person_id), to)
    if reasons and not anyway:
        raise BrokenRulesError(reasons)
    target = now_there.cohorts[to]
    steps = move_members(session, program, [(running, target)])
    acts.record(session, program, Act.MOVED, steps, actor_id, why=" ".join(reasons) or None)
    return session.get_one(Person, person_id), target


def move_members(session: Session, program: Program, moves: Sequence[tuple[Membership, Cohort | None]]) -> list[Step]:
    """Let running memberships go on in other cohorts from now on, or in none. Returns as `join`."""
    now = clock.now()
    for running, _target in moves:
        running.until = now
    session.flush()
    session.add_all(
        Membership(program_id=program.id, cohort_id=target.id, person_id=running.person_id, since=now)
        for running, target in moves
        if target is not None
    )
    session.flush()
    members_changed.send(program, session=session)
    progress.changed(session, program.id, [running.person_id for running, _target in moves])
    return [Step(running.person_id, running.cohort_id, target.id if target else None) for running, target in moves]
