"""Sakai."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lti_tool.lti.families.standard import Standard

READ_ONLY = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"


class Sakai(Standard):
    """May list the columns of others."""

    name = "sakai"
    codes = ("sakai",)

    def stated_audience(self, _authorization_server: str) -> None:
        """The audience of tokens must hold its token address, whatever the registration says.

        Source: SAKAI, token validator.
        """

    def may_write(self, line_item: Mapping[str, Any]) -> bool:
        """Where tools may read the whole gradebook, others' columns are listed as read-only and refuse scores (403).

        Source: SAKAI, gradebook extensions.
        """
        return line_item.get(READ_ONLY) is not True
