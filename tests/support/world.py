"""One course with something of everything, and a second that nobody of the first may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from lti_tool.cohorts.tables import Cohort
from lti_tool.commitments.tables import Commitment
from lti_tool.database import db, transaction
from lti_tool.feedback.tables import PeerFeedback
from lti_tool.gradebook import progress
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, CourseLink, Person, ReadingState, RosterReading
from lti_tool.work.tables import Assignment, Credit, Submission
from tests.support import factories
from tests.support.factories import NOW, Browser


@dataclass
class World:
    """A course with a published cohort, and the ids that addresses of its pages name."""

    app: Flask
    course: Course
    program: Program
    cohort: Cohort
    people: dict[str, Person]
    ids: dict[str, int] = field(default_factory=dict)

    def visit(self, who: str) -> Browser:
        """A visit as a role of the standard, as `admin`, or as `facilitator` (a learner who is one)."""
        role = {"admin": Role.NONE, "facilitator": Role.LEARNER}.get(who) or Role(who)
        return factories.visit(self.app, self.course, self.people[who], role, is_admin=who == "admin")


def build(
    app: Flask,
    title: str = "Giving feedback",
    issuer: str = "https://lms.test",
    tenant_id: int | None = None,
    learner: str = "Person",
) -> World:
    """Make a course with a program whose first session is over and whose first assignment is handed in."""
    course = factories.make_course(title=title, issuer=issuer, tenant_id=tenant_id)
    learners = factories.make_people(course, [f"{learner} {n:02d}" for n in range(1, 11)])
    people = {"learner": learners[0], "facilitator": learners[9]}
    for who in ("instructor", "ta", "mentor", "none", "admin"):
        role = Role.NONE if who == "admin" else Role(who)
        people[who] = factories.make_people(course, [f"The {who}"], role=role)[0]
    program = factories.make_program(course)
    cohort = factories.make_cohort(program, learners[:9], facilitator=people["facilitator"])
    world = World(app, course, program, cohort, people)
    world.ids = {"program_id": program.id, "cohort_id": cohort.id, "person_id": learners[1].id}
    _add_deeds(world, learners)
    return world


def _add_deeds(world: World, learners: list[Person]) -> None:
    meeting = db.session.scalars(
        select(Meeting).where(Meeting.cohort_id == world.cohort.id).order_by(Meeting.starts_at)
    ).first()
    assert meeting is not None
    assignment = db.session.scalars(select(Assignment).where(Assignment.meeting_id == meeting.id)).one()
    with transaction() as session:
        submission = Submission(
            assignment_id=assignment.id,
            person_id=learners[1].id,
            text="I tried it.",
            handed_in_at=NOW,
            credits=[Credit(assignment_id=assignment.id, person_id=learners[1].id)],
        )
        reading = RosterReading(
            course_id=world.course.id, state=ReadingState.HELD, requested_at=NOW, try_at=NOW, leaving=7
        )
        request = factories.deep_linking_request(session, world.course, world.people["instructor"])
        link = CourseLink(course_id=world.course.id, link_id="link-1", title="Week 1")
        commitment = Commitment(
            meeting_id=meeting.id,
            person_id=world.people["learner"].id,
            text="I ask before I advise.",
            due_at=meeting.starts_at + timedelta(days=6),
            witness_id=learners[1].id,
            made_at=NOW,
        )
        feedback = PeerFeedback(
            meeting_id=meeting.id,
            giver_id=learners[1].id,
            receiver_id=world.people["learner"].id,
            due_at=meeting.starts_at,
            answers=[],
            text=f"{learners[1].name} saw you wait.",
            given_at=NOW,
        )
        session.add_all([submission, reading, request, link, commitment, feedback])
        session.flush()

        progress.changed(session, world.program.id, [person.id for person in learners])
        session.flush()
        cell = session.scalars(select(Cell).join(Column).where(Column.program_id == world.program.id)).first()
        assert cell is not None
        world.ids |= {
            "meeting_id": meeting.id,
            "assignment_id": assignment.id,
            "submission_id": submission.id,
            "commitment_id": commitment.id,
            "feedback_id": feedback.id,
            "reading_id": reading.id,
            "cell_id": cell.id,
            "request_id": request.id,
            "module_id": meeting.module_id,
            "link_id": link.id,
            "origin_id": world.course.id,
        }
