"""The section of a course, in the forms in which LMSs tell it."""

from __future__ import annotations

import pytest

from lti_tool.lti.claims import section_of
from lti_tool.lti.launch import Context

COURSE = Context("c1", label="PL1", title="Peer learning")


@pytest.mark.parametrize(
    ("stated", "section"),
    [
        (None, None),
        ("North", "North"),
        ('["South", "North"]', "North + South"),
        ('["Peer learning"]', None),
        ("Peer learning", None),
        ("PL1", None),
        ("[]", None),
        ("[broken", "[broken"),
        ("12", "12"),
        ("[" * 4000, "[" * 255),
        ("x" * 5000, "x" * 255),
    ],
)
def test_a_section_is_told_if_it_says_more_than_the_course(stated: str | None, section: str | None) -> None:
    assert section_of(stated, COURSE) == section
