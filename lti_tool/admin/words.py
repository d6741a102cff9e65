"""What a check found, in plain words; and for what is wrong, what to change and where in that LMS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy

from lti_tool.lti import checkup
from lti_tool.lti.checkup import SCOPES, Cause, Finding, Outcome, Point
from lti_tool.lti.families import guides
from lti_tool.lti.families.guides import Places
from lti_tool.lti.registrations import Registration

SIGNS = {Outcome.GOOD: "done", Outcome.BAD: "need", Outcome.OMITTED: "waits"}

_TITLES: dict[Point, LazyString] = {
    Point.KEYS: lazy("Key set of the LMS"),
    Point.TOKEN_ROSTER: lazy("Token for the roster"),
    Point.TOKEN_COLUMNS: lazy("Token for columns"),
    Point.TOKEN_SCORES: lazy("Token for scores"),
    Point.TOKEN_RESULTS: lazy("Token for results"),
    Point.ROSTER: lazy("Roster"),
    Point.COLUMN: lazy("A column is made"),
    Point.SCORE: lazy("A score is sent"),
    Point.RESULT: lazy("The score is read back"),
    Point.REMOVAL: lazy("The column is removed"),
    Point.CLOCK: lazy("Clock of the LMS"),
}

_BAD: dict[Cause, LazyString] = {
    Cause.UNREACHABLE: lazy("No answer came: %(said)s."),
    Cause.NOT_THERE: lazy("The LMS has nothing at the address that was asked: %(said)s."),
    Cause.FAULTY: lazy("The LMS has a problem or is too busy: %(said)s."),
    Cause.DENIED: lazy("The LMS refused it: %(said)s."),
    Cause.REFUSED: lazy("The LMS refused it: %(said)s."),
    Cause.NOT_GRANTED: lazy("The LMS gives no token for this: %(said)s."),
    Cause.UNREADABLE: lazy("The answer is not what the standard describes: %(said)s."),
    Cause.NOT_OFFERED: lazy("The last launch from this course did not offer it."),
    Cause.EMPTY: lazy("The LMS lists nobody."),
    Cause.DIFFERENT: lazy("The LMS took the score and shows another one, or none."),
}


@dataclass(frozen=True, slots=True)
class About:
    """What was checked; `base_url` is the address of this tool."""

    registration: Registration
    base_url: str
    course_title: str | None

    @property
    def course(self) -> str:
        """The course that was checked, which may be gone meanwhile."""
        return self.course_title or str(_("the course that was checked"))

    @property
    def places(self) -> Places:
        """Where to look in this LMS."""
        return guides.of(self.registration.family).places


@dataclass(frozen=True, slots=True)
class Line:
    """A finding as it is read. `what` is to be changed, at the place `where` in the LMS; either may be missing."""

    sign: str
    title: str
    text: str
    what: str | None = None
    where: str | None = None


def lines(findings: Iterable[Finding], about: About) -> list[Line]:
    """The words of findings, in the viewer's language. What is to be done for several stands at the first."""
    told: list[Line] = []
    advice: tuple[str | None, str | None] = (None, None)
    for finding in findings:
        found = line(finding, about)
        is_same = found.what is not None and (found.what, found.where) == advice
        advice = (found.what, found.where)
        told.append(replace(found, what=str(_("As above.")), where=None) if is_same else found)
    return told


def line(finding: Finding, about: About) -> Line:
    """The words of a finding, in the viewer's language."""
    title, sign = str(_TITLES[finding.point]), SIGNS[finding.outcome]
    if finding.outcome is Outcome.GOOD:
        return Line(sign, title, _good(finding, about))
    if finding.outcome is Outcome.OMITTED:
        return Line(sign, title, _omitted(finding), _wanted(finding))
    return Line(sign, title, _bad(finding), *_advice(finding, about))


def _good(finding: Finding, about: About) -> str:
    figure = finding.figure or 0
    match finding.point:
        case Point.KEYS:
            return str(ngettext("%(num)s key was read.", "%(num)s keys were read.", figure))
        case Point.ROSTER:
            return str(ngettext("%(num)s person on its first page.", "%(num)s people on its first page.", figure))
        case Point.COLUMN:
            return str(_("In the gradebook of “%(course)s”.", course=about.course))
        case Point.SCORE:
            return str(_("The LMS took it, for its test student."))
        case Point.RESULT:
            return str(_("It shows what was sent."))
        case Point.REMOVAL:
            return str(_("It is gone, and its score with it."))
        case Point.CLOCK:
            return _distance(figure)
        case _:
            return str(_("Given."))


def _distance(seconds: int) -> str:
    if abs(seconds) <= 1:
        return str(_("As ours."))
    if seconds > 0:
        return str(_("%(num)s seconds ahead of ours.", num=seconds))
    return str(_("%(num)s seconds behind ours.", num=-seconds))


def _omitted(finding: Finding) -> str:
    match finding.cause:
        case Cause.NO_COURSE:
            return str(_("Left out: nobody has opened Peerloop from a course yet."))
        case Cause.NO_TEST_STUDENT:
            return str(
                _("Left out: this course has no test student, and a score for a real person would be seen by them.")
            )
        case Cause.NOT_GRADED:
            return str(_("Not tried: the LMS takes no score for its test student (“%(said)s”).", said=finding.said))
        case Cause.NOT_WANTED:
            return str(_("Left out, as was asked: it writes into the LMS."))
        case Cause.TOO_LONG:
            return str(_("Left out: the LMS took too long over the steps before."))
        case _:
            return str(_("Left out: a step before it must succeed first."))


def _wanted(finding: Finding) -> str | None:
    """What would let a step be tried that was left out."""
    match finding.cause:
        case Cause.NO_COURSE:
            return str(_("Open Peerloop from a course in which it is placed, then check again."))
        case Cause.NO_TEST_STUDENT:
            return str(
                _(
                    "Where the LMS shows a course as a student sees it, open Peerloop there once, or check in "
                    "another course. Otherwise look whether the grade of a learner arrives."
                )
            )
        case Cause.NOT_GRADED:
            return str(
                _(
                    "Look whether the grades of learners arrive: under “Gradebooks” below, or as an instructor in "
                    "a program."
                )
            )
        case _:
            return None


def _bad(finding: Finding) -> str:
    if finding.cause is Cause.CLOCKS_DIFFER:
        return _distance(finding.figure or 0)
    if finding.cause is Cause.EMPTY and finding.point is Point.KEYS:
        return str(_("It holds no RSA key of 2048 bits or more for signatures."))
    return str(_BAD[finding.cause or Cause.REFUSED]) % {"said": _said(finding)}


def _said(finding: Finding) -> str:
    words = finding.said.rstrip(".")
    return f"{words} ({finding.status})" if finding.status else words


def _advice(finding: Finding, about: About) -> tuple[str, str | None]:
    """What to change, and where in the LMS."""
    if finding.point is Point.KEYS:
        return _address_advice(finding, about, "jwks_url")
    if finding.point in SCOPES:
        return _token_advice(finding, about)
    if finding.point is Point.CLOCK:
        return _clock_advice(), None
    if finding.point is Point.REMOVAL:
        return _removal_advice(about), None
    return _service_advice(finding, about)


def _address_advice(finding: Finding, about: About, name: str) -> tuple[str, str]:
    """What to do when an address of the LMS gives nothing of use: no LMS that is away is a wrong address."""
    what, where = _compare(about, name)
    if finding.cause in {Cause.UNREACHABLE, Cause.FAULTY}:
        what = f"{_('First see whether the LMS is up: open it in a browser. If it is, and this stays:')} {what}"
    return what, where


def _compare(about: About, name: str) -> tuple[str, str]:
    """An address of the LMS that is registered here and leads to nothing of use."""
    address, option = getattr(about.registration, name), name.replace("_", "-")
    if name == "jwks_url":
        what = _(
            "The key set address registered here is %(address)s. It must be the one that the LMS shows.",
            address=address,
        )
    else:
        what = _(
            "The token address registered here is %(address)s. It must be the one that the LMS shows.",
            address=address,
        )
    usual = guides.of(about.registration.family).known.get(f"--{option}")
    if usual not in (None, address):
        what = f"{what} {_('Usually it is %(address)s.', address=usual)}"
    change = _(
        "If it shows another, whoever runs Peerloop enters it: peerloop platform change %(id)s --%(option)s … "
        "If it shows the same, tell whoever runs the LMS.",
        id=about.registration.id,
        option=option,
    )
    return f"{what} {change}", _path(about.places, about.places.addresses)


def _token_advice(finding: Finding, about: About) -> tuple[str, str]:
    if finding.cause is Cause.NOT_GRANTED:
        return str(_("Allow Peerloop this service.")), _service_path(finding.point, about.places)
    if finding.cause is not Cause.DENIED:
        return _address_advice(finding, about, "token_url")
    what = (_compared_keys(about), _compared_client(about), _compared_audience(about))
    return " ".join(what), _path(about.places, about.places.addresses)


def _compared_keys(about: About) -> str:
    keys = f"{about.base_url}/lti/jwks"
    return str(_("The LMS must know the key set of Peerloop, %(keys)s, and be able to read it.", keys=keys))


def _compared_client(about: About) -> str:
    return str(
        _(
            "The client id registered here is %(client)s. If the LMS shows another, whoever runs Peerloop removes "
            "this registration, peerloop platform remove %(id)s, and adds it again.",
            client=about.registration.client_id,
            id=about.registration.id,
        )
    )


def _compared_audience(about: About) -> str:
    registration = about.registration
    what = _("The audience of tokens registered here is %(audience)s.", audience=registration.audience)
    usual = registration.rules.audience(registration.token_url)
    if usual != registration.audience:
        what = f"{what} {_('Usually it is %(address)s.', address=usual)}"
    change = _(
        "If the LMS expects another, whoever runs Peerloop enters it: peerloop platform change %(id)s --audience …",
        id=registration.id,
    )
    return f"{what} {change}"


def _service_advice(finding: Finding, about: About) -> tuple[str, str | None]:
    match finding.cause:
        case Cause.UNREACHABLE | Cause.FAULTY:
            return str(
                _(
                    "This often passes by itself: see whether the LMS is up, and check again in some minutes. If it "
                    "stays, tell whoever runs the LMS."
                )
            ), None
        case Cause.UNREADABLE | Cause.DIFFERENT:
            return str(_("Check again. If it stays so, tell whoever runs the LMS what is said here.")), None
        case _:
            what = _("Allow Peerloop this service. Then open Peerloop from the course once more, and check again.")
            return str(what), _service_path(finding.point, about.places)


def _service_path(point: Point, places: Places) -> str:
    return _path(places, places.roster if point in {Point.ROSTER, Point.TOKEN_ROSTER} else places.grades)


def _path(places: Places, end: LazyString) -> str:
    return f"{places.tool} → {end}"


def _removal_advice(about: About) -> str:
    return str(
        _(
            "Delete the column “%(column)s” in the gradebook of “%(course)s” by hand.",
            column=checkup.COLUMN.label,
            course=about.course,
        )
    )


def _clock_advice() -> str:
    return str(
        _(
            "One of the two clocks is wrong, so launches and tokens will be refused. Compare both machines with a "
            "clock that you trust, and let the wrong one set itself over the network (NTP)."
        )
    )
