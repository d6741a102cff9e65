"""What people would rather practise with, from what is known about them."""

from __future__ import annotations

from lti_tool.matching import liking
from lti_tool.matching.pairing import pair


def test_people_of_different_departments_like_to_practise_together() -> None:
    likes = liking.different({"a": "Sales", "b": "Sales", "c": "Care"})
    assert likes == {"a": {"c": 1.0}, "b": {"c": 1.0}, "c": {"a": 1.0, "b": 1.0}}
    groups = pair(["a", "b", "c", "d"], preferences=liking.different({"a": "S", "b": "S", "c": "C", "d": "C"})).groups
    assert all(set(group) not in ({"a", "b"}, {"c", "d"}) for group in groups)


def test_the_most_experienced_practise_with_the_newest_and_one_veteran_changes_nothing_for_others() -> None:
    likes = liking.far_apart({"a": 0, "b": 1, "c": 2, "veteran": 40})
    assert likes["a"] == {"b": 1 / 3, "c": 2 / 3, "veteran": 1.0}
    groups = pair(["a", "b", "c", "veteran"], preferences=likes).groups
    assert {"c", "veteran"} not in map(set, groups)
    assert {"a", "b"} not in map(set, groups)


def test_who_has_no_value_or_the_same_as_everybody_wishes_nothing() -> None:
    assert liking.different({}) == {}
    assert liking.far_apart({"a": 3}) == {}
    assert liking.far_apart({"a": 3, "b": 3}) == {"a": {"b": 0.0}, "b": {"a": 0.0}}


def test_two_wishes_weigh_the_same() -> None:
    both = liking.together([liking.different({"a": "S", "b": "C"}), liking.far_apart({"a": 1, "b": 1, "c": 5})])
    assert both["a"] == {"b": 0.5, "c": 0.5}
    assert liking.together([]) == {}
