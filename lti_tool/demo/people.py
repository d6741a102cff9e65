"""People of the demonstration, each with a browser of their own, inside the tool."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from lti_tool.demo.lms import COURSE
from lti_tool.demo.processes import DemoError, Place
from lti_tool.demo.robot import Page, Robot

PERSON_MARK = re.compile(r'name="shown-(?P<id>\d+)".*?<legend[^>]*>(?P<name>.*?)</legend>', re.DOTALL)


class Visitor:
    """Somebody who has launched the tool. Pages are opened by their path within the visit."""

    def __init__(self, place: Place, entrance: str) -> None:
        self.robot = Robot(place.lms)
        page = self.robot.launch(entrance)
        if page.status != 200 or not page.url.startswith(place.tool):
            raise DemoError(f"the launch ended at {page.url} ({page.status}): {page.text[:200]}")
        self.first_page = page
        self.home = "/".join(page.url.split("/")[:5])

    def open(self, path: str = "") -> Page:
        """A page of the visit that must answer."""
        return self._checked(self.robot.get(f"{self.home}/{path}"))

    def send(self, action: str, button: str | None = None, **fields: str | list[str]) -> Page:
        """Fill in the form of the present page whose address holds `action`, and send it."""
        form = self.robot.form(action)
        return self._checked(self.robot.submit(form, button, **fields))

    def follow(self, text: str) -> Page:
        """Open the link that says `text`."""
        return self._checked(self.robot.follow(text))

    def close(self) -> None:
        self.robot.close()

    def _checked(self, page: Page) -> Page:
        if page.status != 200:
            raise DemoError(f"{urlsplit(page.url).path.split('/', 3)[-1]} answered {page.status}: {page.text[:300]}")
        return page


def by_role(place: Place, role: str) -> Visitor:
    """Whom the LMS signs in at `/enter/<role>`."""
    return Visitor(place, f"/enter/{role}")


def by_id(place: Place, user_id: str) -> Visitor:
    """A person of the course by their LMS user id."""
    return Visitor(place, f"/enter/person/{user_id}?course={COURSE}")


def people_of_session(page: Page) -> dict[str, str]:
    """Peerloop's person ids by name, as the list of a session's page holds them."""
    return {unescape(name).strip(): person for person, name in PERSON_MARK.findall(page.html)}
