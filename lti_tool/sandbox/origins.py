"""Where copies come from: the history variables of courses and links.

Source: LTI Core 1.3, appendix B (https://www.imsglobal.org/spec/lti/v1p3#lti-variables): the ids from which
something was copied, newest first, each URL-encoded, joined by commas.
"""

import sqlite3
from urllib.parse import quote

from lti_tool.sandbox.platform import platform


def note_copy(db: sqlite3.Connection, copy_id: str, origin_id: str) -> None:
    """Remember what a course or link is a copy of."""
    db.execute("INSERT INTO origins VALUES (?, ?)", (copy_id, origin_id))


def history(some_id: str) -> str:
    """The history of a course or link; empty for one that is no copy."""
    rows = platform().store.rows(
        "WITH RECURSIVE chain (id, depth) AS ("
        " SELECT origin_id, 1 FROM origins WHERE id = ?"
        " UNION ALL SELECT origin_id, depth + 1 FROM origins JOIN chain USING (id))"
        " SELECT id FROM chain ORDER BY depth",
        some_id,
    )
    return ",".join(quote(row["id"], safe="") for row in rows)
