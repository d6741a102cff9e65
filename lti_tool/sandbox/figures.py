"""Numbers as JSON brings them."""

import math


def as_number(value: object) -> float | None:
    """The number as a float; None for anything else, infinite and too large ones included."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def rescaled(score: float, maximum: float, new_maximum: float) -> float:
    """The same share of another maximum; under the same maximum the score stays exactly what it was."""
    return score if maximum == new_maximum else score * new_maximum / maximum
