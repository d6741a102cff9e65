"""Schoology, by PowerSchool."""

from __future__ import annotations

from flask_babel import gettext as _

from lti_tool.lti.families.places import Places
from lti_tool.lti.families.standard import Standard


class Schoology(Standard):
    """Nothing is known in which it differs from the standard."""

    name = "schoology"
    codes = ("schoology",)

    @property
    def places(self) -> Places:
        """An administrator finds Peerloop among the apps in the App Center.

        Source: SCHO; setup guides of tool makers.
        """
        return Places(
            tool=_("App Center → My Developer Apps (or Organization Apps) → Peerloop → Options"),
            addresses=_("API Info for the client id, Edit for the addresses"),
            roster=_("Edit → “Names and Roles Services”"),
            grades=_("Edit → “Assignment and Grade Services”"),
        )
