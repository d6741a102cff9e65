"""Editing what one session of a program is: its title, what is said and played, and the parts of its script."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from lti_tool import audit
from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import AgendaItem, Module, Program

MOST_PARTS = 15
LONGEST_PART = 60
LONGEST_TEXT = 20_000
_PART = re.compile(r"([0-9]{1,3})\s+(\S.{0,199})")
TEXTS = ("micro_teach", "prompt_a", "prompt_b", "reflection")


class StaleError(Exception):
    """Somebody else changed the session since the form was opened."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a script, as somebody wrote it."""

    minutes: int
    title: str
    tip: str


@dataclass(frozen=True, slots=True)
class SessionText:
    """All that can be edited of a session. `reflection` holds one question a line."""

    title: str
    micro_teach: str
    prompt_a: str
    prompt_b: str
    reflection: str
    parts: tuple[Part, ...]

    @property
    def mark(self) -> str:
        """What tells this text from any other, for a form that was opened on it."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def of_module(module: Module) -> SessionText:
    """The text as it is. The module must have its agenda."""
    parts = tuple(Part(item.minutes, item.title, item.tip) for item in module.agenda)
    return SessionText(title=module.title, parts=parts, **{name: getattr(module, name) for name in TEXTS})


def read(values: Mapping[str, str], minutes: int) -> SessionText:
    """Check what was typed for a session of `minutes`; its parts as `written` has them. Raises FormError."""
    reader = Reader(values)
    text = SessionText(
        title=reader.text("title", 120),
        parts=_read_parts(reader, minutes),
        **{name: reader.text(name, LONGEST_TEXT) for name in TEXTS},
    )
    reader.check()
    return text


def written(parts: Iterable[Part]) -> str:
    """The parts as people write them: a line with minutes and title each, and lines with a dash for its tip.

    >>> written([Part(2, "Welcome", "Say hello.\\nAsk."), Part(20, "Practice", "")])
    '2 Welcome\\n- Say hello.\\n- Ask.\\n20 Practice'
    """
    return "\n".join(
        line
        for part in parts
        for line in (f"{part.minutes} {part.title}", *(f"- {tip}" for tip in part.tip.splitlines()))
    )


def _read_parts(reader: Reader, minutes: int) -> tuple[Part, ...]:
    """The inverse of `written`. The longest part, the practice, takes what the others leave; so much must be left."""
    parts: list[Part] = []
    for line in filter(None, map(str.strip, reader.text("parts", LONGEST_TEXT).splitlines())):
        if line.startswith("-") and parts:
            parts[-1] = replace(parts[-1], tip=f"{parts[-1].tip}\n{line[1:].strip()}".strip())
        elif (found := _PART.fullmatch(line)) and 1 <= int(found[1]) <= LONGEST_PART:
            parts.append(Part(int(found[1]), found[2], ""))
        else:
            reader.errors["parts"] = _(
                "“%(line)s” is no part. Begin a part with its minutes, 1 to %(most)s, as in “10 Micro-teach”, "
                "and a tip with a dash.",
                line=line[:60],
                most=LONGEST_PART,
            )
            return ()
    others = sum(part.minutes for part in parts) - max((part.minutes for part in parts), default=0)
    if others >= minutes:
        reader.errors["parts"] = _(
            "The parts around the longest one take %(others)s minutes; the session has %(minutes)s. Shorten them.",
            others=others,
            minutes=minutes,
        )
    if len(parts) > MOST_PARTS:
        reader.errors["parts"] = _("Write at most %(most)s parts.", most=MOST_PARTS)
    return tuple(parts)


def change(
    session: Session,
    program: Program,
    module: Module,
    text: SessionText,
    *,
    seen: str,
    later_too: bool,
    actor_id: int,
) -> None:
    """Store `text` for one session; with `later_too` its parts for all sessions after it as well.

    `seen` is the mark of the text that was open. The program must have its modules, with their agendas.
    Raises StaleError.
    """
    _hold(session, program)
    before = of_module(module)
    if before == text and not later_too:
        return
    if before.mark != seen and before != text:
        raise StaleError
    for name in ("title", *TEXTS):
        setattr(module, name, getattr(text, name))
    _set_parts(session, module, text.parts)
    for later in program.modules if later_too else ():
        if later.number > module.number:
            _set_parts(session, later, _with_own_tips(later, text.parts))
    _record(session, program, module, before, text, later_too, actor_id)


def _hold(session: Session, program: Program) -> None:
    """Let those who edit a program wait for each other, and see what the last one did."""
    modules = select(Module).where(Module.program_id == program.id).options(selectinload(Module.agenda))
    held = modules.order_by(Module.number).with_for_update(key_share=True)
    session.scalars(held, execution_options={"populate_existing": True}).all()


def _set_parts(session: Session, module: Module, parts: Sequence[Part]) -> None:
    session.execute(delete(AgendaItem).where(AgendaItem.module_id == module.id))
    session.add_all(
        AgendaItem(module_id=module.id, position=position, **asdict(part)) for position, part in enumerate(parts)
    )


def _with_own_tips(module: Module, parts: Sequence[Part]) -> list[Part]:
    """The parts, with the tips that the session has for parts of the same title."""
    tips = {item.title: item.tip for item in module.agenda}
    return [Part(part.minutes, part.title, tips.get(part.title, part.tip)) for part in parts]


def _record(
    session: Session,
    program: Program,
    module: Module,
    before: SessionText,
    after: SessionText,
    later_too: bool,
    actor_id: int,
) -> None:
    def changed(text: SessionText) -> dict[str, Any]:
        return {name: value for name, value in asdict(text).items() if asdict(before)[name] != asdict(after)[name]}

    audit.record(
        session,
        "session text changed",
        "module",
        module.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before=changed(before),
        after=changed(after) | ({"parts of later sessions": True} if later_too else {}),
    )
