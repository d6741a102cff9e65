"""From the role names that a platform states to a person's standing in a course.

https://www.imsglobal.org/spec/lti/v1p3#role-vocabularies. The order of the tests is deliberate: Canvas calls
a teaching assistant an Instructor too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lti_tool.lti.launch import Role, Standing

TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser".lower()

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_PERSON = re.compile(r"http://purl\.imsglobal\.org/vocab/lis/v2/(?:(?:institution|system)/)?person#(\w+)")
# `membership#Role`, `membership/Role#Sub`, and Sakai's malformed `membership#Role#Sub`.
_CONTEXT = re.compile(_MEMBERSHIP.replace(".", r"\.") + r"(?:/(\w+)#(\w+)|#(\w+)(?:#(\w+))?)")
# Deprecated: `urn:lti:role:ims/lis/Role/Sub`, `urn:lti:{inst,sys}role:ims/lis/Role`, and the bare name.
_URN = re.compile(r"urn:lti:role:ims/lis/(\w+)(?:/(\w+))?")
_URN_PERSON = re.compile(r"urn:lti:(?:inst|sys)role:ims/lis/(\w+)")

_ADMINS = {"administrator", "sysadmin", "accountadmin"}
_INSTRUCTORS = {"instructor", "administrator", "contentdeveloper"}
_SHORT = {
    "instructor",
    "learner",
    "mentor",
    "administrator",
    "contentdeveloper",
    "member",
    "manager",
    "officer",
}
_SHORT_ASSISTANT = "teachingassistant"


def standing(roles: Sequence[str]) -> Standing:
    """A person's standing. Names are compared without case; unknown ones are ignored."""
    return _standing(tuple(roles))


@lru_cache(maxsize=1024)
def _standing(roles: tuple[str, ...]) -> Standing:
    names = [role.strip().lower() for role in roles]
    return Standing(
        role=_role({found for name in names if (found := _context_role(name))}),
        is_test=TEST_USER in names,
        is_admin=any(_is_admin(name) for name in names),
    )


def _role(found: set[tuple[str, str]]) -> Role:
    mains = {main for main, _ in found}
    if any(main == "instructor" and _assists(sub) for main, sub in found):
        return Role.TEACHING_ASSISTANT
    if mains & _INSTRUCTORS:
        return Role.INSTRUCTOR
    if "mentor" in mains:
        return Role.MENTOR
    if mains & {"learner", "member"}:
        return Role.LEARNER
    return Role.NONE


def _assists(sub: str) -> bool:
    return sub.startswith("teachingassistant") or sub == "grader"


def _context_role(name: str) -> tuple[str, str] | None:
    if match := _CONTEXT.fullmatch(name):
        main, sub, plain, tail = match.groups()
        return (main, sub) if main else (plain, tail or "")
    if match := _URN.fullmatch(name):
        name, sub = match.group(1), match.group(2) or ""
        return ("instructor", name) if name == _SHORT_ASSISTANT else (name, sub)
    if name == _SHORT_ASSISTANT:
        return "instructor", name
    return (name, "") if name in _SHORT else None


def _is_admin(name: str) -> bool:
    match = _PERSON.fullmatch(name) or _URN_PERSON.fullmatch(name)
    return match is not None and match.group(1) in _ADMINS
