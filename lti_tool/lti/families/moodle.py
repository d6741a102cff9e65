"""Moodle."""

from __future__ import annotations

from flask_babel import gettext as _

from lti_tool.lti.families.places import Places
from lti_tool.lti.families.standard import Standard


class Moodle(Standard):
    """Has few rules of its own, since what is odd about it is read leniently everywhere (see `docs/families.md`)."""

    name = "moodle"
    codes = ("moodle",)

    @property
    def places(self) -> Places:
        """An administrator finds Peerloop among the external tools, with a choice for each service.

        Source: MOODLE, mod_lti and its services; the labels are those of the English language pack.
        """
        return Places(
            tool=_("Site administration → Plugins → Activity modules → External tool → Manage tools → Peerloop"),
            addresses=_("the cog for what Moodle knows of Peerloop, the list beside it for Moodle’s own addresses"),
            roster=_("Services → “IMS LTI Names and Role Provisioning”: use this service"),
            grades=_(
                "Services → “IMS LTI Assignment and Grade Services”: use this service for grade "
                "sync and column management"
            ),
        )

    def is_superseded(self, status: int, _excerpt: str) -> bool:
        """A score in the same whole second as the one before, or an older one, is answered with 409.

        Source: MOODLE, scores.
        """
        return status == 409

    def is_ungradable(self, status: int) -> bool:
        """A score for somebody who is not gradable in the course is answered with 400.

        Source: MOODLE, scores. The other reason for 400, a member that is missing, does not arise.
        """
        return status == 400
