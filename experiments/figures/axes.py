"""An axis of a sweep in a figure: how its values lie, its ticks, and contours over two of them.

kind      linear, log, symlog (zero, then log-spaced values), or names, one beside the other
even      how the values lie at their most even, so that the picture's cells are alike
place     where a value lies, in units of the axis: of names their numbers
edge      where a value's cell ends: midway to the next one, as the axis is drawn
contour   where a quantity passes a level. Between the middles of cells it is taken to change
          evenly, as the axes are drawn; from the outermost middles to the edge of the picture
          not at all. Between names there is nothing: each has a contour of its own

Ticks are at the values where their labels have room. Otherwise numbers get round ones, names
every second or third. Names that have no room in a row stand upright.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.scale import SymmetricalLogTransform
from matplotlib.ticker import (
    AutoLocator,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
)

from drift.experiments.figures.captions import axis_label
from drift.experiments.figures.style import figure_text, format_value, short_values, text_width
from drift.experiments.figures.sweeps.sweep_slice import SEEDS, SweepSlice
from drift.sim.sweeps.grid import AXES, Axis


@dataclass(frozen=True)
class Scale:
    """The scale of an axis whose values rise, or are names."""

    axis: Axis
    long_name: str

    @classmethod
    def of(cls, sweep_slice: SweepSlice, number: int) -> "Scale":
        """That of one of the shown axes."""
        return cls(sweep_slice.shown_axes[number], sweep_slice.long_name(sweep_slice.names[number]))

    @cached_property
    def kind(self) -> str:
        """The kind in which the values lie most evenly."""
        if self.axis.named or self.axis.name in SEEDS:
            return "names"
        values = self.axis.coordinates.astype(np.float64)
        gaps = np.diff(values)
        if gaps.min() <= 0:  # whole numbers that float64 does not tell apart
            return "names"
        zero, above = values[0] == 0, values[values > 0]
        if values[0] < 0 or len(above) < 2:
            return "linear"
        ratios = np.diff(np.log(above))
        if ratios.min() <= 0:  # neighbours, of one logarithm
            return "linear"
        uneven = gaps.max() / gaps.min(), ratios.max() / ratios.min()
        if zero:
            return "symlog" if above[-1] >= 10 * above[0] and uneven[1] < uneven[0] else "linear"
        if len(values) == 2:
            return "log" if values[1] >= 10 * values[0] else "linear"
        return "log" if uneven[1] < uneven[0] else "linear"

    @cached_property
    def places(self) -> np.ndarray:
        """Where the values lie, float64 (values,)."""
        if self.kind == "names":
            return np.arange(len(self.axis.values), dtype=np.float64)
        return self.axis.coordinates.astype(np.float64)

    @cached_property
    def edges(self) -> np.ndarray:
        """Where cells begin and end, float64 (values + 1,)."""
        even = self.evened(self.places)
        middle = (even[1:] + even[:-1]) / 2
        first, last = even[0] - (middle[0] - even[0]), even[-1] + (even[-1] - middle[-1])
        return self.placed(np.array([first, *middle, last]))

    def evened(self, places: np.ndarray) -> np.ndarray:
        """Places as they are drawn, evenly spaced."""
        if self.kind == "log":
            return np.log10(places)
        return self._symlog.transform(places) if self.kind == "symlog" else places

    def placed(self, even: np.ndarray) -> np.ndarray:
        """What `evened` made of places, as places again."""
        if self.kind == "log":
            return 10.0**even
        return self._symlog.inverted().transform(even) if self.kind == "symlog" else even

    @property
    def _symlog(self) -> SymmetricalLogTransform:
        return SymmetricalLogTransform(10, self.places[1], 1)


_LETTERS = 28
"""Of a name at a tick."""
_SIZE, _HEIGHT = 9.0, 11.0
"""Points of the letters, and from one line of text to the next."""
_GAP = 8.0
"""Points between labels that stand in a row, and between small ticks."""
_NAME, _LONGEST = 14.0, 700.0
"""Points that a name gets along an axis, while that is no longer than the second."""
_SUBS = (1.0, 2.0, 5.0), (1.0, 3.0)
"""Round numbers of a decade that get a label, where there is room."""


@dataclass(frozen=True)
class Ticks:
    """Those of a scale that lies along x, or y, and is so many points long at least."""

    scale: Scale
    which: Literal["x", "y"]
    least: float

    @cached_property
    def points(self) -> float:
        """How long the axis is."""
        if self.scale.kind != "names":
            return self.least
        return min(max(self.least, _NAME * len(self.labels)), _LONGEST)

    @cached_property
    def depth(self) -> float:
        """Points that the labels of values take beside the axis."""
        in_a_row = self.which == "x" and not self._upright
        return _HEIGHT if in_a_row else float(self._widths.max())

    @cached_property
    def labels(self) -> list[str]:
        """The values as they are written."""
        axis = self.scale.axis
        if axis.named:
            return [figure_text(name, _LETTERS) for name in short_values(tuple(axis.meanings))]
        return [format_value(value) for value in short_values(axis.values)]

    def put_on(self, axes: Axes) -> None:
        """Give `axes` the scale, its ticks and its label."""
        scale, which = self.scale, self.which
        if scale.kind != "names":
            more = {"linthresh": scale.places[1]} if scale.kind == "symlog" else {}
            getattr(axes, f"set_{which}scale")(scale.kind, **more)
        axes.set(**{f"{which}lim": (scale.edges[0], scale.edges[-1])})
        axes.set(**{f"{which}label": axis_label(scale.axis.name, scale.long_name)})
        axis = getattr(axes, f"{which}axis")
        axis.set_minor_locator(FixedLocator(self._small()))
        axis.set_minor_formatter(NullFormatter())
        if self._every == 1 or scale.kind in ("names", "symlog"):
            axis.set_ticks(scale.places[:: self._every], self.labels[:: self._every])
            axis.set_tick_params(rotation=90 if self._upright else 0)
        else:
            axis.set_major_locator(self._round())
            axis.set_major_formatter(FuncFormatter(self._written))

    @cached_property
    def _upright(self) -> bool:
        names = self.which == "x" and self.scale.kind == "names"
        return names and self._step(self._widths) > 1

    @cached_property
    def _every(self) -> int:
        """Every which value has its label."""
        if self.which == "x" and not self._upright:
            return self._step(self._widths)
        return self._step(np.full(len(self.labels), _HEIGHT))

    @cached_property
    def _widths(self) -> np.ndarray:
        """Points that each label needs in a row."""
        return np.array([text_width(label, _SIZE) for label in self.labels]) + _GAP

    def _step(self, sizes: np.ndarray) -> int:
        """Every which label of these sizes has room."""
        even, ends = (self.scale.evened(each) for each in (self.scale.places, self.scale.edges))
        at = (even - ends[0]) / (ends[-1] - ends[0]) * self.points
        for every in range(1, len(at)):
            room, needed = np.diff(at[::every]), sizes[::every]
            if np.all(room >= (needed[1:] + needed[:-1]) / 2):
                return every
        return len(at)

    def _small(self) -> list[float]:
        """Where values without a label are: numbers, unless they crowd."""
        few = self.scale.kind != "names" and len(self.labels) <= self.points / _GAP
        return self.scale.places.tolist() if few else []

    def _round(self) -> Any:
        """A locator of round numbers."""
        if self.scale.kind == "linear":
            whole = AXES[self.scale.axis.name].kind == "whole"
            return MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=whole)
        factor = self.scale.edges[-1] / self.scale.edges[0]
        if factor < 10:
            return AutoLocator()
        size = float(self._widths.max()) if self.which == "x" else _HEIGHT
        room = self.points / size / math.log10(factor)  # labels of a decade
        subs = [each for each in _SUBS if factor < 1000 and len(each) <= room]
        return LogLocator(subs=subs[0] if subs else (1.0,))

    def _written(self, value: float, _: int | None) -> str:
        whole = AXES[self.scale.axis.name].kind == "whole" and value == round(value)
        return format_value(round(value) if whole else float(value))


def contour(x: Scale, y: Scale, values: np.ma.MaskedArray, level: float) -> list[np.ndarray]:
    """Lines (points, 2) in places of x and y, of `values` (y, x); none where they are masked."""
    if x.kind == y.kind == "names":
        return []
    if x.kind == "names":
        return [line[:, ::-1] for line in contour(y, x, values.T, level)]
    strips = [_to_its_ends(y)]
    if y.kind == "names":
        strips = [(y.edges[row : row + 2], np.array([row, row])) for row in range(len(y.places))]
    across, columns = _to_its_ends(x)
    lines: list[np.ndarray] = []
    for up, rows in strips:
        found = contour_generator(across, up, values[rows][:, columns]).lines(level)
        lines += map(np.asarray, found)
    return [np.stack([x.placed(line[:, 0]), y.placed(line[:, 1])], axis=1) for line in lines]


def _to_its_ends(scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """The first edge, the places and the last edge, evened, and whose value each has."""
    ends = scale.edges[0], *scale.places, scale.edges[-1]
    last = len(scale.places) - 1
    return scale.evened(np.array(ends)), np.array([0, *range(last + 1), last])
