"""Reading what people typed into forms: each wrong field gets a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from flask_babel import gettext as _

SHORTEST_SESSION, LONGEST_SESSION = 45, 60
E = TypeVar("E", bound=StrEnum)
_NOT_PLACES = frozenset({"localtime", "Factory", "posixrules"})


class FormError(ValueError):
    """What is wrong with a form: sentences for the person who sent it, by field name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@cache
def zones() -> tuple[str, ...]:
    """The names of all time zones (IANA), sorted."""
    return tuple(sorted(available_timezones() - _NOT_PLACES))


class Reader:
    """Reads the fields of one form and collects what is wrong; `check()` raises it all at once."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.errors: dict[str, str] = {}

    def check(self) -> None:
        """Raise FormError if any field was wrong."""
        if self.errors:
            raise FormError(self.errors)

    def text(self, name: str, longest: int) -> str:
        """A text of 1 to `longest` characters, without white space around it."""
        text = self.optional_text(name, longest)
        if text is None:
            self.errors[name] = _("Write something here.")
        return text or ""

    def optional_text(self, name: str, longest: int) -> str | None:
        """A text of up to `longest` characters, without white space around it; None for none."""
        text = self._raw(name).replace("\r\n", "\n").strip()
        if len(text) > longest:
            self.errors[name] = _(
                "This has %(length)s characters; shorten it to %(longest)s.", length=len(text), longest=longest
            )
        elif "\0" in text:
            self.errors[name] = _("This holds a character that cannot be stored (NUL). Type it again.")
        return text or None

    def day(self, name: str, first: date, last: date) -> date:
        """A date from `first` to `last`, as ISO 8601."""
        try:
            day = date.fromisoformat(self._raw(name))
        except ValueError:
            self.errors[name] = _("Choose a date: year, month and day.")
            return first
        if not first <= day <= last:
            self.errors[name] = _("Choose a date between %(first)s and %(last)s.", first=first, last=last)
        return day

    def time_of_day(self, name: str) -> time:
        """A time such as 14:00, without a zone; seconds are dropped."""
        try:
            at = time.fromisoformat(self._raw(name))
        except ValueError:
            self.errors[name] = _("Choose a time, such as 14:00.")
            return time()
        return time(at.hour, at.minute)

    def minutes(self, name: str) -> int:
        """How long a session takes."""
        return self.whole(name, SHORTEST_SESSION, LONGEST_SESSION)

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        raw = self._raw(name)
        number = int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 6 else -1
        if not least <= number <= most:
            self.errors[name] = _("Choose a whole number from %(least)s to %(most)s.", least=least, most=most)
        return number

    def choice(self, name: str, options: type[E]) -> E:
        """One of the values of an enumeration."""
        raw = self._raw(name)
        if raw not in set(options):
            self.errors[name] = _("Choose one of these.")
            return next(iter(options))
        return options(raw)

    def zone(self, name: str) -> str:
        """The name of a time zone."""
        zone = self._raw(name)
        if zone not in zones():
            self.errors[name] = _("Choose a time zone from the list, such as Europe/Lisbon.")
        return zone

    def _raw(self, name: str) -> str:
        return self.values.get(name, "").strip()
