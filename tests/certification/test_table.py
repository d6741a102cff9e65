"""The table of the documentation has a row for every case, and no other."""

from __future__ import annotations

import pytest

from tests.certification import table


def test_the_table_has_a_row_for_every_case_and_no_other(request: pytest.FixtureRequest) -> None:
    documented = {row.rpartition(" | ")[2].removesuffix(" |") for row in table.documented()}
    cases = table.cases(request.session)
    assert cases <= documented, table.STALE
    assert cases == documented or not table.is_whole(request.session), table.STALE
