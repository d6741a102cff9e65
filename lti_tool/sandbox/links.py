"""Resource links: the places in courses that open a tool."""

import json
import sqlite3


def custom_from_text(text: str) -> dict[str, str]:
    """Custom parameters as an LMS's form takes them: ``name=value``, one a line."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def insert_link(
    db: sqlite3.Connection, link_id: str, course_id: str, tool_id: int, title: str, custom: dict[str, str]
) -> None:
    """Add a link after the others of its course."""
    db.execute(
        "INSERT INTO links SELECT ?, ?, ?, ?, ?, COALESCE(MAX(position), 0) + 1 FROM links WHERE course_id = ?",
        (link_id, course_id, tool_id, title, json.dumps(custom), course_id),
    )
