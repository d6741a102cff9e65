"""Problems that nobody would hand in on purpose, as somebody at a shell meets them: a clear answer, and in time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lti_tool.matching.checker import check
from lti_tool.matching.forming import NOTHING_KNOWN, solve
from lti_tool.matching.problem import Problem
from tests.matching.examples import a_course, plain
from tests.matching.test_commands import assert_refused_in_a_line, run, write

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (a_course(5), "each cohort must have at least 8 people (5 people)"),
        (
            plain(13, 5, 6),
            "each cohort must have at least 5 people (13 people); each cohort may have at most 6 people (13 people)",
        ),
        (
            plain(6, 2, 4, together=[["a", "b"]], apart=[["b", "c"], ["b", "a"]]),
            "a and b must be together; b and a must be apart",
        ),
        (
            plain(6, 2, 4, apart=[["a", "b", "c"]], cohorts=2),
            "a, b and c must be apart, but the number of cohorts is 2",
        ),
        (
            plain(12, 3, 4, common_slots=1),
            "all members of a cohort must share at least 1 slot, but nobody named any",
        ),
        (plain(6, 2, 4, locked={"a": 4}), "a must stay in cohort 5, but the number of cohorts is 2"),
    ],
    ids=[
        "too few people",
        "no size fits",
        "a contradictory pair",
        "three apart in two",
        "an empty grid",
        "no such cohort",
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_beside_the_answer(tmp_path: Path, problem: Json, told: str) -> None:
    path = write(tmp_path / "problem.json", problem)
    result = run("solve", path)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {path}: cannot be done: {told}\n"
    answer = json.loads(result.stdout)
    assert answer["status"] == "infeasible"
    assert "; ".join(item["text"] for item in answer["conflict"]) == told
    assert any(item.get("helps") for item in answer["conflict"])
    assert run("check", path, write(tmp_path / "answer.json", answer)).stdout == "OK: infeasible\n"


def people(*rest: str) -> str:
    return '{"people": [' + ", ".join(('{"id": "a"}', *rest)) + '], "size": {"min": 1, "max": 3}}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"people": [], "size": {"min": 2, "max": 3}}', "people: there is nobody to place"),
        (people('{"id": "b"}', '{"id": "a"}'), "people[2].id: 'a' is there twice"),
        (people('{"id": "b", "attributes": {"level": NaN}}'), "people[1].attributes.level: must be a number"),
        (people('{"id": "b", "attributes": {"level": Infinity}}'), "people[1].attributes.level: must be a number"),
        (people('{"id": "b"}').replace("3}", '3, "target": NaN}'), "size.target: must be from 0"),
        (people('{"id": "b"}').replace("3}", "0}"), "size.max: must be from 1 to 10000"),
        (
            people('{"id": "b"}').replace('"max": 3}', '"max": 3}, "apart": [["a", "c"]]'),
            "'c' is not one of the people",
        ),
    ],
    ids=["nobody", "the same id twice", "NaN", "infinity", "NaN as a size", "no room", "a stranger"],
)
def test_what_makes_no_sense_is_named_and_exits_with_2(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "problem.json"
    path.write_text(content, "utf-8")
    assert_refused_in_a_line(path, told)


def test_attributes_that_half_of_them_lack_count_as_unknown_and_are_spread_too(tmp_path: Path) -> None:
    course = a_course(60, balance=[{"attribute": "level"}])
    for person in course["people"][::2]:
        person["attributes"] = {}
    result = run("solve", write(tmp_path / "problem.json", course), "--iterations", 20_000)
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert check(course, answer) == []
    silent = {person["id"] for person in course["people"][::2]}
    assert [len(silent.intersection(cohort)) for cohort in answer["cohorts"]] == [6] * 5


def test_one_value_for_everybody_is_as_good_anywhere(tmp_path: Path) -> None:
    course = a_course(60, gather=[{"attribute": "site"}], balance=[{"attribute": "level"}])
    for person in course["people"]:
        person["attributes"] = {"department": "A", "gender": "woman", "site": "Lyon", "level": 3}
    result = run("solve", write(tmp_path / "problem.json", course))
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert check(course, answer) == []
    assert (answer["objective"], answer["gap"]) == (0, 0)


def test_nothing_found_and_nothing_proved_says_so_and_exits_with_1(tmp_path: Path) -> None:
    course, rng = a_course(60, common_slots=2), Random(5)
    for person in course["people"]:
        person["slots"] = rng.sample([f"s{j}" for j in range(12)], 5)
    path = write(tmp_path / "problem.json", course)
    result = run("solve", path, "--seconds", 0.05)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {path}: {NOTHING_KNOWN}\n"
    assert json.loads(result.stdout)["status"] == "unknown"


GRAPH = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]
"""Five who quarrel in a circle need three cohorts; with their shadows (Mycielski) they need four."""
SHADOWED = [
    *GRAPH,
    *((a, b + 5) for a, b in GRAPH),
    *((b, a + 5) for a, b in GRAPH),
    *((i + 5, 10) for i in range(5)),
]


QUARRELS = [[f"u{a}", f"u{b}"] for a, b in SHADOWED]


# By what is hard about them: so many people, and what is asked of them besides.
HARD: dict[str, tuple[int, Json]] = {
    "a pair": (5000, {"together": [["u1", "u2"], ["u2", "u3"]], "apart": [["u1", "u3"]]}),
    "quarrels": (5000, {"apart": QUARRELS, "cohorts": 3, "size": {"min": 1, "max": 5000, "slack": 5000}}),
    "locks": (5000, {"common_slots": 1, "locked": {f"u{i}": 0 for i in range(12)}}),
    "slots": (1000, {"common_slots": 6}),
    "packing": (1000, {"together": [[f"u{i}" for i in range(j, j + 9)] for j in range(0, 990, 9)]}),
}


@pytest.mark.parametrize("what", HARD)
def test_thousands_of_people_are_answered_when_their_time_is_over(what: str) -> None:
    number, more = HARD[what]
    problem = Problem.from_json(a_course(number, **more))
    # How soon after it is measured beside the time given, in `benchmarks/refusing.py`.
    answer = solve(problem, seed=1, now=time.process_time, seconds=1.0)
    assert answer.status != "solved" or check(problem.to_json(), answer.to_json()) == []
