"""Cost against steps for each engine and its rivals, log-log."""

from typing import Any

from matplotlib.figure import Figure

from drift.experiments.bench import leap, step
from drift.experiments.figures import COLOURS, figure

_DRAWN = {
    step.OURS: "-",
    step.C: "-",
    leap.OURS: "-",
    step.EAGER: "--",
    step.NUMPY: "--",
    leap.STEPPING: ":",
}
"""Whose lines are drawn, in this order; colours go along."""


def draw(results: list[dict[str, Any]]) -> Figure:
    """One line a contender through its medians, with bars from fastest to slowest."""
    drawn = figure()
    axes = drawn.add_subplot()
    for (name, style), colour in zip(_DRAWN.items(), COLOURS, strict=False):
        points = sorted(_points(results, name))
        if not points:
            continue
        steps, middle, low, high = zip(*points, strict=True)
        axes.plot(steps, middle, style, color=colour, marker="o", markersize=3, label=name)
        axes.vlines(steps, low, high, color=colour, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("steps")
    axes.set_ylabel("ns per coordinate, all steps together")
    if axes.lines:
        drawn.legend(loc="outside upper center", ncols=3, fontsize=8)
    drawn.supxlabel(_caption(results), fontsize=8, color="#444444")
    return drawn


def _points(results: list[dict[str, Any]], name: str) -> set[tuple[float, float, float, float]]:
    """(steps, median, least, most) for each case in which `name` took all the steps."""
    found = set()
    for result in results:
        for row in result["contenders"]:
            if row["name"] == name and row["steps"] == result["steps"]:
                each = 1e9 / (result["tokens"] * result["dims"])
                times = (row[key] * each for key in ("median", "min", "max"))
                found.add((row["steps"], *times))
    return found


def _caption(results: list[dict[str, Any]]) -> str:
    sizes = {result["group"]: (result["tokens"], result["dims"]) for result in results}
    what = {
        "step": "step engine and loops: moved, and the engine's result counted",
        "leap": "leap engine and stepping until nothing moves: drawn, moved, counted",
    }
    lines = [
        f"{text}, {sizes[group][0]:,} × {sizes[group][1]:,}"
        for group, text in what.items()
        if group in sizes
    ]
    return "\n".join(lines)
