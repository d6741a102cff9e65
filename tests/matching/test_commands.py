"""``peerloop match`` on files, as somebody at a shell uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lti_tool.matching.commands import match
from tests.matching.examples import a_course


def run(*arguments: object) -> Result:
    return CliRunner().invoke(match, [str(argument) for argument in arguments])


def write(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_what_solve_writes_check_finds_right(tmp_path: Path) -> None:
    problem = write(tmp_path / "problem.json", a_course(60))
    solved = run("solve", problem, "--iterations", 3000, "--seed", 7)
    assert solved.exit_code == 0
    assert json.loads(solved.stdout)["seed"] == 7
    solution = write(tmp_path / "solution.json", json.loads(solved.stdout))
    checked = run("check", problem, solution)
    assert checked.exit_code == 0
    assert checked.stdout.startswith("OK: 5 cohorts, J ")


def test_the_same_seed_and_iterations_give_the_same_cohorts(tmp_path: Path) -> None:
    problem = write(tmp_path / "problem.json", a_course(40))
    answers = [json.loads(run("solve", problem, "--iterations", 500).stdout)["cohorts"] for _ in range(2)]
    assert answers[0] == answers[1]


def test_two_searches_side_by_side_are_never_worse_than_the_first_alone(tmp_path: Path) -> None:
    problem = write(tmp_path / "problem.json", a_course(40, balance=[{"attribute": "level"}]))
    one = json.loads(run("solve", problem, "--iterations", 500).stdout)
    two = json.loads(run("solve", problem, "--iterations", 500, "--threads", 2).stdout)
    assert two["objective"] <= one["objective"]


def test_a_wrong_solution_is_told_and_exits_with_1(tmp_path: Path) -> None:
    problem = write(tmp_path / "problem.json", a_course(20, apart=[["u0", "u1"]]))
    data: dict[str, Any] = json.loads(run("solve", problem, "--iterations", 100).stdout)
    data["objective"] += 1
    checked = run("check", problem, write(tmp_path / "solution.json", data))
    assert checked.exit_code == 1
    assert checked.stdout.startswith("J is ")


def assert_refused_in_a_line(path: Path, told: str) -> None:
    """Neither command takes the file; each says why in one line, and exits with 2."""
    for arguments in (("solve", path), ("check", path, path)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert told in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


@pytest.mark.parametrize(("content", "told"), [("{", "is not JSON"), ("[" * 100_000, "nested too deeply")])
def test_a_file_that_cannot_be_read_is_one_clear_line_and_exits_with_2(
    tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "problem.json"
    path.write_text(content, "utf-8")
    assert_refused_in_a_line(path, told)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    result = run("solve", tmp_path / "none.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "cannot be read (No such file or directory)" in result.stderr
