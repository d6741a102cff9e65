"""What people have typed and not handed in yet, kept while they type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lti_tool.programs.fields import FormError
from lti_tool.work import answers
from lti_tool.work.answers import TICK, Answer
from lti_tool.work.rows import submission_of
from lti_tool.work.tables import Assignment, Draft

LONGEST = 50_000  # characters of a field: more than may be handed in, so that it can be shortened later


class WrittenElsewhereError(Exception):
    """Another tab, or another device, wrote since this one was opened."""


def save(session: Session, assignment: Assignment, person_id: int, fields: Mapping[str, str], now: datetime) -> int:
    """Keep `text`, `link` and ticks, and return the new version.

    An open page, named by `tab`, follows itself; another one's words are only replaced where `replace` says so, or
    where the page had shown them (`draft_version`).

    Raises WrittenElsewhereError.
    """
    tab = fields.get("tab", "")[:32]
    draft = session.get(Draft, (assignment.id, person_id), with_for_update={"key_share": True})
    if not fields.get("replace") and not _follows(session, draft, assignment.id, person_id, tab, fields):
        raise WrittenElsewhereError
    if draft is None:
        return _first(session, assignment.id, person_id, tab, fields, now)
    draft.fields, draft.tab, draft.saved_at = _kept(fields), tab, now
    draft.version += 1
    return draft.version


def _follows(
    session: Session, draft: Draft | None, assignment_id: int, person_id: int, tab: str, fields: Mapping[str, str]
) -> bool:
    """Whether nothing was written or handed in that this page did not show."""
    own = submission_of(session, assignment_id, person_id)
    if fields.get("seen", "") != (answers.fingerprint(own) if own else ""):
        return False
    if draft is None:
        return fields.get("draft_version", "0") == "0"
    return draft.tab == tab or fields.get("draft_version") == str(draft.version)


def _first(
    session: Session, assignment_id: int, person_id: int, tab: str, fields: Mapping[str, str], now: datetime
) -> int:
    draft = Draft(
        assignment_id=assignment_id, person_id=person_id, fields=_kept(fields), tab=tab, version=1, saved_at=now
    )
    try:
        with session.begin_nested():
            session.add(draft)
    except IntegrityError:  # another tab was quicker by a moment
        raise WrittenElsewhereError from None
    return draft.version


def _kept(fields: Mapping[str, str]) -> dict[str, str]:
    names = [name for name in fields if name in {"text", "link"} or name.startswith(TICK)]
    return {name[:20]: fields[name].replace("\0", "")[:LONGEST] for name in names[:20]}


def check_shown(
    session: Session, assignment_id: int, person_id: int, fields: Mapping[str, str], answer: Answer
) -> None:
    """Raise FormError where a draft of another tab would be lost by handing this in."""
    draft = session.get(Draft, (assignment_id, person_id), with_for_update={"key_share": True})
    if draft is None or "draft_version" not in fields:
        return
    shown = draft.tab == fields.get("tab") or fields["draft_version"] == str(draft.version)
    if not shown and _holds_more(draft, answer):
        raise FormError(
            {
                "text": _(
                    "You wrote something else in another tab. It stands below. Send this again to hand it in instead."
                )
            }
        )


def _holds_more(draft: Draft, answer: Answer) -> bool:
    """Whether something was typed into a draft that is not what is handed in."""
    kept = {name: draft.fields.get(name, "").replace("\r\n", "\n").strip() for name in ("text", "link")}
    return kept["text"] not in {"", answer.text} or kept["link"] not in {"", answer.link}


def drop(session: Session, assignment_id: int, person_id: int) -> None:
    """Forget what has been handed in now."""
    session.execute(delete(Draft).where(Draft.assignment_id == assignment_id, Draft.person_id == person_id))
