"""Figure of several lines over one axis, each with its own colour, dashes and marker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.style import COLOURS

_MARKS = "os^Dv<>"
_DECADES = 1000.0
"""Ratio below which a logarithmic axis is labelled at 1, 2 and 5."""
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
    for line in drawn:
        axes.errorbar(
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
    if "x" in logs:
        axes.set_xscale("log")
    if "y" in logs:
        axes.set_yscale("log")
        least, most = axes.get_ylim()
        if most < _DECADES * least:
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.yaxis.set_minor_locator(NullLocator())
    if "0" in logs:
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_ylim(-0.1, 1.5 * axes.dataLim.y1)
    axes.set(xlabel=x, ylabel=y)
    _put_levels(axes, levels)
    made.legend(loc="outside upper center", ncols=columns, fontsize=8)
    made.supxlabel(caption, fontsize=8, color="#444444")
    return made


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
