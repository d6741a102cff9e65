"""What a person is called where the LMS keeps the name to itself."""

from __future__ import annotations

import base64
import hashlib

from lti_tool.lti.launch import Identity, Role

NAME_LENGTH = 255
_NOUNS = {Role.INSTRUCTOR: "Instructor", Role.TEACHING_ASSISTANT: "Assistant", Role.LEARNER: "Learner"}


def stated_name(identity: Identity) -> str | None:
    """The name that the LMS gave, whole or in parts."""
    if identity.name:
        return identity.name
    parts = [part for part in (identity.given_name, identity.family_name) if part]
    return " ".join(parts)[:NAME_LENGTH] or None


def made_up_name(subject: str, role: Role) -> str:
    """A name that tells people apart and gives nothing away.

    >>> made_up_name("248289761001", Role.LEARNER)
    'Learner XPIV'
    """
    digest = base64.b32encode(hashlib.sha256(subject.encode()).digest())
    return f"{_NOUNS.get(role, 'Person')} {digest[:4].decode()}"
