"""What people hand in, by the kind of the assignment: reading it from a form, and telling two of them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from flask_babel import gettext as _

from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import Kind, Module
from lti_tool.work.tables import LINK_LENGTH, Submission

LONGEST_TEXT = 10_000
TICK = "item-"  # followed by the number of a checklist's line


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody hands in; a checklist's is that all of it is ticked, and perhaps a word about it."""

    text: str
    link: str | None = None
    file: str | None = None  # its digest

    @property
    def fingerprint(self) -> str:
        """Stands for it in a form, so that what is confirmed or replaced is what was read."""
        return sha256(f"{self.file or ''}\0{self.link or ''}\0{self.text}".encode()).hexdigest()[:16]


def answer_of(submission: Submission) -> Answer:
    """What a submission holds."""
    return Answer(submission.text, submission.link, submission.file_digest)


def fingerprint(submission: Submission) -> str:
    """The fingerprint of what a submission holds."""
    return answer_of(submission).fingerprint


def values_of(module: Module, submission: Submission | None) -> dict[str, str]:
    """The fields of the form, as they are stored."""
    if submission is None:
        return {}
    ticks = {f"{TICK}{number}": "1" for number in range(1, len(items_of(module)) + 1)}
    return {"text": submission.text, "link": submission.link or "", **ticks}


def items_of(module: Module) -> Sequence[str]:
    """The lines of a module's checklist."""
    return module.assignment_items.splitlines() if module.assignment_kind == Kind.CHECKLIST else ()


def read(module: Module, fields: Mapping[str, str], file: str | None = None) -> Answer:
    """What a form says: `text`, for a link also `link`, for a checklist a field for each line.

    `file` is the digest of the one that was sent, or is there already. Raises FormError.
    """
    reader = Reader(fields)
    link = None
    match module.assignment_kind:
        case Kind.LINK:
            link = _link(reader)
            text = reader.optional_text("text", LONGEST_TEXT)
        case Kind.CHECKLIST:
            _check_ticks(module, reader)
            text = reader.optional_text("text", LONGEST_TEXT)
        case Kind.FILE:
            if file is None:
                reader.errors["file"] = _("Choose a file.")
            text = reader.optional_text("text", LONGEST_TEXT)
        case _:
            text = reader.text("text", LONGEST_TEXT)
    reader.check()
    return Answer(text or "", link, file if module.assignment_kind == Kind.FILE else None)


def _link(reader: Reader) -> str:
    """An address that a browser opens as a page: nothing else may stand behind a link on ours."""
    link = reader.text("link", LINK_LENGTH)
    if "link" not in reader.errors and not _is_web_address(link):
        reader.errors["link"] = _("Give the whole address of a page, such as https://example.org/page.")
    return link


def _is_web_address(link: str) -> bool:
    if any(letter.isspace() or not letter.isprintable() for letter in link):
        return False
    try:
        parts = urlsplit(link)
        port_is_none_or_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_is_none_or_valid


def _check_ticks(module: Module, reader: Reader) -> None:
    lines = range(1, len(items_of(module)) + 1)
    if not all(reader.values.get(f"{TICK}{number}") for number in lines):
        reader.errors["items"] = _("Tick each line when you have done it. You can come back for the rest.")
