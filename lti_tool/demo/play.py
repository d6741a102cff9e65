"""The main job, played by robots over HTTP: three weeks of a program, from the launch to the gradebook and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from lti_tool.demo import lms, people
from lti_tool.demo.people import Visitor
from lti_tool.demo.processes import DemoError, Place, wait_for

FIRST_SESSION_BEFORE = timedelta(days=19)  # so that three sessions are over and the third assignment is open
SESSION_TIME = time(14, 0)
SESSION_HELD = timedelta(minutes=50)
WEEKS = 3
PATIENCE_SECONDS = 60.0
MEETING = re.compile(r"/meetings/(\d+)")
COHORT = re.compile(r"/cohorts/(\d+)")

Tell = Callable[[str, int, int], None]


@dataclass
class Deeds:
    """What the robots did, as they know it: the demonstration's table and its check are counted from this."""

    launches: int = 0
    sessions_closed: int = 0
    attended: Counter[str] = field(default_factory=Counter)
    sessions_due: Counter[str] = field(default_factory=Counter)
    handed_in: Counter[str] = field(default_factory=Counter)
    confirmed: Counter[str] = field(default_factory=Counter)
    confirmed_early: Counter[str] = field(default_factory=Counter)
    cohorts: int = 0
    program_id: str = ""
    override: tuple[str, float] = ("", 0.0)


class Play:
    """One performance. `tell(step, done, total)` hears how far it is."""

    def __init__(self, place: Place, tell: Tell) -> None:
        self.place = place
        self.tell = tell
        self.deeds = Deeds()
        self.start = self._first_session()
        self.user_ids: dict[str, str] = {}
        self.visitors: dict[str, Visitor] = {}

    def _first_session(self) -> datetime:
        day: date = (datetime.now(UTC) - FIRST_SESSION_BEFORE).date()
        return datetime.combine(day, SESSION_TIME, UTC)

    def perform(self) -> Deeds:
        """Play it all. Raises DemoError at the first thing that is not as it should be."""
        lms.register_tool(self.place)
        self._move_clock(self.start - timedelta(days=3))
        self._set_up()
        self._launch_learners()
        for week in range(1, WEEKS + 1):
            self._hold_sessions(week)
            self._do_assignments(week)
        self._move_clock(None)
        self._wait_for_gradebook()
        self._override()
        for visitor in self.visitors.values():
            visitor.close()
        return self.deeds

    def _move_clock(self, to: datetime | None) -> None:
        offset = (to - datetime.now(UTC)).total_seconds() if to else 0.0
        draft = self.place.clock_file.with_suffix(".new")
        draft.write_text(f"{offset:.0f}")
        draft.replace(self.place.clock_file)

    def _enter(self, role: str) -> Visitor:
        if role not in self.visitors:
            self.visitors[role] = people.by_role(self.place, role)
            self.deeds.launches += 1
        return self.visitors[role]

    # Before the first session

    def _set_up(self) -> None:
        self.tell("The instructor launches Peerloop; the roster is read", 0, 1)
        instructor = self._enter("instructor")
        self._enter("facilitator")
        wait_for(lambda: "54 learners can be placed" in instructor.open("people").text, "the roster", PATIENCE_SECONDS)
        text, self.user_ids = lms.learners(instructor.robot)
        instructor.open("people")
        instructor.send("/attributes", text=text.lstrip("\ufeff"))
        self._make_program(instructor)
        self._form_cohorts(instructor)
        self._appoint_facilitators(instructor)

    def _make_program(self, instructor: Visitor) -> None:
        instructor.open("programs/new")
        page = instructor.send(
            "/programs/new",
            title="Giving feedback",
            skill="giving feedback",
            first_session_on=self.start.date().isoformat(),
            session_time=f"{SESSION_TIME:%H:%M}",
            zone="UTC",
            session_minutes="45",
        )
        found = re.search(r"/programs/(\d+)", page.url)
        if found is None:
            raise DemoError(f"no program was made: {page.text[:300]}")
        self.deeds.program_id = found[1]

    def _form_cohorts(self, instructor: Visitor) -> None:
        self.tell("Cohorts are proposed, changed by hand, published", 0, 1)
        path = f"programs/{self.deeds.program_id}/cohorts"
        instructor.open(path)
        raise NotImplementedError  # the forming page's forms

    def _appoint_facilitators(self, instructor: Visitor) -> None:
        raise NotImplementedError
