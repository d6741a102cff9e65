"""The script as it is played: what a part takes more, the others give, and the session ends when it was announced."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lti_tool.meetings import script
from lti_tool.meetings.script import LEAST, Part, Script
from tests.support.factories import NOW

END = NOW + timedelta(minutes=45)
MINUTES = (2, 10, 20, 10, 3)
LONG = timedelta(minutes=2)


def fresh(*minutes: int) -> Script:
    longest = max(minutes)
    return tuple(Part(f"Part {m}", "", m * 60, m * 60, practice=m == longest) for m in minutes)


def minutes_of(played: Script) -> list[float]:
    return [part.seconds / 60 for part in played]


def test_started_in_time_every_part_has_its_minutes() -> None:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    assert minutes_of(begun) == [2, 10, 20, 10, 3]
    assert script.current(begun) == 0


def test_started_five_minutes_late_the_practice_gives_them() -> None:
    begun = script.begin(fresh(*MINUTES), NOW + timedelta(minutes=5), END)
    assert minutes_of(begun) == [2, 10, 15, 10, 3]


def test_started_very_late_the_long_parts_give_alike_and_the_close_keeps_its_minutes() -> None:
    begun = script.begin(fresh(*MINUTES), NOW + timedelta(minutes=25), END)
    assert minutes_of(begun) == [2, 5, 5, 5, 3]


def test_two_minutes_more_are_taken_from_the_longest_that_comes() -> None:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    later = script.add_time(begun, NOW + timedelta(minutes=1), END)
    assert minutes_of(later) == [4, 10, 18, 10, 3]
    assert sum(minutes_of(later)) == 45


def test_two_minutes_more_for_a_part_whose_time_is_up_count_from_now() -> None:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    later = script.add_time(begun, NOW + timedelta(minutes=3), END)
    assert later[0].ends == NOW + timedelta(minutes=5)
    assert sum(minutes_of(later)) == 45


def test_the_moment_to_swap_stays_when_time_is_added() -> None:
    practice = _practice()
    swap = practice[2].swaps(2)
    later = script.add_time(practice, NOW + timedelta(minutes=13), END)
    assert later[2].swaps(2) == swap == [NOW + timedelta(minutes=22)]
    assert later[2].swaps(3) == [NOW + timedelta(seconds=12 * 60 + at) for at in (400, 800)]


def test_a_part_that_ends_early_leaves_its_time_to_the_practice() -> None:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    on = script.go_on(begun, NOW + timedelta(minutes=1), END)
    assert minutes_of(on) == [1, 10, 21, 10, 3]


def test_a_step_taken_by_mistake_is_taken_back() -> None:
    practice = _practice()
    on = script.go_on(practice, NOW + timedelta(minutes=13), END)
    back = script.go_back(on, END)
    assert (script.current(back), back[2].began, minutes_of(back)) == (2, practice[2].began, [2, 10, 20, 10, 3])


def test_before_the_first_part_and_after_the_last_there_is_nowhere_to_go() -> None:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    assert script.go_back(begun, END) == begun
    last = begun
    for _part in MINUTES:
        last = script.go_on(last, NOW + LONG, END)
    assert script.current(last) == len(MINUTES) - 1
    assert script.go_on(last, END, END) == last


def test_the_practice_is_over_when_the_next_part_begins() -> None:
    practice = _practice()
    assert not script.practice_is_over(practice)
    assert script.practice_is_over(script.go_on(practice, NOW + timedelta(minutes=30), END))


def test_what_is_stored_is_what_was_played() -> None:
    practice = script.add_time(_practice(), NOW + timedelta(minutes=13), END)
    assert script.from_rows(script.to_rows(practice)) == practice


@given(st.lists(st.integers(1, 60).map(lambda m: m * 60), min_size=1, max_size=12), st.integers(-3600, 3600))
def test_shares_fill_the_time_whenever_everybody_can_have_a_minute(lengths: list[int], available: int) -> None:
    shared = script.shares(lengths, available)
    assert min(shared) >= LEAST
    if available >= LEAST * len(lengths):
        assert sum(shared) == available
    if available <= sum(lengths):
        assert all(share <= max(length, LEAST) for share, length in zip(shared, lengths, strict=True))


def _practice() -> Script:
    begun = script.begin(fresh(*MINUTES), NOW, END)
    taught = script.go_on(begun, NOW + timedelta(minutes=2), END)
    return script.go_on(taught, NOW + timedelta(minutes=12), END)
