"""What differs between LMSs, one class a family. The rest of the code never asks which LMS it speaks to."""

from __future__ import annotations


class Standard:
    """The standard itself, and what holds for an LMS of which nothing more is known."""

    name = "standard"
    # Calls in flight to one platform at a time.
    concurrency = 4

    def is_throttled(self, status: int, _excerpt: str) -> bool:
        """Does this answer ask us to slow down?"""
        return status == 429

    def is_superseded(self, status: int, excerpt: str) -> bool:
        """Does this answer to a score say that the platform holds one as new or newer?

        The standard names no status (https://www.imsglobal.org/spec/lti-ags/v2p0#timestamp). Moodle says 409,
        Canvas 400 with "Provided timestamp of … before last updated timestamp of …".
        """
        text = excerpt.lower()
        stale = "timestamp" in text and any(word in text for word in ("before", "older", "earlier", "newer", "stale"))
        return status == 409 or (status == 400 and stale)


_FAMILIES = {family.name: family for family in (Standard(),)}


def family(name: str) -> Standard:
    """The family of this name; the standard when it is not known."""
    return _FAMILIES.get(name, _FAMILIES[Standard.name])
