"""What can be chosen, and how it is called.

What is stored of a choice, and what cohorts are formed by, is the same in every language: rules name it.
"""

from __future__ import annotations

from functools import cache

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

GOALS = {
    "present work": _l("Do my present work better"),
    "new role": _l("Get ready for a new role"),
    "lead others": _l("Lead or support others"),
    "confidence": _l("Become more confident"),
    "peers": _l("Meet and learn from others"),
}
EXPERIENCE = (
    _l("None yet"),
    _l("I know it from others"),
    _l("I have tried it a few times"),
    _l("I do it now and then"),
    _l("I do it often"),
    _l("I help others to learn it"),
)
# Those with most speakers, and those of many countries' schools and workplaces (CLDR's codes).
LANGUAGES = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fil", "fr", "ga",
    "gl", "gu", "ha", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "kn", "ko",
    "lt", "lv", "ml", "mr", "ms", "my", "ne", "nl", "no", "pa", "pl", "ps", "pt", "ro", "ru", "sk", "sl",
    "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "yo", "zh", "zu",
)  # fmt: skip
MOST_LANGUAGES = 3


def languages() -> list[tuple[str, str]]:
    """Code and name of every language in the viewer's, by name."""
    return _named(str(get_locale() or "en"))


@cache
def _named(viewer: str) -> list[tuple[str, str]]:
    names = Locale.parse(viewer).languages
    return sorted(((code, names[code]) for code in LANGUAGES), key=lambda pair: pair[1])


def language_name(code: str) -> str:
    """The name of a language in English, which is what cohorts are formed by.

    >>> language_name("pt")
    'Portuguese'
    """
    return dict(_named("en"))[code]


def language_of(locale: str | None) -> str | None:
    """The language of the locale that an LMS states, if it is one of those to choose from.

    >>> language_of("pt-BR"), language_of("xx"), language_of(None)
    ('pt', None, None)
    """
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else None
