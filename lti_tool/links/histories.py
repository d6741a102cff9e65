"""From what an LMS copied a course or a link: `$Context.id.history` and `$ResourceLink.id.history`.

Ids, newest first, each URL-encoded, joined by commas. https://www.imsglobal.org/spec/lti/v1p3#lti-variables
"""

from __future__ import annotations

from urllib.parse import unquote

from lti_tool.lti.launch import Launch

COURSE, LINK = "context_history", "link_history"
MOST = 50
_NO_IDS = frozenset({"", "truncated", "timed out"})  # the last two are Canvas's remarks


def read(launch: Launch, parameter: str) -> list[str]:
    """The ids of a history parameter; none for what was made from scratch, or by an LMS that tells no history."""
    ids = [unquote(part.strip()) for part in launch.custom.get(parameter, "").split(",")]
    return [one for one in ids if one not in _NO_IDS and one.isprintable()][:MOST]
