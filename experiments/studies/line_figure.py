"""Figure of several lines over one axis, each with its own colour, dashes and marker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import JOINT, put_caption
from drift.experiments.figures.legend import add_outer_legend
from drift.experiments.figures.lines.coincide import NOTE, take_turns
from drift.experiments.figures.style import COLOURS
from drift.experiments.figures.ticks.scales import linear_axis, log_axis, symmetric_axis

_MARKS = "os^Dv<>"
_APART = 0.045
"""Least distance between labels beside the axes, as a share of their height."""
_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Line:
    """Line with markers, or markers alone where `joined` is false."""

    label: str
    """text in the legend"""
    x: Sequence[float]
    """positions of the points, (points,)"""
    y: Sequence[float]
    """heights of the points, (points,)"""
    ink: int = 0
    """index of the colour and the marker"""
    dash: int = 0
    """index of the dashes"""
    error: Sequence[float] | None = None
    """half the length of the error bar at each point"""
    joined: bool = True
    """True draws the line between the points"""
    marked: bool = True
    """True draws the markers"""


@in_own_settings
def lines(
    drawn: Sequence[Line],
    x: str,
    y: str,
    caption: str,
    logs: str = "x",
    levels: Sequence[tuple[str, float, int]] = (),
    columns: int = 2,
) -> Figure:
    """Return the figure; `levels` are (label, height, ink) of dotted horizontal lines.

    `logs` names the logarithmic axes: "x", "y", or "0" for a y axis that shows 0 as well. On a
    logarithmic y axis, values that are not positive are left out.
    """
    made = new_figure(5.8, 4.0)
    axes = made.add_subplot()
    put = []
    for line in drawn:
        bars = axes.errorbar(
            line.x,
            [np.nan if "y" in logs and not value > 0 else value for value in line.y],
            yerr=line.error,
            color=COLOURS[line.ink % len(COLOURS)],
            linestyle=_DASHES[line.dash % len(_DASHES)] if line.joined else "none",
            marker=_MARKS[line.ink % len(_MARKS)] if line.marked else "",
            markersize=4 if line.joined else 6,
            markerfacecolor=None if line.joined else "none",  # one on another, both are seen
            capsize=2,
            elinewidth=1,
            label=line.label,
        )
        put.append(bars.lines[0])
    _put_scale(axes, "x", "x" in logs)
    if "0" in logs:
        symmetric_axis(axes, "y")
    else:
        _put_scale(axes, "y", "y" in logs)
    axes.set(xlabel=x, ylabel=y)
    _put_levels(axes, levels)
    together = take_turns(axes, put)
    add_outer_legend(made, *axes.get_legend_handles_labels(), columns)
    said = [line.split(JOINT) for line in caption.splitlines()]
    put_caption(made, *said, *([NOTE] if together else []))
    return made


def _put_scale(axes: Axes, which: str, logarithmic: bool) -> None:
    if logarithmic:
        log_axis(axes, which)
    else:
        linear_axis(axes, which)


def _put_levels(axes: Axes, levels: Sequence[tuple[str, float, int]]) -> None:
    """Draw dotted horizontal lines, with labels beside the axes that do not overlap."""
    for _, height, ink in levels:
        axes.axhline(height, color=COLOURS[ink % len(COLOURS)], linestyle=":", linewidth=1.1)
    to_axes = axes.transData + axes.transAxes.inverted()
    lowest = -1.0
    for label, height, ink in sorted(levels, key=lambda level: level[1]):
        at = float(to_axes.transform((1.0, height))[1])
        lowest = max(at, lowest + _APART)
        colour = COLOURS[ink % len(COLOURS)]
        axes.text(
            1.01, lowest, label, transform=axes.transAxes, va="center", fontsize=8, color=colour
        )
