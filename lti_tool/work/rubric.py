"""A rubric: criteria, each with levels in words from the weakest to the best. Pure.

It is written and kept as text, a criterion a line: `Situation: not told | told in part | a camera could film it`. The
weakest level gives no point, each next one a point more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

MOST_CRITERIA, MOST_LEVELS = 6, 6
LONGEST_NAME, LONGEST_LEVEL = 80, 200
LONGEST_TEXT = MOST_CRITERIA * (LONGEST_NAME + MOST_LEVELS * (LONGEST_LEVEL + 3))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is looked at; a level's place is its points."""

    name: str
    levels: tuple[str, ...]

    @property
    def most(self) -> int:
        """The points of its best level."""
        return len(self.levels) - 1

    def __str__(self) -> str:
        return f"{self.name}: {' | '.join(self.levels)}"


def parse(text: str) -> list[Criterion]:
    """The criteria that a text names. Raises ValueError with a sentence for who wrote it.

    >>> [str(each) for each in parse("Situation:no|in part |  yes")]
    ['Situation: no | in part | yes']
    """
    criteria = [_criterion(line) for line in text.splitlines() if line.strip()]
    if not 1 <= len(criteria) <= MOST_CRITERIA:
        raise ValueError(_("Write one to %(most)s criteria, one a line.", most=MOST_CRITERIA))
    if len({criterion.name for criterion in criteria}) < len(criteria):
        raise ValueError(_("Two criteria have the same name. Give each its own."))
    return criteria


def _criterion(line: str) -> Criterion:
    name, _colon, told = (part.strip() for part in line.partition(":"))
    levels = tuple(level.strip() for level in told.split("|"))
    if not name or len(name) > LONGEST_NAME:
        raise ValueError(
            _("Begin each line with a name of up to %(longest)s characters and a colon.", longest=LONGEST_NAME)
        )
    if not 2 <= len(levels) <= MOST_LEVELS or not all(levels):
        raise ValueError(
            _("“%(name)s” needs 2 to %(most)s levels, with | between them.", name=name, most=MOST_LEVELS)
        )
    if any(len(level) > LONGEST_LEVEL for level in levels):
        raise ValueError(
            _("Shorten the levels of “%(name)s” to %(longest)s characters.", name=name, longest=LONGEST_LEVEL)
        )
    return Criterion(name, levels)


def written(criteria: Sequence[Criterion]) -> str:
    """The other way: the text that names them."""
    return "\n".join(str(criterion) for criterion in criteria)


def most_points(text: str) -> int:
    """What the best levels give together."""
    return sum(criterion.most for criterion in parse(text))
