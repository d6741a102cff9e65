"""Moodle."""

from __future__ import annotations

from lti_tool.lti.families.standard import Standard


class Moodle(Standard):
    """Has few rules of its own, since what is odd about it is read leniently everywhere (see `docs/families.md`)."""

    name = "moodle"
    codes = ("moodle",)

    @property
    def hides_nought(self) -> bool:
        """A result without a score may be of somebody whose grade is exactly 0.

        Source: MOODLE, results.
        """
        return True

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
