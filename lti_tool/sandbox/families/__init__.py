"""The LMSs that the sandbox plays, one class each, written from what is known about them and not from the tool.

A member of a class says where it is known from; `docs/families.md` lists the documents behind the keys. Addresses
of services that no document tells are made up.
"""

from lti_tool.sandbox.families.blackboard import Blackboard
from lti_tool.sandbox.families.brightspace import Brightspace
from lti_tool.sandbox.families.canvas import Canvas
from lti_tool.sandbox.families.moodle import Moodle
from lti_tool.sandbox.families.sakai import Sakai
from lti_tool.sandbox.families.schoology import Schoology
from lti_tool.sandbox.families.standard import Standard

FAMILIES: dict[str, type[Standard]] = {
    lms.name: lms for lms in (Standard, Blackboard, Brightspace, Canvas, Moodle, Sakai, Schoology)
}
