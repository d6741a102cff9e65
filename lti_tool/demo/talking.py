"""What learners of the demonstration tell each other after a session, and what they take on until the next one."""

from __future__ import annotations

import re

from lti_tool.demo.people import Visitor
from lti_tool.demo.robot import Link, Page

ASKED = re.compile(r"/meetings/(?P<meeting>\d+)/feedback/\d+$")
TO_TELL = re.compile("Three questions|Tell ")
TOLD = (
    "You waited until I had finished, and then said back what you had heard. I felt taken seriously.",
    "When you asked “what have you tried?” I saw my problem in another way. Ask it sooner.",
    "You named the day and the meeting, so I knew at once what you meant. Leave out the “always”.",
)
TAKEN_ON = (
    "I say one specific thing to Sam after the Monday call.",
    "I ask two questions before I advise, in the review on Thursday.",
    "I thank whoever gives me feedback, and explain nothing.",
)


def tell_partners(learner: Visitor, first_page: Page, week: int, number: int) -> str | None:
    """Answer all that a learner is asked about their partners; the session's id, if there was anything."""
    meeting, page = None, first_page
    while link := _asked(page):
        meeting = ASKED.search(link.href)
        learner.robot.get(link.href)
        answers: dict[str, str | list[str]] = {f"answer-{each}": str((number + each) % 2 + 2) for each in range(3)}
        page = learner.send("/feedback/", None, text=TOLD[(number + week) % len(TOLD)], **answers)
    return meeting["meeting"] if meeting else None


def _asked(page: Page) -> Link | None:
    return next((link for link in page.links if ASKED.search(link.href) and TO_TELL.match(link.text)), None)


def take_something_on(learner: Visitor, meeting: str, week: int) -> None:
    """Write down one thing, in the room of the session."""
    learner.open(f"meetings/{meeting}/mine")
    learner.send("/commitment", text=TAKEN_ON[week - 1])


def say_how_it_went(learner: Visitor, first_page: Page, number: int) -> None:
    """Answer for what was taken on in the last session, if the first page asks for it."""
    asked = next((link for link in first_page.links if link.text in ("Say how it went", *TAKEN_ON)), None)
    if asked is not None:
        learner.robot.get(asked.href)
        learner.send("/outcome", outcome="partly" if number % 4 == 0 else "kept")
