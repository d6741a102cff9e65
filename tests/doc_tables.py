"""The tables in the documentation that the code itself knows best. `python -m tests.doc_tables` writes them."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from pydantic_core import PydanticUndefined

import config
from lti_tool.lti.refusals import EXPLANATIONS

DOCS = Path(__file__).resolve().parents[1] / "docs"


def settings_table() -> str:
    """Every environment variable with its default and meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in config.Settings.model_fields.items():
        default = (
            "" if field.default in (None, PydanticUndefined) else str(field.default).replace(f"{config.ROOT}/", "")
        )
        shown = f"`{default}`" if default else ""
        rows.append(f"| `PEERLOOP_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def codes_table() -> str:
    """Every code of a refused launch, with what happened, who can mend it and how."""
    rows = ["| code | status | what happened | what to do |", "| --- | --- | --- | --- |"]
    app = Flask("documentation")
    Babel(app)
    with app.test_request_context():
        for code, about in sorted(EXPLANATIONS.items()):
            rows.append(f"| `{code}` | {about.status} | {about.happened} | {about.who} {about.todo} |")
    return "\n".join(rows)


TABLES = {"operate.md": ("settings", settings_table), "register.md": ("codes", codes_table)}


def with_table(text: str, name: str, table: str) -> str:
    """The page's text with the table between its two marks."""
    marks = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(marks, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)


if __name__ == "__main__":
    for page, (mark, make) in TABLES.items():
        path = DOCS / page
        path.write_text(with_table(path.read_text(), mark, make()))
