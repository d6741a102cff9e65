"""Measure Peerloop beside its peers and print one table.

    python -m benchmarks              launches, platforms, rosters, scores, cells, rooms, histories
    python -m benchmarks matching     the forming of cohorts, and pairs

Each row is measured in one run beside its peer, since machines are noisy: read the ratio, not the figures.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
SUITES = {
    "": ("launches", "platforms", "roster", "scores", "cells", "rooms", "histories"),
    "matching": ("matching", "pairing", "refusing"),
}


class Row(TypedDict):
    """One comparison; `holds` is null where there is no goal.

    `ratio` is how many times better ours is; with a unit "…, at most", how many times as much it needs.
    """

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    goal: float | None
    holds: bool | None


def main(arguments: list[str]) -> int:
    """Run a suite. The exit code is 1 when a goal is missed."""
    suite = arguments[0] if arguments else ""
    if suite not in SUITES:
        sys.stderr.write(f"no such suite: {suite} (known: {', '.join(filter(None, SUITES))})\n")
        return 2
    console = Console()
    rows: list[Row] = []
    for name in SUITES[suite]:
        console.print(f"Measuring {name} …", style="dim")
        rows += importlib.import_module(f"benchmarks.{name}").run()
    console.print(table(rows))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{suite or 'latest'}.json").write_text(json.dumps(rows, indent=2) + "\n")
    return int(any(row["holds"] is False for row in rows))


def table(rows: list[Row]) -> Table:
    """The rows as people read them."""
    drawn = Table("", "Peerloop", "peer", "unit", "ratio", "goal", "")
    for row in rows:
        drawn.add_row(
            row["name"],
            figure(row["ours"]),
            figure(row["peer"]),
            row["unit"],
            figure(row["ratio"]),
            figure(row["goal"]),
            {True: "holds", False: "MISSED", None: ""}[row["holds"]],
        )
    return drawn


def figure(value: float | None) -> str:
    """Three digits that matter, or a dash."""
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
