"""What tells the curves of a sweep apart, and what says so.

colour  the value of the first axis
dashes  the combination of values of the others
bar     names the colours, where they are more than a legend holds
"""

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drift.experiments.figures.axes import Scale, Ticks
from drift.experiments.figures.captions import in_symbols
from drift.experiments.figures.style import COLOURS, short_values, text_width
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice

DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")
NAMED = len(COLOURS)
"""Colours that a legend names."""
_LIGHTEST = 0.88
"""How far up its colours the map is used: beyond, they are too light for lines."""
_HIGH = 310.0
"""Points of the bar."""
_HANDLE = 40.0
"""Points that a label has beside it."""
_COLUMNS = 4


def inks(sweep_slice: SweepSlice) -> list[str]:
    """The colour of each value of the first axis; one where none is shown."""
    if not sweep_slice.shown_axes:
        return [COLOURS[0]]
    axis = sweep_slice.shown_axes[0]
    if axis.named and len(axis.values) <= NAMED:
        return list(COLOURS[: len(axis.values)])
    at = np.linspace(0, _LIGHTEST, len(axis.values))
    return [to_hex(ink) for ink in matplotlib.colormaps["viridis"](at)]


def put_bar(axes: Axes, sweep_slice: SweepSlice) -> None:
    """Draw the bar of the first axis into `axes`, narrow and high."""
    shades, scale = inks(sweep_slice), Scale.of(sweep_slice, 0)
    axes.grid(False)
    mapped = ListedColormap(shades)
    axes.pcolormesh([0, 1], scale.edges, np.arange(len(shades))[:, None], cmap=mapped)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    Ticks(scale, "y", _HIGH).put_on(axes)


def put_legend(
    figure: Figure, sweep_slice: SweepSlice, coloured: bool, more: list[Line2D], wide: float
) -> int:
    """Say what dashes are, where `coloured`, colours, and `more`, in rows of their own.

    They are so many points `wide`, if one column is not wider. Returns how many rows.
    """
    labels = [
        [in_symbols(axis.name, v) for v in short_values(axis.values)]
        for axis in sweep_slice.shown_axes
    ]
    groups = []
    if coloured and labels:
        colours = zip(inks(sweep_slice), labels[0], strict=True)
        groups += [[Line2D([], [], color=c, linewidth=3, label=label) for c, label in colours]]
    if labels[1:]:
        combined = zip(DASHES, map(",  ".join, itertools.product(*labels[1:])), strict=False)
        groups += [[Line2D([], [], color="black", linestyle=d, label=each) for d, each in combined]]
    groups += [more] if more else []
    if not groups:
        return 0
    for columns in range(min(_COLUMNS, max(map(len, groups))), 0, -1):
        rows = [row for group in groups for row in _rows(group, columns)]
        by_column = [row[k] for k in range(columns) for row in rows]
        if _across(by_column, columns) <= wide:
            break
    figure.legend(handles=by_column, loc="outside upper center", ncols=columns, fontsize=8)
    return len(rows)


def fitting(handles: Sequence[Artist], wide: float, most: int) -> int:
    """In how many columns, at `most`, a legend is so many points `wide`, or 1."""
    counts = range(most, 1, -1)
    return next((count for count in counts if _across(handles, count) <= wide), 1)


def _across(handles: Sequence[Artist], columns: int) -> float:
    """The points that a legend in so many columns takes across."""
    widths = [text_width(str(handle.get_label())) + _HANDLE for handle in handles]
    return sum(max(part, default=0) for part in np.array_split(widths, columns))


def _rows(lines: list[Line2D], columns: int) -> list[list[Line2D]]:
    """Lines in rows, the last one filled up."""
    nothing = Line2D([], [], linestyle="none", label=" ")
    filled = [*lines, *[nothing] * (-len(lines) % columns)]
    return [filled[start : start + columns] for start in range(0, len(filled), columns)]
