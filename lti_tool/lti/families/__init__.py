"""What differs between LMSs, one class a family. The rest of the code never asks which LMS it speaks to.

Every rule is a member of `Standard`; a family overrides those that its LMS breaks, and says where that is written.
`docs/families.md` holds the table, made from these docstrings.
"""

from __future__ import annotations

from lti_tool.lti.families.blackboard import Blackboard
from lti_tool.lti.families.brightspace import Brightspace
from lti_tool.lti.families.canvas import Canvas
from lti_tool.lti.families.moodle import Moodle
from lti_tool.lti.families.sakai import Sakai
from lti_tool.lti.families.schoology import Schoology
from lti_tool.lti.families.standard import Standard

__all__ = ["FAMILIES", "Standard", "family", "named_by"]

FAMILIES: dict[str, Standard] = {
    rules.name: rules for rules in (Standard(), Blackboard(), Brightspace(), Canvas(), Moodle(), Sakai(), Schoology())
}
_BY_CODE = {code: rules.name for rules in FAMILIES.values() for code in rules.codes}


def family(name: str) -> Standard:
    """The family of this name; the standard when it is not known."""
    return FAMILIES.get(name, FAMILIES[Standard.name])


def named_by(code: str | None) -> str | None:
    """The name of the family that calls itself `code` (claim `tool_platform.product_family_code`), if one does."""
    return _BY_CODE.get(code.strip().lower()) if code else None
