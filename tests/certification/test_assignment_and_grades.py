"""Columns, scores and results in a platform's gradebook. https://www.imsglobal.org/spec/lti-ags/v2p0"""

from __future__ import annotations

from urllib.parse import urlsplit

from lti_tool.meetings.tables import Presence
from tests.certification.course import CourseWithServices
from tests.certification.services import AGS, ITEM_SCOPE, RESULT_SCOPE, ROSTER_SCOPE, SCORE_SCOPE, member
from tests.support.platform import GONE

PART = "Assignment and Grades"
EVERYBODY = [member("ana", name="Ana Ruiz"), member("bo", name="Bo Li"), member("cy", name="Cy Ng")]


def graded(course: CourseWithServices, **claims: object) -> None:
    """A session in which Ana and Cy took part, and Bo did not, has reached the gradebook."""
    course.services.members = EVERYBODY
    course.teacher_opens(**claims)
    course.roster_is_read()
    course.first_session_was(present=("ana", "cy"))
    course.grades_are_sent()
    assert course.services.faults == []


def test_line_items_are_made(course: CourseWithServices) -> None:
    """A course without a line item"""
    graded(course)
    items = course.services.items.values()
    assert {"sessions", "completion"} <= {item["tag"] for item in items}
    assert all(item["scoreMaximum"] > 0 and item["label"] and item["resourceId"] for item in items)
    course.tool.seen("make its columns, each with label, maximum, `resourceId` and `tag`")


def test_line_items_are_found(course: CourseWithServices) -> None:
    """A course whose line items are there already, as in one that Peerloop has used before"""
    graded(course)
    made = len(course.services.items)
    course.forgets_its_columns()
    course.corrects("bo", Presence.PRESENT)
    course.grades_are_sent()
    assert course.services.faults == []
    assert len(course.services.items) == made
    assert course.services.scores_of("sessions", "bo")[-1]["scoreGiven"] > 0
    course.tool.seen("find them by `resourceId` and `tag`, and make none twice")


def test_scores_are_sent(course: CourseWithServices) -> None:
    """Learners who have done something that counts"""
    graded(course)
    [ana], [bo] = course.services.scores_of("sessions", "ana"), course.services.scores_of("sessions", "bo")
    assert ana["scoreGiven"] == ana["scoreMaximum"]
    assert bo["scoreGiven"] == 0
    assert (ana["activityProgress"], ana["gradingProgress"]) == ("InProgress", "FullyGraded")
    assert ana["comment"] == "1 of 8 sessions"
    course.tool.seen("send each score once, with its maximum, progress, comment and a timestamp to the millisecond")


def test_scores_are_corrected(course: CourseWithServices) -> None:
    """A learner whose score changes"""
    graded(course)
    course.corrects("bo", Presence.PRESENT)
    course.grades_are_sent()
    assert course.services.faults == []
    assert [score["scoreGiven"] for score in course.services.scores_of("sessions", "bo")] == [0, 100]
    assert len(course.services.scores_of("sessions", "ana")) == 1
    course.tool.seen("send it again with a later timestamp, and nobody else's")


def test_scores_are_taken_back(course: CourseWithServices) -> None:
    """A learner of whom nothing counts any more"""
    graded(course)
    course.corrects("bo", Presence.EXCUSED)
    course.grades_are_sent()
    assert course.services.faults == []
    last = course.services.scores_of("sessions", "bo")[-1]
    assert "scoreGiven" not in last
    assert (last["activityProgress"], last["gradingProgress"]) == ("Initialized", "NotReady")
    assert not [r for r in course.services.results[course.services.item("sessions")] if r["userId"] == "bo"]
    course.tool.seen("clear the score (`Initialized`, `NotReady`, no `scoreGiven`)")


def test_results_are_read(course: CourseWithServices) -> None:
    """Results of several pages, one of which an instructor has changed"""
    graded(course)
    results = course.services.results[course.services.item("sessions")]
    next(result for result in results if result["userId"] == "cy")["resultScore"] = 42
    course.results_are_wanted()
    course.corrects("cy", Presence.ABSENT)
    course.grades_are_sent()
    assert course.services.faults == []
    assert len(course.services.scores_of("sessions", "cy")) == 1
    assert "42" in course.page(course.gradebook())
    course.tool.seen("read all pages, show the instructor's grade, and not write over it")


def test_the_scopes(course: CourseWithServices) -> None:
    """A token endpoint that sees what is asked for"""
    graded(course)
    course.results_are_wanted()
    asked = {request["scope"] for request in course.tool.platform.token_requests}
    assert asked == {ROSTER_SCOPE, ITEM_SCOPE, SCORE_SCOPE, RESULT_SCOPE}
    course.tool.seen("ask for each scope by itself, when it is needed")


def test_no_service(course: CourseWithServices) -> None:
    """A launch that offers no gradebook"""
    graded(course, **{AGS + "claim/endpoint": GONE})
    assert asked_for(course) == {"Members"}
    assert "Ask the LMS&#39;s administrator to allow the tool its grade services" in course.page(course.gradebook())
    course.tool.seen("ask for nothing, and say so on the gradebook's page")


def test_reading_alone(course: CourseWithServices) -> None:
    """A launch that lets the tool read line items, and make none"""
    scopes = [AGS + "scope/lineitem.readonly", SCORE_SCOPE, RESULT_SCOPE]
    graded(course, **course.services.claims(scopes=scopes))
    assert course.services.items == {}
    assert course.services.scores == []
    assert "the LMS does not let this tool create columns" in course.page(course.gradebook())
    course.tool.seen("make none, and say what an administrator must allow")


def asked_for(course: CourseWithServices) -> set[str]:
    """The first part of every address that was asked for."""
    base = urlsplit(course.tool.platform.issuer).path
    paths = (urlsplit(path).path for _method, path, _headers, _body in course.tool.platform.requests)
    return {path.removeprefix(base).split("/")[1] for path in paths}
