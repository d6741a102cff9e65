"""Workers are killed and the LMS fails in every way, and every grade arrives once, in order, over nobody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.soak import soaking

PEOPLE = 80


@pytest.mark.long
def test_whatever_fails_and_whoever_dies_the_lms_shows_what_is_wanted(tmp_path: Path) -> None:
    with soaking(tmp_path, people=PEOPLE) as soak:
        soak.wish(1.0)
        soak.fail()
        soak.workers.start()
        soak.wait(5.0, lambda: soak.open_cells() < PEOPLE, soak.hurry)
        soak.workers.kill(2)
        soak.leases_expire()
        soak.workers.start()
        soak.wait(3.0, lambda: soak.open_cells() < PEOPLE // 4, soak.hurry)
        soak.recover()
        assert soak.wait(20, lambda: soak.open_cells() == 0, soak.hurry)
        soak.type_grades(0.1)
        soak.wish(0.5)
        assert soak.wait(20, lambda: soak.open_cells() == 0, soak.hurry)
        assert soak.read_back()
        counts = soak.counts()
    assert counts.is_as_promised, counts
