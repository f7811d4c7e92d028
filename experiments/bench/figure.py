"""The figure of a measurement: where the time of whole jobs goes, and cost against steps."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drift.experiments.bench import leap, stepping, whole_job
from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.style import COLOURS, GREY

_DRAWN = {
    stepping.OURS: "-",
    stepping.C: "-",
    leap.OURS: "-",
    stepping.EAGER: "--",
    stepping.NUMPY: "--",
    leap.STEPPING: ":",
}
"""Contenders whose lines are drawn, and their dashes; colours follow this order."""
_PART_COLOURS = {
    "start": "#BBBBBB",
    "import": "#BBBBBB",
    "script": "#777777",
    "draw": COLOURS[5],
    "move": COLOURS[0],
    "count": COLOURS[4],
    "write": COLOURS[1],
}


@in_own_settings
def draw(results: list[dict[str, Any]]) -> Figure:
    """Return bars of whole jobs above lines of engines, as far as these were measured."""
    jobs = [result for result in results if result["group"] == "whole-job"]
    others = len(jobs) < len(results)
    heights = [0.5 + 0.45 * len(jobs)] * bool(jobs) + [3.6] * others
    figure = new_figure(height=sum(heights))
    panels = figure.subplots(len(heights), height_ratios=heights, squeeze=False)[:, 0]
    if jobs:
        _bars(panels[0], jobs)
    if others:
        _lines(panels[-1], results)
        figure.supxlabel(_caption(results), color=GREY)
    return figure


def _bars(axes: Axes, jobs: list[dict[str, Any]]) -> None:
    """Draw a bar for each process: the command's has its parts, the script's its import."""
    names = {}
    for number, job in enumerate(jobs):
        rows = {row["name"]: row for row in job["contenders"]}
        rivals = [rows[name] for name in (whole_job.TORCH, whole_job.NUMPY) if name in rows]
        for place, row in enumerate([rows[whole_job.OURS], *rivals]):
            at, left = number + 0.36 * place - 0.18, 0.0
            names[at] = f"{job['case']}: {row['name']}"
            parts = dict(row["parts"])
            parts |= {"script": row["median"] - parts["import"]} if "import" in parts else {}
            for name, seconds in parts.items():
                told = "start or import" if name in ("start", "import") else name
                axes.barh(at, seconds, 0.32, left, color=_PART_COLOURS[name], label=told)
                left += seconds
    axes.set_yticks(list(names), list(names.values()), fontsize=7)
    axes.invert_yaxis()
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds from prompt to prompt")
    axes.grid(visible=False, axis="y")
    shown = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(shown.values(), shown, loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=4)


def _lines(axes: Axes, results: list[dict[str, Any]]) -> None:
    """Draw one line a contender through its medians, with bars from fastest to slowest."""
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
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)


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
