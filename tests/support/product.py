"""The whole product as a running server, to be launched into over HTTP: what the wire lets in, arrives."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from lti_tool.home.arrival import arrive
from lti_tool.lti.launch import Launch
from tests.support.platform import Tool


class Product(Tool):
    """Peerloop with all its rooms; a launch that is good leads to the visit's first page."""

    def _record(self, launch: Launch) -> ResponseReturnValue:
        self.launches.append(launch)
        return arrive(launch)
