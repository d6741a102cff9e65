"""What the parts of a running sandbox share, and the questions that many of them ask."""

import sqlite3
from dataclasses import dataclass, replace

from flask import abort, current_app
from itsdangerous import URLSafeSerializer

from lti_tool.sandbox.families.standard import Standard
from lti_tool.sandbox.faults import Faults
from lti_tool.sandbox.keys import PlatformKey
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.settings import Settings
from lti_tool.sandbox.store import Store


@dataclass(frozen=True)
class Platform:
    settings: Settings
    store: Store
    key: PlatformKey
    pages: URLSafeSerializer
    """Signs the tokens of next-page links."""
    faults: Faults
    storage: Storage

    @property
    def lms(self) -> Standard:
        """The LMS that is played."""
        return self.settings.lms


def platform() -> Platform:
    found: Platform = current_app.extensions["sandbox"]
    return found


def offer_storage(storage: Storage) -> None:
    """From now on; see ``storage.py``."""
    current_app.extensions["sandbox"] = replace(platform(), storage=storage)


def course_or_404(course_id: str) -> sqlite3.Row:
    return platform().store.row("SELECT * FROM courses WHERE id = ?", course_id) or abort(404)


def person_of(sub: str) -> sqlite3.Row | None:
    return platform().store.row("SELECT * FROM people WHERE sub = ?", sub)


def enrolment_of(course_id: str, sub: str) -> sqlite3.Row | None:
    """The active enrolment; somebody who has left has none."""
    return platform().store.row("SELECT * FROM enrolments WHERE course_id = ? AND sub = ? AND active", course_id, sub)


def gradable_learners(course_id: str) -> list[sqlite3.Row]:
    """Active learners, the test student included, as Canvas and Blackboard have it."""
    return platform().store.rows(
        "SELECT people.* FROM people JOIN enrolments USING (sub)"
        " WHERE course_id = ? AND role = 'learner' AND active ORDER BY name",
        course_id,
    )


def is_gradable(course_id: str, sub: str) -> bool:
    return bool(
        platform().store.row(
            "SELECT 1 FROM people JOIN enrolments USING (sub)"
            " WHERE course_id = ? AND sub = ? AND role = 'learner' AND active",
            course_id,
            sub,
        )
    )
