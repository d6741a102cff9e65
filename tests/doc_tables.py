"""The tables in the documentation that the code itself knows best. `python -m tests.doc_tables` writes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from flask_babel import Babel
from pydantic_core import PydanticUndefined

import config
from lti_tool.lti import offer
from lti_tool.lti.families import FAMILIES, Standard
from lti_tool.lti.families.guides import Guide, in_order
from lti_tool.lti.refusals import EXPLANATIONS
from tests.certification import table as conformance

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


class Rule(NamedTuple):
    """A rule of a family, as its docstring tells it."""

    name: str
    text: str
    source: str


def rules_of(family: type[Standard]) -> Iterator[Rule]:
    """The rules that a family states itself, in the order of the code."""
    for name, member in vars(family).items():
        if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        about, _, source = (inspect.getdoc(member) or "").partition("Source: ")
        yield Rule(name, " ".join(about.split()), " ".join(source.split()))


def families_table() -> str:
    """Every rule of every family; those of the standard hold where a family has none of its own."""
    rows = ["| LMS | rule | what it says | source |", "| --- | --- | --- | --- |"]
    for family in FAMILIES.values():
        rules = list(rules_of(type(family)))
        rows += [f"| {family.name} | `{rule.name}` | {rule.text} | {rule.source} |" for rule in rules]
        if not rules:
            rows.append(f"| {family.name} | | none of its own | |")
    return "\n".join(rows)


EXAMPLE = "https://peerloop.example.edu"


def guides_text() -> str:
    """What an administrator does in each LMS."""
    app = Flask("documentation")
    Babel(app)
    with app.test_request_context():
        return "\n\n".join(_guide_text(guide) for guide in in_order())


def _guide_text(guide: Guide) -> str:
    by_hand = [f"By hand. {guide.where}", "", "| label | value |", "| --- | --- |"]
    for label, value in guide.filled_form(offer.values(EXAMPLE)):
        lines = "<br>".join(f"`{line}`" for line in value.splitlines())
        by_hand.append(f"| {label} | {lines} |")
    if guide.after:
        by_hand += ["", *_numbered(map(str, guide.after))]
    entered = _steps("Then, in the LMS:", guide.steps_once_entered(offer.values(EXAMPLE)))
    if not guide.begin:
        return "\n\n".join([f"## {guide.title}", "\n".join(by_hand), entered])
    begin = _steps("Paste the address:", [str(step) for step in guide.begin])
    registered = _steps("When Peerloop is registered:", guide.steps_once_registered(offer.values(EXAMPLE)))
    return "\n\n".join([f"## {guide.title}", begin, registered, "\n".join(by_hand), entered])


def _steps(heading: str, texts: list[str]) -> str:
    return "\n".join([heading, "", *_numbered(texts)])


def _numbered(texts: Iterable[str]) -> list[str]:
    return [f"{number}. {text}" for number, text in enumerate(texts, 1)]


TABLES = {
    "lms-by-lms.md": ("guides", guides_text),
    "operate.md": ("settings", settings_table),
    "register.md": ("codes", codes_table),
    "families.md": ("families", families_table),
}


def with_table(text: str, name: str, table: str) -> str:
    """The page's text with the table between its two marks."""
    marks = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(marks, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)


if __name__ == "__main__":
    for page, (mark, make) in TABLES.items():
        path = DOCS / page
        path.write_text(with_table(path.read_text(), mark, make()))
    conformance.write()
