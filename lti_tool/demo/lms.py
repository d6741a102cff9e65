"""The sandbox LMS as the demonstration's people use it: through its pages."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from html import unescape

from lti_tool.demo.processes import DemoError, Place, peerloop
from lti_tool.demo.robot import Page, Robot

COURSE = "ctx-feedback"
CELL = re.compile(r'<td id="c(?P<item>\d+)\.(?P<sub>[^"]+)">(?P<content>.*?)</td>', re.DOTALL)
SCORE = re.compile(r'class="score">(?P<score>[^<]+)')
COMMENT = re.compile(r'class="comment">(?P<comment>[^<]*)<')
HEADING = re.compile(r'<th scope="col">(?P<label>[^<]+)<small>Peerloop')


@dataclass(frozen=True, slots=True)
class Grade:
    """What one cell of the LMS's gradebook shows."""

    item: str
    score: float | None
    comment: str
    pending: bool
    """Whether it says that a grade is still to come."""


def register_tool(place: Place) -> None:
    """What two administrators do once: by one pasted address, or by hand where the LMS takes none."""
    robot = Robot(place.lms)
    robot.get("/enter/admin")
    page = robot.get("/admin/tools")
    takes_address = any("/admin/register" in form.action for form in page.forms)
    (_register_by_address if takes_address else _register_by_hand)(place, robot)
    robot.close()


def _register_by_address(place: Place, robot: Robot) -> None:
    invitation = json.loads(peerloop(place, "platform", "invite", "--host", place.lms, "--json"))
    page = robot.submit(robot.form("/admin/register"), address=invitation["url"])
    last = robot.get(page.frames[0])
    if last.status != 200:
        raise DemoError(f"the registration ended with {last.status}: {last.text[:200]}")


def _register_by_hand(place: Place, robot: Robot) -> None:
    page = robot.submit(
        robot.form("/admin/tools"),
        name="Peerloop",
        login_url=f"{place.tool}/lti/login",
        redirect_uris=f"{place.tool}/lti/launch",
        target_link_uri=f"{place.tool}/lti/launch",
        jwks_url=f"{place.tool}/lti/jwks",
    )
    details = dict(re.findall(r"<dt>([^<]+)</dt><dd><code>([^<]+)</code>", page.html))
    audience = ("--audience", details["OAuth2 Audience"]) if "OAuth2 Audience" in details else ()
    peerloop(
        place, "platform", "add", "--name", "Sandbox LMS", "--issuer", details["Issuer"],
        "--client-id", details["Client ID"], "--auth-url", details["Authorization URL"],
        "--token-url", details["Token URL"], "--jwks-url", details["JWKS URL"],
        "--deployment", details["Deployment ID"], "--family", place.family, *audience,
    )  # fmt: skip


def learners(instructor: Robot) -> tuple[str, dict[str, str]]:
    """The LMS's list of participants as CSV, and each learner's user id by name."""
    text = instructor.get(f"/courses/{COURSE}/participants.csv").text
    return text, {row["name"]: row["user_id"] for row in csv.DictReader(io.StringIO(text))}


def gradebook(instructor: Robot) -> dict[str, dict[str, Grade]]:
    """What the LMS's gradebook page shows: by the end of a column's label, then by user id."""
    page = instructor.get(f"/courses/{COURSE}/gradebook")
    labels = [unescape(label).rsplit(": ", 1)[-1] for label in HEADING.findall(page.html)]
    grades = [_grade(match) for match in CELL.finditer(page.html)]
    items = sorted({grade.item for _sub, grade in grades}, key=int)[-len(labels) :]
    return {
        label: {sub: grade for sub, grade in grades if grade.item == item}
        for label, item in zip(labels, items, strict=True)
    }


def _grade(match: re.Match[str]) -> tuple[str, Grade]:
    score = SCORE.search(match["content"])
    comment = COMMENT.search(match["content"])
    shown = score["score"].strip().replace(",", "") if score else "–"
    number = float(shown) if re.fullmatch(r"[\d.]+", shown) else None
    said = unescape(comment["comment"]) if comment else ""
    return match["sub"], Grade(match["item"], number, said, pending=shown == "pending")


def type_grade(instructor: Robot, grade: Grade, sub: str, score: str) -> Page:
    """An instructor types a grade over what is there."""
    instructor.get(f"/courses/{COURSE}/gradebook?edit={grade.item}.{sub}")
    page = instructor.submit(instructor.form(f"/gradebook/{grade.item}/"), score=score)
    if page.status != 200:
        raise DemoError(f"the LMS did not take a grade: {page.text[:200]}")
    return page
