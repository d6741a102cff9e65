"""What roles are called on every page."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from lti_tool.lti.launch import Role

ROLES = {
    Role.INSTRUCTOR.value: _l("instructor"),
    Role.TEACHING_ASSISTANT.value: _l("teaching assistant"),
    Role.LEARNER.value: _l("learner"),
    Role.MENTOR.value: _l("observer"),
    Role.NONE.value: _l("no role in the course"),
}
