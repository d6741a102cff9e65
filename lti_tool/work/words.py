"""How a hand-in stands, in a word."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _

from lti_tool.programs.tables import Grading, LateRule, Module
from lti_tool.work import rubric
from lti_tool.work.tables import Submission
from lti_tool.work.terms import Terms


def overdue(terms: Terms, due_at: datetime, now: datetime) -> str | None:
    """What to say of what is not handed in and should be; None as long as there is time."""
    if now <= due_at:
        return None
    if terms.is_closed(due_at, now):
        return str(_("closed"))
    told = {
        LateRule.FULL: _("overdue, still welcome"),
        LateRule.SHARE: _("overdue, counts %(share)s %%", share=terms.share),
        LateRule.NOTHING: _("overdue, no longer counts"),
    }[terms.rule]
    return str(told)


def state(module: Module, submission: Submission) -> tuple[str, str]:
    """The status (see docs/components.md) and the word for what was handed in. It comes with its grade."""
    match module.assignment_grading:
        case Grading.COMPLETION:
            return "done", _("handed in")
        case Grading.POINTS if submission.grade is not None:
            most = rubric.most_points(module.assignment_rubric)
            return "done", _("%(points)s of %(most)s points", points=submission.grade.points, most=most)
        case Grading.POINTS:
            return "waits", _("handed in, waits for its grade")
    if submission.confirmed_at is not None:
        return "done", _("confirmed")
    return ("need", _("sent back")) if submission.sent_back else ("waits", _("handed in"))
