"""Grades reach the LMS once, whole, and never over a person's grade."""

from __future__ import annotations

from tests.gradebook.course import CourseInLms


def test_a_deed_is_in_the_lms_with_its_comment_and_is_sent_once(lms: CourseInLms) -> None:
    ada = lms.people[0]
    lms.did(ada, done=5, due=6)
    lms.work()
    lms.hurry()
    lms.work()
    sent = lms.sent()
    assert lms.grade(ada) == 83.33
    assert [(s["payload"]["comment"], s["payload"]["scoreGiven"], s["status"]) for s in sent] == [
        ("5 of 8 sessions", 83.33, 200)
    ]
