"""Schoology, by PowerSchool."""

from __future__ import annotations

from lti_tool.lti.families.standard import Standard


class Schoology(Standard):
    """No rule of its own is known."""

    name = "schoology"
    codes = ("schoology",)
