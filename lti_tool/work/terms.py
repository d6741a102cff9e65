"""What a late hand-in counts, and until when one is taken: the program's rule, or the assignment's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import LateRule, Module, Program

MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """A late rule; `share` in percent, `days` after the due time that hand-ins are taken (None: without end)."""

    rule: LateRule
    share: int
    days: int | None

    def closes_at(self, due_at: datetime) -> datetime | None:
        """When no hand-in is taken any more; None for never."""
        return None if self.days is None else due_at + timedelta(days=self.days)

    def is_closed(self, due_at: datetime, now: datetime) -> bool:
        """Whether no hand-in is taken any more."""
        closes_at = self.closes_at(due_at)
        return closes_at is not None and closes_at < now

    def worth(self, due_at: datetime, handed_in_at: datetime) -> float:
        """What a hand-in counts, from 0 to 1."""
        if handed_in_at <= due_at or self.rule is LateRule.FULL:
            return 1.0
        return self.share / 100 if self.rule is LateRule.SHARE else 0.0

    @property
    def as_columns(self) -> dict[str, str | int | None]:
        """As a program or a module keeps it."""
        return {"late_rule": self.rule.value, "late_share": self.share, "late_days": self.days}


NO_OWN_TERMS: dict[str, str | int | None] = {"late_rule": None, "late_share": None, "late_days": None}


def of_program(program: Program) -> Terms:
    """The rule for all assignments that have none of their own."""
    return Terms(LateRule(program.late_rule), program.late_share, program.late_days)


def of_module(program: Program, module: Module) -> Terms:
    """The rule that holds for a module's assignment."""
    if module.late_rule is None:
        return of_program(program)
    return Terms(LateRule(module.late_rule), module.late_share or program.late_share, module.late_days)


def values_of(owner: Program | Module) -> dict[str, str]:
    """The fields of the form, as they are stored."""
    stored = {"late_rule": owner.late_rule, "late_share": owner.late_share, "late_days": owner.late_days}
    return {name: "" if value is None else str(value) for name, value in stored.items()}


def read(reader: Reader) -> Terms:
    """`late_rule`, `late_share` where the rule needs it, and `late_days`, empty for without end."""
    rule = reader.choice("late_rule", LateRule)
    share = reader.whole("late_share", 1, 99) if rule is LateRule.SHARE else 50
    days = reader.whole("late_days", 0, MOST_DAYS) if reader.values.get("late_days", "").strip() else None
    return Terms(rule, share, days)


def change(session: Session, program: Program, fields: Mapping[str, str], actor_id: int) -> None:
    """Set the program's rule, and count again what it changes. Raises FormError."""
    reader = Reader(fields)
    terms = read(reader)
    reader.check()
    before = of_program(program)
    if terms == before:
        return
    for name, value in terms.as_columns.items():
        setattr(program, name, value)
    audit.record(
        session,
        "late rule set",
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before=before.as_columns,
        after=terms.as_columns,
    )
    progress.everybody(session, program.id)


def rules() -> list[tuple[str, str]]:
    """What a late hand-in can count, in words."""
    return [
        (LateRule.FULL, _("fully")),
        (LateRule.SHARE, _("by a share")),
        (LateRule.NOTHING, _("not at all, it is only read")),
    ]


def in_words(terms: Terms) -> str:
    """The rule in one sentence."""
    counts = {
        LateRule.FULL: _("A late hand-in counts fully"),
        LateRule.SHARE: _("A late hand-in counts %(share)s %%", share=terms.share),
        LateRule.NOTHING: _("A late hand-in does not count"),
    }[terms.rule]
    if terms.days is None:
        return str(_("%(counts)s; it is taken without end.", counts=counts))
    if terms.days == 0:
        return str(_("Nothing is taken after the due time."))
    return str(_("%(counts)s; it is taken for %(days)s days.", counts=counts, days=terms.days))
