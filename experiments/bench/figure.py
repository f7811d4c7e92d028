"""The figure of a measurement: where the time of whole jobs goes, and cost against steps.

Cost has a panel for each size of matrix: a coordinate of a large one costs something else.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drift.experiments.bench import leap, stepping, whole_job
from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import put_caption
from drift.experiments.figures.style import COLOURS
from drift.experiments.figures.ticks.scales import log_axis

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
    sizes = _sizes(results)
    heights = [0.5 + 0.45 * len(jobs)] * bool(jobs) + [3.6] * bool(sizes)
    figure = new_figure(_WIDTHS[min(len(sizes), 2)], sum(heights) or 3.6)
    rows = figure.add_gridspec(len(heights) or 1, 1, height_ratios=heights or [1])
    if jobs:
        _bars(figure.add_subplot(rows[0]), jobs)
    if sizes:
        panels = rows[-1].subgridspec(1, len(sizes))
        first = None
        for place, (size, some) in enumerate(sizes.items()):
            first = axes = figure.add_subplot(panels[place], sharey=first)
            _lines(axes, some)
            axes.set_title(f"{size[0]:,} × {size[1]:,}")
            axes.set_ylabel("" if place else "ns per coordinate, all steps together")
        put_caption(figure, *_said(sizes))
    return figure


_WIDTHS = (5.6, 5.6, 7.6)
"""Width of the figure by the number of panels below, inches."""


def _sizes(results: list[dict[str, Any]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Return the results of each size of matrix, of contenders that are drawn as lines."""
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for result in results:
        if any(_points([result], name) for name in _DRAWN):
            found.setdefault((result["tokens"], result["dims"]), []).append(result)
    return found


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
    axes.margins(0.08)
    for which in "xy":
        log_axis(axes, which)
    axes.set_xlabel("steps")
    axes.legend(loc="best", fontsize="small", frameon=True, framealpha=0.8, edgecolor="none")


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


def _said(sizes: dict[tuple[int, int], list[dict[str, Any]]]) -> list[str]:
    """Return the lines of the caption."""
    groups = {result["group"] for some in sizes.values() for result in some}
    what = {
        "step": "step engine and loops: moved, and the engine's result counted",
        "leap": "leap engine and stepping until nothing moves: drawn, moved, counted",
    }
    return [text for group, text in what.items() if group in groups]
