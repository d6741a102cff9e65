"""Cells of CSV files that a spreadsheet opens: what anybody may have typed must not run there as a formula.

See https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import re

MARK = "'"
# Spreadsheets look past white space, and some take the full-width signs for the usual ones. What carries marks of
# its own gets one more, so that taking one away gives back what was there.
_RISKY = re.compile(rf"{MARK}*(\s*[=+\-@＝＋－＠]|[\t\r\n])")  # the full-width signs are meant


def harmless(cell: str) -> str:
    """The cell as text to a spreadsheet.

    >>> harmless("=1+1"), harmless(" +1"), harmless("Ana")
    ("'=1+1", "' +1", 'Ana')
    """
    return MARK + cell if _RISKY.match(cell) else cell


def as_meant(cell: str) -> str:
    """What `harmless` was given.

    >>> as_meant("'=1+1"), as_meant("'s Gravenhage")
    ('=1+1', "'s Gravenhage")
    """
    return cell.removeprefix(MARK) if _RISKY.match(cell) else cell
