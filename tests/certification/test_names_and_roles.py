"""Reading the roster of a course. https://www.imsglobal.org/spec/lti-nrps/v2p0"""

from __future__ import annotations

from tests.certification.course import CourseWithServices
from tests.certification.services import NRPS, ROSTER_SCOPE, member
from tests.certification.tool import LEARNER
from tests.support.platform import GONE

PART = "Names and Roles"


def read(course: CourseWithServices) -> str:
    """The page of the people, once the roster has been read."""
    course.teacher_opens()
    course.roster_is_read()
    assert course.services.faults == []
    return course.page("people")


def test_the_members_of_a_course(course: CourseWithServices) -> None:
    """A course with an instructor and learners"""
    course.services.members = [
        member("teacher", "Instructor", name="Tea Cher"),
        member("ana", name="Ana Ruiz"),
        member("bo", name="Bo Li"),
    ]
    page = read(course)
    assert "2 learners can be placed" in page
    assert all(name in page for name in ("Tea Cher", "Ana Ruiz", "Bo Li"))
    assert {request["scope"] for request in course.tool.platform.token_requests} == {ROSTER_SCOPE}
    course.tool.seen("read it with the one scope that it needs, and show everybody in their role")


def test_several_pages(course: CourseWithServices) -> None:
    """A roster of several pages (`Link: …; rel="next"`)"""
    course.services.members = [member(f"s{n}", name=f"Student {n}") for n in range(1, 6)]
    page = read(course)
    assert all(f"Student {n}" in page for n in range(1, 6))
    assert [path.count("Cursor=aB%2FcD") for path in course.services.asked_for] == [0, 1, 1]
    course.tool.seen("follow each next address as it was given, and show everybody")


def test_little_about_people(course: CourseWithServices) -> None:
    """Members of whom only some things are shared: id alone, names alone, e-mail alone"""
    course.services.members = [
        member("nobody"),
        member("named", given_name="Ana", family_name="Ruiz"),
        member("mailed", email="bo@example.edu"),
    ]
    page = read(course)
    assert "3 learners can be placed" in page
    assert "Ana Ruiz" in page
    assert "bo@example.edu" in page
    assert "nobody" not in page
    course.tool.seen("take them all, with a made-up name where there is none")


def test_people_who_are_not_active(course: CourseWithServices) -> None:
    """Members whose `status` is `Inactive` or `Deleted`"""
    course.services.members = [
        member("ana", name="Ana Ruiz", status="Active"),
        member("bo", name="Bo Li", status="Inactive"),
        member("cy", name="Cy Deleted", status="Deleted"),
    ]
    page = read(course)
    assert "1 learner can be placed" in page
    assert "Bo Li" not in page
    assert "Cy Deleted" not in page
    course.tool.seen("leave them out")


def test_roles_of_every_kind(course: CourseWithServices) -> None:
    """Members with several roles, short, unknown and no roles, and a test user"""
    test_user = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
    course.services.members = [
        member("several", name="Sev Eral") | {"roles": ["Mentor-of-none", *LEARNER]},
        member("short", name="Sho Rt") | {"roles": ["Learner"]},
        member("unknown", name="Unk Nown") | {"roles": ["http://example.edu/role#Helper"]},
        member("none", name="No Role") | {"roles": []},
        member("test", name="Test Student") | {"roles": [*LEARNER, test_user]},
    ]
    page = read(course)
    assert "2 learners can be placed" in page
    assert "Test user: never placed or graded" in page
    assert page.count("the LMS gives no role in this course") == 2
    course.tool.seen("place learners, and nobody else")


def test_a_member_is_the_person_who_launches(course: CourseWithServices) -> None:
    """A member (`user_id`) who launches as well (`sub`)"""
    course.services.members = [member("ana", name="Ana Ruiz")]
    read(course)
    course.learner_opens(sub="ana", name=GONE)
    page = course.page("people")
    assert page.count("Ana Ruiz") == 1
    assert "1 learner can be placed" in page
    course.tool.seen("know them as one person")


def test_somebody_who_leaves(course: CourseWithServices) -> None:
    """A member who is missing from the next reading"""
    course.services.members = [member(f"s{n}", name=f"Student {n}") for n in range(1, 6)]
    read(course)
    course.services.members.pop()
    course.asks_for_the_roster()
    assert "4 learners can be placed" in course.page("people")
    assert "Student 5" in course.page("people?show=gone")
    course.tool.seen("mark them as gone")


def test_no_service(course: CourseWithServices) -> None:
    """A launch that offers no roster"""
    course.teacher_opens(**{NRPS + "claim/namesroleservice": GONE})
    course.roster_is_read()
    assert course.tool.platform.requests == []
    assert "An administrator must allow the service “Names and Roles”" in course.page("people")
    course.tool.seen("ask for nothing, and say what an administrator must allow")
