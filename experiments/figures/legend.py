"""Colours and dashes of the curves of a sweep, and the legend that explains them.

colour  the value of the first axis
dashes  the combination of values of the other axes
bar     a strip that names the colours where they are too many for a legend

Matplotlib lays out a legend and measures it: it gets the most columns with which it is no wider
than the figure. Each group of handles begins a row of its own.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drift.experiments.figures.axes import Scale, Ticks
from drift.experiments.figures.captions import in_symbols
from drift.experiments.figures.style import COLOURS, POINTS
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.figures.ticks.numbers import short_values
from drift.sim.spec.axis import Axis

DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")
NAMED = len(COLOURS)
"""Largest number of colours that a legend names."""
_MAP, _LIGHTEST = "plasma", 0.64
"""The colour map, and the fraction of it that is used: colours beyond are too light for lines."""
_HIGH = 310.0
"""Height of the bar, points."""
_COLUMNS = 4


class HasValues(Protocol):
    """An axis, or what else colours tell apart."""

    @property
    def values(self) -> tuple[Any, ...]:
        """The values."""

    @property
    def named(self) -> bool:
        """True where they are names, not numbers."""


def line_colours(axis: HasValues | None) -> list[str]:
    """Return the colour of each value of an axis; one colour where there is none."""
    if axis is None:
        return [COLOURS[0]]
    if axis.named and len(axis.values) <= NAMED:
        return list(COLOURS[: len(axis.values)])
    at = np.linspace(0, _LIGHTEST, len(axis.values))
    return [to_hex(colour) for colour in matplotlib.colormaps[_MAP](at)]


def add_bar(axes: Axes, axis: Axis) -> None:
    """Draw the bar of an axis into `axes`, narrow and high."""
    colours, scale = line_colours(axis), Scale(axis)
    axes.grid(False)
    strip = np.arange(len(colours))[:, None]
    axes.pcolormesh([0, 1], scale.edges, strip, cmap=ListedColormap(colours))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    Ticks(scale, "y", _HIGH).put_on(axes)


def add_legend(
    figure: Figure, sweep_slice: SweepSlice, coloured: bool, more: list[Line2D], wide: float
) -> int:
    """Explain colours (where `coloured`), dashes and the handles `more`, in rows of their own.

    The legend is at most `wide` points wide, unless a single column is wider. Return the number
    of its rows.
    """
    axes = sweep_slice.shown_axes
    labels = [[in_symbols(axis.name, v) for v in short_values(axis.values)] for axis in axes]
    groups = []
    if coloured and labels:
        colours = zip(line_colours(axes[0]), labels[0], strict=True)
        groups += [[Line2D([], [], color=c, linewidth=3, label=label) for c, label in colours]]
    if labels[1:]:
        combined = zip(DASHES, map(",  ".join, itertools.product(*labels[1:])), strict=False)
        groups += [[Line2D([], [], color="black", linestyle=d, label=each) for d, each in combined]]
    groups += [more] if more else []
    if not groups:
        return 0
    return add_grouped_legend(figure, groups, wide, _COLUMNS)


def add_outer_legend(
    figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int, **style: Any
) -> int:
    """Put a legend above, in as many of `columns` columns as there is room for; return them."""
    wide = figure.bbox.width
    for count in range(min(columns, max(1, len(labels))), 0, -1):
        legend = figure.legend(
            handles=list(handles),
            labels=list(labels),
            loc="outside upper center",
            ncols=count,
            **style,
        )
        if count == 1 or legend.get_window_extent().width <= wide:
            return count
        legend.remove()
    return 1


def add_grouped_legend(
    figure: Figure, groups: Sequence[Sequence[Artist]], wide: float, most: int
) -> int:
    """Put a legend of `groups` of handles above, in up to `most` columns; return its rows.

    It is at most `wide` points wide, unless a single column is wider.
    """
    for columns in range(min(most, max(map(len, groups))), 0, -1):
        rows = [row for group in groups for row in _rows(group, columns)]
        # Matplotlib fills a legend column by column.
        by_column = [row[k] for k in range(columns) for row in rows]
        handles = by_column if len(groups) > 1 else groups[0]
        legend = figure.legend(handles=handles, loc="outside upper center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width * POINTS / figure.dpi <= wide:
            break
        legend.remove()
    return len(rows)


def _rows(handles: Sequence[Artist], columns: int) -> list[list[Artist]]:
    """Return the handles in rows, the last one filled up with empty handles."""
    empty = Line2D([], [], linestyle="none", label=" ")
    filled = [*handles, *[empty] * (-len(handles) % columns)]
    return [filled[start : start + columns] for start in range(0, len(filled), columns)]
