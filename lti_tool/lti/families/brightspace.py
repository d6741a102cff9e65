"""Brightspace, by D2L."""

from __future__ import annotations

from flask_babel import gettext as _

from lti_tool.lti.families.standard import Standard


class Brightspace(Standard):
    """Has an audience of its own for tokens, and a roster that may hide people."""

    name = "brightspace"
    codes = ("brightspace", "desire2learn", "d2l")
    cloud_domains = ("brightspace.com",)

    @property
    def roster_advice(self) -> str | None:
        """Only who has opened the tool is listed while a setting of the deployment is off: an administrator is told.

        Source: D2L, deployment settings.
        """
        return str(
            _(
                "This LMS lists only people who have opened Peerloop, unless the setting “Classlist including users "
                "not known to this deployment” of its deployment is on. Whoever is missing here appears once it is."
            )
        )

    def stated_audience(self, _authorization_server: str) -> None:
        """The audience is the one that its documentation names, whatever the registration says.

        Source: D2L, registration.
        """

    def audience(self, _token_url: str) -> str:
        """The audience is a string of its own, which the registration page shows as "OAuth2 Audience".

        Source: D2L, registration.
        """
        return "https://api.brightspace.com/auth/token"

    def is_ungradable(self, status: int) -> bool:
        """A score for somebody whose role lacks "Can be graded in Grades" is answered with 422.

        Source: D2L, LTI Advantage developer FAQ.
        """
        return status == 422
