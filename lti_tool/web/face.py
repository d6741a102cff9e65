"""What every page is drawn with: the stylesheet, the components, and words for people and time.

``register(app)`` is all a page needs. Dates follow the viewer's language and zone as Flask-Babel knows them;
``now`` comes from one clock that the caller may replace.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
    get_timezone_location,
)
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from flask import Blueprint, Flask, Response, send_from_directory, url_for
from flask_babel import LazyString, get_locale, get_timezone, gettext, lazy_gettext
from jinja2 import Environment
from jinja2.runtime import Macro

from lti_tool.web.gate import Access, allow

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
HUES = 6
_ZERO_WIDTH_NON_JOINER = "\u200c"
# Thai and Lao write these vowels before the consonant that they follow in speech.
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")
_VIRAMA = 9
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Status:
    """How a state is shown: a tone of colour, a sign (an icon's name) and a word, always together."""

    tone: str
    sign: str
    word: LazyString


STATUSES = {
    "good": Status("good", "dot", lazy_gettext("on track")),
    "done": Status("good", "check", lazy_gettext("done")),
    "risk": Status("risk", "triangle", lazy_gettext("at risk")),
    "need": Status("need", "square", lazy_gettext("needs you")),
    "sent": Status("quiet", "arrow-up", lazy_gettext("on its way")),
    "waits": Status("quiet", "clock", lazy_gettext("waits")),
    "held": Status("risk", "person", lazy_gettext("set in the LMS")),
}

TONE_OF_LEVEL = {"success": "good", "info": "none", "warning": "risk", "error": "need"}


class _Components:
    """Every macro of ``components/`` under one name, so that a page imports nothing."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._files = [f"components/{path.name}" for path in sorted((TEMPLATES / "components").iterdir())]
        self._home: dict[str, str] = {}

    def __getattr__(self, name: str) -> Macro:
        for file in [self._home[name]] if name in self._home else self._files:
            module = self._environment.get_template(file).module
            if isinstance(macro := getattr(module, name, None), Macro):
                self._home[name] = file
                return macro
        raise AttributeError(f"there is no component called {name!r}")


def register(
    app: Flask,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    zone: Callable[[], tzinfo] = get_timezone,
) -> None:
    """Add the shared templates, static files, filters and globals to the application.

    ``now`` gives the present as an aware datetime, ``zone`` the zone of the person who looks at the page. What is
    told as so long "ago" happened between us and the LMS, whose clock no demonstration moves.
    """
    blueprint = Blueprint("face", __name__, template_folder=str(TEMPLATES))
    blueprint.add_url_rule("/assets/<filename>", "asset", _send_asset)
    app.register_blueprint(blueprint)
    app.jinja_env.filters.update(
        initials=initials,
        hue=hue,
        moment=lambda at: moment(at, now(), zone(), _locale()),
        exactly=lambda at: exactly(at, zone(), _locale()),
        time_there=lambda at, there: time_there(at, zone(), there, _locale()),
        day=lambda at: day(at, now(), zone(), _locale()),
        ago=lambda at: ago(at, datetime.now(UTC), _locale()),
        duration=lambda length: duration(length, _locale()),
        percent=lambda ratio, signed=False: percent(ratio, _locale(), signed=signed),
        number=lambda value: format_decimal(value, locale=_locale()),
    )
    app.jinja_env.globals.update(
        asset=_asset_address(),
        ui=_Components(app.jinja_env),
        status=status,
        tone_of_level=tone_of_level,
        shares=shares,
        page_language=lambda: _locale().language,
        page_direction=lambda: _locale().text_direction,
        viewer_now=now,
        viewer_zone=zone,
    )


def initials(name: str | None) -> str:
    """One or two letters that stand for a name, in whatever script it is written.

    >>> initials("Amara Okafor"), initials("Sukarno"), initials("김하나"), initials("")
    ('AO', 'S', '김', '?')
    """
    words = unicodedata.normalize("NFC", name or "").split()
    letters = [letter for word in words if (letter := _first_letter(word))]
    if not letters:
        return "?"
    ends = letters if len(letters) == 1 else [letters[0], letters[-1]]
    joined_script = all(unicodedata.bidirectional(letter[0]) == "AL" for letter in ends)
    return (_ZERO_WIDTH_NON_JOINER if joined_script else "").join(ends)


def _first_letter(word: str) -> str:
    start = next((i for i, c in enumerate(word) if c.isalnum() and c not in _LEADING_VOWELS), None)
    if start is None:
        return ""
    capital = word[start].upper() if len(word[start].upper()) == 1 else word[start]
    marks = ""
    for mark in word[start + 1 :]:
        if not unicodedata.category(mark).startswith("M") or unicodedata.combining(mark) == _VIRAMA:
            break
        marks += mark
    return capital if unicodedata.bidirectional(capital) == "AL" else capital + marks


def hue(key: object) -> str:
    """The colour class of a person: the same for the same key, today and on every machine."""
    return f"hue-{zlib.crc32(str(key).encode()) % HUES}"


def status(name: str) -> Status:
    """Look up how a state is shown; an unknown name raises ``KeyError``."""
    return STATUSES[name]


def tone_of_level(level: str) -> str:
    """The tone in which a notice of this level is shown; a tone's own name is taken as it is."""
    return TONE_OF_LEVEL.get(level, level)


def moment(at: datetime, now: datetime, zone: tzinfo, locale: Locale) -> str:
    """A time as people say it: "tomorrow, 18:00", "Thursday, 14:00", "12 Nov, 09:12".

    Raises ``ValueError`` for a datetime without a zone.
    """
    time = format_time(_in_zone(at, zone), "short", tzinfo=zone, locale=locale)
    text: str = gettext("%(day)s, %(time)s", day=day(at, now, zone, locale), time=time)
    return text


def day(at: datetime | date, now: datetime, zone: tzinfo, locale: Locale) -> str:
    """A day as people say it: "today", "tomorrow", "Thursday" (the coming one), "12 Nov", "12 Nov 2027"."""
    that = _in_zone(at, zone).date() if isinstance(at, datetime) else at
    today = _in_zone(now, zone).date()
    distance = (that - today).days
    if distance in (-1, 0, 1):
        near: str = (gettext("today"), gettext("tomorrow"), gettext("yesterday"))[distance]
        return near
    if 1 < distance < 7:
        return format_date(that, "EEEE", locale=locale)
    return format_skeleton("MMMd" if that.year == today.year else "yMMMd", that, locale=locale)


def exactly(at: datetime, zone: tzinfo, locale: Locale) -> str:
    """The full date, time and zone, for those who hover or print."""
    return format_datetime(_in_zone(at, zone), "full", tzinfo=zone, locale=locale)


def time_there(at: datetime, zone: tzinfo, there: str, locale: Locale) -> str:
    """The same instant by the clocks of `there` (an IANA name), "14:00 in Lisbon"; empty if `zone` agrees.

    A session is announced in its course's zone; whoever reads it elsewhere needs both.
    """
    distant = _in_zone(at, ZoneInfo(there))
    if distant.utcoffset() == _in_zone(at, zone).utcoffset():
        return ""
    time = format_time(distant, "short", tzinfo=distant.tzinfo, locale=locale)
    place = get_timezone_location(there, locale=locale, return_city=True)
    text: str = gettext("%(time)s in %(place)s", time=time, place=place)
    return text


def ago(at: datetime, now: datetime, locale: Locale) -> str:
    """The distance from now: "3 minutes ago", "in 2 days"."""
    return format_timedelta(at - now, add_direction=True, locale=locale)


def duration(length: timedelta | int, locale: Locale) -> str:
    """A length (a timedelta, or whole minutes) in hours and minutes: "20 min", "1 hr 15 min"."""
    minutes = round(length.total_seconds() / 60) if isinstance(length, timedelta) else length
    hours, rest = divmod(minutes, 60)
    parts = [format_unit(hours, "duration-hour", "short", locale=locale)] if hours else []
    if rest or not hours:
        parts.append(format_unit(rest, "duration-minute", "short", locale=locale))
    return " ".join(parts)


def percent(ratio: float, locale: Locale, *, signed: bool = False) -> str:
    """A ratio (0.58) as whole per cent (58%), with a leading plus where a gain is meant."""
    text = format_percent(ratio, locale=locale)
    return f"+{text}" if signed and ratio > 0 else text


@dataclass(frozen=True)
class Share:
    """One piece of a composition bar; ``start`` and ``width`` are per cent of the whole."""

    label: str
    count: int
    start: float
    width: float


def shares(parts: list[tuple[str, int]]) -> list[Share]:
    """Lay counts end to end along a bar of 100 per cent; an empty whole gives no piece."""
    total = sum(count for _, count in parts)
    laid: list[Share] = []
    before = 0
    for label, count in parts:
        if total:
            laid.append(Share(label, count, round(100 * before / total, 2), round(100 * count / total, 2)))
        before += count
    return laid


def _in_zone(at: datetime, zone: tzinfo) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no zone; pages show aware datetimes only")
    return at.astimezone(zone)


def _locale() -> Locale:
    """Flask-Babel knows no locale outside a request; English then."""
    return get_locale() or Locale("en")


@allow(Access.PUBLIC)
def _send_asset(filename: str) -> Response:
    """An asset's address carries the hash of its content, so a copy stays true for good."""
    return send_from_directory(STATIC, filename, max_age=_A_YEAR)


def _asset_address() -> Callable[[str], str]:
    versions = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in STATIC.iterdir()}

    def asset(filename: str) -> str:
        return url_for("face.asset", filename=filename, v=versions[filename])

    return asset
