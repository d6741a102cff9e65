"""The main job, played by robots over HTTP: three weeks of a program, from the launch to the gradebook and back."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from lti_tool.demo import lms, people, talking
from lti_tool.demo.people import Visitor
from lti_tool.demo.processes import DemoError, Place, wait_for
from lti_tool.demo.robot import Page

FIRST_SESSION_BEFORE = timedelta(days=19)  # so that three sessions are over and the third assignment is open
SESSION_TIME = time(14, 0)
SESSION_HELD = timedelta(minutes=50)
WEEKS = 3
PATIENCE_SECONDS = 60.0
ABSENCES = ("absent", "late", "excused")  # what befalls one person of each cohort, week by week
OVERRIDE = 87.5
GOALS = ("present work", "new role", "lead others", "confidence", "peers")
HAND_INS = (
    "I told Sam what I saw in the Monday call, and what it did to the team. He asked for an example, and I had one.",
    "I asked before I advised, twice. The second time the answer was no, and that was fine.",
    "I asked two colleagues what I should do more of. Both said the same thing, which I had not expected.",
)
PLACED = re.compile(r"(\d+) people learn in (\d+) cohorts")
COHORT = re.compile(r"/cohorts/(\d+)\b")
OVER = re.compile(r'<a [^>]*href="[^"]*/meetings/(\d+)"[^>]*>(?:(?!</a>).)*?close it', re.DOTALL)
ASSISTANT = re.compile(r'<option value="([^"]*eaching assistant)"')
COLLEAGUE = re.compile(r'<option value="([^"]*nstructor)"')
SILENT = re.compile(r"(\d+) of (\d+) learners have not answered")
CONFIRMS = re.compile(r"Confirm what (?P<name>.+) did")
CONFIRM = re.compile("Read and confirm|Confirm what")
AFTER_SESSION = re.compile(r"After session (\d+)")
EVERYTHING_SENT = re.compile(r"\b(\d+) of \1 grades are in the LMS|All \d+ grades are in the LMS")


class Tell(Protocol):
    """Hears what is going on and how far it is."""

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None: ...


@dataclass
class Deeds:
    """What the robots did, as they know it: the demonstration's table and its check are counted from this."""

    launches: int = 0
    sessions_closed: int = 0
    attended: Counter[str] = field(default_factory=Counter)
    sessions_due: Counter[str] = field(default_factory=Counter)
    feedback: Counter[str] = field(default_factory=Counter)
    """In how many weeks somebody told all partners what they saw, by user id."""
    handed_in: Counter[str] = field(default_factory=Counter)
    confirmed: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The weeks whose assignment a partner has confirmed, by user id."""
    answers: int = 0
    answered: int = 0
    """How many learners have answered, as the instructor sees it."""
    placed: int = 0
    cohorts: int = 0
    program_id: str = ""
    overridden: str = ""


class Play:
    """One performance. `tell(step, done, total)` hears how far it is."""

    def __init__(self, place: Place, tell: Tell) -> None:
        self.place = place
        self.tell = tell
        self.deeds = Deeds()
        self.start = self._first_session()
        self.user_ids: dict[str, str] = {}
        self.visitors: dict[str, Visitor] = {}
        self.talking: list[str] = []  # the cohort that tells each other what they saw, by user id

    def _first_session(self) -> datetime:
        day: date = (datetime.now(UTC) - FIRST_SESSION_BEFORE).date()
        return datetime.combine(day, SESSION_TIME, UTC)

    def perform(self) -> Deeds:
        """Play it all. Raises DemoError at the first thing that is not as it should be."""
        lms.register_tool(self.place)
        self._move_clock(self.start - timedelta(days=3))
        self._set_up()
        for week in range(1, WEEKS + 1):
            self._hold_sessions(week)
            self._talk(week)
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
        self.tell("The instructor launches Peerloop; the roster is read")
        instructor = self._enter("instructor")
        self._enter("facilitator")
        wait_for(
            lambda: "54 learners can be placed" in instructor.open("people").text, "the roster", PATIENCE_SECONDS
        )
        text, self.user_ids = lms.learners(instructor.robot)
        instructor.open("people")
        instructor.send("/attributes", text=text.lstrip("\ufeff"))
        instructor.send("/attributes/take")
        self._make_program(instructor)
        self._launch_learners()
        self._answer(instructor)
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

    def _launch_learners(self) -> None:
        for done, user_id in enumerate(self.user_ids.values(), 1):
            self.tell("The learners launch Peerloop", done, len(self.user_ids))
            self.visitors[user_id] = people.by_id(self.place, user_id)
            self.deeds.launches += 1

    def _answer(self, instructor: Visitor) -> None:
        """Two of three learners say how they learn."""
        self.tell("Learners say when they are free and how they learn")
        days = {f"{self.start:%a}".lower(), "tue", "thu"}
        answering = [user_id for number, user_id in enumerate(self.user_ids.values()) if number % 3 < 2]
        for number, user_id in enumerate(answering):
            learner = self.visitors[user_id]
            learner.follow("Tell it now")
            learner.send(
                "/answers",
                "Save",
                goal=GOALS[number % len(GOALS)],
                experience=str(number % 6),
                free=[f"{day}-{hour}" for day in sorted(days) for hour in range(12 + number % 3, 18)],
            )
        self.deeds.answers = len(answering)
        page = instructor.open("answers/people")
        silent = SILENT.search(page.text)
        self.deeds.answered = int(silent[2]) - int(silent[1]) if silent else 0

    def _form_cohorts(self, instructor: Visitor) -> None:
        self.tell("Cohorts are proposed, changed by hand and published")
        path = f"programs/{self.deeds.program_id}/cohorts"
        instructor.open(path)
        page = instructor.send("/propose", "Make a proposal", spread=["department", "site"], balance=["experience"])
        if "Looking for something better" in page.text:  # robots are too quick for what changes under their hands
            page = instructor.send("/search", "Keep what I have")
        self._swap_somebody(instructor, page)
        instructor.open(f"{path}/publish")
        page = instructor.send("/publish")
        placed = PLACED.search(page.text)
        if placed is None:
            raise DemoError(f"nothing was published: {page.text[:300]}")
        self.deeds.placed, self.deeds.cohorts = int(placed[1]), int(placed[2])

    def _swap_somebody(self, instructor: Visitor, page: Page) -> None:
        chosen = re.search(r"person=(\d+)", page.html)
        if chosen is None:
            raise DemoError("the proposal shows nobody who could be moved")
        instructor.open(f"programs/{self.deeds.program_id}/cohorts?person={chosen[1]}")
        instructor.send("/swap")

    def _appoint_facilitators(self, instructor: Visitor) -> None:
        """The teaching assistant and the second instructor share the cohorts between them."""
        page = instructor.open(f"programs/{self.deeds.program_id}/cohorts")
        for number, cohort in enumerate(sorted(set(COHORT.findall(page.html)), key=int)):
            page = instructor.open(f"cohorts/{cohort}")
            assistant, colleague = ASSISTANT.findall(page.html), COLLEAGUE.findall(page.html)
            instructor.send("/appoint", person=(assistant + colleague)[number % 2])

    # Week by week

    def _session_of(self, week: int) -> datetime:
        return self.start + timedelta(weeks=week - 1)

    def _hold_sessions(self, week: int) -> None:
        self._move_clock(self._session_of(week) + SESSION_HELD)
        facilitator = self._enter("instructor")
        page = facilitator.open(f"programs/{self.deeds.program_id}/sessions")
        due = sorted(set(OVER.findall(page.html)), key=int)
        if len(due) != self.deeds.cohorts:
            raise DemoError(f"week {week}: {len(due)} sessions wait to be closed, not {self.deeds.cohorts}")
        for number, meeting in enumerate(due):
            self.tell(f"Week {week}: sessions are held", number + 1, len(due))
            self._hold(facilitator, week, number, meeting)

    @property
    def _first_learner(self) -> str:
        return next(iter(self.user_ids.values()))

    def _hold(self, facilitator: Visitor, week: int, number: int, meeting: str) -> None:
        here = people.people_of_session(facilitator.open(f"meetings/{meeting}"))
        names = sorted(here)
        # Whoever looks around as the learner was there, and so has a partner.
        others = [name for name in names if self.user_ids[name] != self._first_learner]
        marks = {others[(3 * week + number) % len(others)]: ABSENCES[week - 1]}
        fields: dict[str, str | list[str]] = {f"presence-{here[name]}": mark for name, mark in marks.items()}
        facilitator.send("/attendance", "Everybody else is here", **fields)
        facilitator.send("/attendance", "Make the pairs")
        facilitator.send("/attendance", "Close the session")
        self.deeds.sessions_closed += 1
        if self._first_learner in {self.user_ids[name] for name in names}:
            self.talking = [self.user_ids[name] for name in names]
        for name in names:
            user_id, mark = self.user_ids[name], marks.get(name, "present")
            self.deeds.sessions_due[user_id] += mark != "excused"
            self.deeds.attended[user_id] += mark in {"present", "late"}

    def _talk(self, week: int) -> None:
        """In one cohort most tell their partners what they saw, and take something on; the others do not yet."""
        self._move_clock(self._session_of(week) + timedelta(days=1))
        for number, user_id in enumerate(self.talking):
            self.tell(f"Week {week}: partners tell each other what they saw", number + 1, len(self.talking))
            if (number + week) % 13 == 5:
                continue
            learner = self.visitors[user_id]
            page = learner.open()
            meeting = talking.tell_partners(learner, page, week, number)
            talking.say_how_it_went(learner, page, number)
            if meeting is not None:
                talking.take_something_on(learner, meeting, week)
                self.deeds.feedback[user_id] += 1

    def _do_assignments(self, week: int) -> None:
        last_is_open = week == WEEKS
        self._move_clock(self._session_of(week) + timedelta(days=2))
        for number, user_id in enumerate(self.user_ids.values()):
            self.tell(f"Week {week}: assignments are handed in", number + 1, len(self.user_ids))
            busy = (number + week) % 9 == 0 or (last_is_open and user_id == self._first_learner)
            if not busy:
                self._hand_in(self.visitors[user_id], user_id, week)
        self._move_clock(self._session_of(week) + timedelta(days=3))
        for number, user_id in enumerate(self.user_ids.values()):
            self.tell(f"Week {week}: partners confirm", number + 1, len(self.user_ids))
            if (number + week) % 11:
                self._confirm(self.visitors[user_id])

    def _hand_in(self, learner: Visitor, user_id: str, week: int) -> None:
        page = learner.open()
        waiting = next((link for link in page.links if "/assignments/" in link.href), None)
        if waiting is None:
            raise DemoError(f"week {week}: a learner's page offers nothing to hand in: {page.text[:300]}")
        learner.robot.get(waiting.href)
        learner.send("/assignments/", text=HAND_INS[week - 1])
        self.deeds.handed_in[user_id] += 1

    def _confirm(self, learner: Visitor) -> None:
        """Confirm all that waits, however the page words it."""
        for link in learner.open().links:
            if "/assignments/" not in link.href or not CONFIRM.match(link.text):
                continue
            page = learner.robot.get(link.href)
            week, whose = AFTER_SESSION.search(page.text), CONFIRMS.search(page.form("/confirm").buttons[0].text)
            if week is None or whose is None:
                raise DemoError(f"the page does not say what would be confirmed: {page.text[:300]}")
            learner.send("/confirm")
            self.deeds.confirmed[self.user_ids[whose["name"]]].add(int(week[1]))

    # The gradebook, both ways

    def _wait_for_gradebook(self) -> None:
        self.tell("Grades go out to the LMS")
        instructor = self._enter("instructor")
        path = f"programs/{self.deeds.program_id}/gradebook"
        wait_for(
            lambda: EVERYTHING_SENT.search(instructor.open(path).text) is not None, "the gradebook", PATIENCE_SECONDS
        )

    def _override(self) -> None:
        """An instructor corrects a grade in the LMS; Peerloop reads it back and asks."""
        self.tell("The instructor corrects a grade in the LMS; it is read back")
        instructor = self._enter("instructor")
        user_id = list(self.user_ids.values())[1]
        grade = lms.gradebook(instructor.robot)["micro-assignments"][user_id]
        lms.type_grade(instructor.robot, grade, user_id, f"{OVERRIDE:g}")
        path = f"programs/{self.deeds.program_id}/gradebook"
        instructor.open(path)
        instructor.send("/gradebook/read")
        wait_for(lambda: f"Keep {OVERRIDE:g}" in instructor.open(path).text, "the corrected grade", PATIENCE_SECONDS)
        self.deeds.overridden = user_id
