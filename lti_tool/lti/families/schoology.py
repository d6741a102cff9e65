"""Schoology, by PowerSchool."""

from __future__ import annotations

from lti_tool.lti.families.standard import Standard


class Schoology(Standard):
    """Nothing is known in which it differs from the standard."""

    name = "schoology"
    codes = ("schoology",)
