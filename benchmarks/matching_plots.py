"""Draw the gap over time of each way to form cohorts, from the last run of the benchmark.

python -m benchmarks.matching_plots
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "peerloop"
mpl.rcParams["font.size"] = 9

from matplotlib import pyplot as plt  # noqa: E402 - the backend is chosen first

SHOWN = ("mixed, 120 people", "mixed, 1000 people")
LEAST_GAP, SHORTEST = 0.01, 0.02
PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "matching-gap.svg"


def draw(measured: Path, seconds: float) -> None:
    """Draw a run of so many seconds, on logarithmic axes: how many times better, after how many times longer."""
    curves = json.loads(measured.read_text())
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(9, 3.4), sharey=True, layout="constrained")
    for ax, name in zip(axes, SHOWN, strict=True):
        bound = curves[name]["bound"]
        for who, points in curves[name]["found"].items():
            if points:
                times = [max(t, SHORTEST) for t, _ in points] + [seconds]
                gaps = [max(100 * (j - bound) / bound, LEAST_GAP) for _, j in points]
                ax.step(times, [*gaps, gaps[-1]], where="post", label=who, linewidth=2 if who == "Peerloop" else 1)
            else:
                ax.plot([], [], label=f"{who}: nothing found")
        ax.set(xscale="log", yscale="log", title=name, xlabel="seconds")
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    axes[0].set_ylabel("above the proved bound, %")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})
