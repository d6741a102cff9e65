"""Resource links: the places in courses that open a tool."""

import json
import sqlite3


def custom_from_text(text: str) -> dict[str, str]:
    """Custom parameters as an LMS's form takes them: ``name=value``, one a line."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def insert_link(
    db: sqlite3.Connection,
    link_id: str,
    course_id: str,
    tool_id: int,
    title: str,
    custom: dict[str, str],
    url: str | None = None,
    dates: str | None = None,
) -> None:
    """Add a link after the others of its course. ``url`` is where it leads if not to the tool's own address."""
    db.execute(
        "INSERT INTO links (id, course_id, tool_id, title, custom, url, dates, position)"
        " SELECT ?, ?, ?, ?, ?, ?, ?, COALESCE(MAX(position), 0) + 1 FROM links WHERE course_id = ?",
        (link_id, course_id, tool_id, title, json.dumps(custom), url, dates, course_id),
    )


def due_day(dates: str | None) -> str:
    """The last day on which a link takes what is handed in, by the dates that came with it; empty without one."""
    submission: dict[str, str] = json.loads(dates or "{}").get("submission", {})
    return submission.get("endDateTime", "").partition("T")[0]
