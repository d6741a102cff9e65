"""``peerloop match``: form cohorts and check them, on files, without a database or a server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from lti_tool.matching.checker import check
from lti_tool.matching.problem import Problem, ProblemError
from lti_tool.matching.solution import Solution

DEFAULT_SECONDS = 2.0


class Malformed(click.ClickException):
    """A file that cannot be read or understood: one line, exit code 2."""

    exit_code = 2


class Impossible(click.ClickException):
    """Rules that contradict each other: one line, exit code 2, after the answer that says more."""

    exit_code = 2


@click.group()
def match() -> None:
    """Form cohorts from a problem file, and check solutions."""


@match.command("solve")
@click.argument("problem_file", metavar="PROBLEM.json", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=0.01, max=86_400), help="Time limit (default 2).")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides among equals.")
@click.option(
    "--iterations",
    type=click.IntRange(min=0),
    help="Steps of the search; without --seconds the only limit, and the same cohorts on every run.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Searches side by side, with the seeds that follow; the best answer counts.",
)
def solve_command(problem_file: Path, seconds: float | None, seed: int, iterations: int | None, threads: int) -> None:
    """Write the solution of PROBLEM.json to standard output.

    Exits with 0 when there are cohorts; with 2 when there can be none, because the rules contradict each other or the
    problem is malformed; with 1 when none were found and it is not proved that there are none. Standard error tells.
    """
    problem = _read_problem(problem_file)
    if seconds is None and iterations is None:
        seconds = DEFAULT_SECONDS
    answer = _checked(problem, _search(problem, seed, seconds, iterations, threads))
    click.echo(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False))
    if answer.status == "infeasible":
        reasons = "; ".join(item.text for item in answer.conflict)
        raise Impossible(f"{problem_file}: cannot be done: {reasons}{f' ({answer.text})' if answer.text else ''}")
    if answer.status == "unknown":
        raise click.ClickException(f"{problem_file}: {answer.text}")


@match.command("check")
@click.argument("problem_file", metavar="PROBLEM.json", type=click.Path(path_type=Path))
@click.argument("solution_file", metavar="SOLUTION.json", type=click.Path(path_type=Path))
def check_command(problem_file: Path, solution_file: Path) -> None:
    """Recompute every rule and figure of SOLUTION.json: OK, or what is wrong and exit code 1."""
    _read_problem(problem_file)
    solution = _read_json(solution_file)
    violations = check(_read_json(problem_file), solution)
    for violation in violations:
        click.echo(violation)
    if violations:
        raise click.exceptions.Exit(1)
    if solution["status"] == "solved":
        click.echo(
            f"OK: {len(solution['cohorts'])} cohorts, J {solution['objective']:.6g}, "
            f"lower bound {solution['lower_bound']:.6g}, gap {solution['gap']:.4f}"
        )
    else:
        click.echo(f"OK: {solution['status']}")


def _search(problem: Problem, seed: int, seconds: float | None, iterations: int | None, threads: int) -> Solution:
    # Loads the compiled code, which the other commands do without.
    from lti_tool.matching.forming import solve

    return solve(problem, seed=seed, now=time.monotonic, seconds=seconds, iterations=iterations, threads=threads)


def _checked(problem: Problem, answer: Solution) -> Solution:
    wrong = check(problem.to_json(), answer.to_json())
    if wrong:
        raise click.ClickException(f"the answer failed its own check, please report this: {'; '.join(wrong[:3])}")
    return answer


def _read_problem(path: Path) -> Problem:
    try:
        return Problem.from_json(_read_json(path))
    except ProblemError as error:
        raise Malformed(f"{path}: {error}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Malformed(f"{path}: cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise Malformed(f"{path}: is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"{path}: is not JSON in UTF-8 ({error})") from error
