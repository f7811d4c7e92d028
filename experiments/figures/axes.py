"""Axes of a sweep in a figure: the scale of each, its ticks, and contours over two of them.

kind       linear, log, symlog (zero, then log-spaced values), or names, one beside another
position   where a value stands on its axis, in data units; names stand at 0, 1, 2, …
edge       the border between two values, midway as the axis is drawn, and the two outer ends
straight   in units in which the drawn axis is linear: logarithms where it is logarithmic
contour    a line along which a quantity passes a level. Between grid points the quantity is
           interpolated along the axes as they are drawn; from the outermost grid points to the
           edge of the picture it is constant. Each name has a contour of its own

Ticks stand at the values. Where not all labels fit, powers of ten among the values are labelled, or
every second or third. Only where the values are too many for ticks does matplotlib choose round
numbers in their place: both beside each other would look like twice the same tick. Names that do
not fit side by side are turned.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.scale import LogTransform, SymmetricalLogTransform
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import IdentityTransform, Transform

from drift.experiments.figures.captions import axis_label
from drift.experiments.figures.look import current_look, in_font
from drift.experiments.figures.style import figure_text, text_width
from drift.experiments.figures.sweeps.sweep_slice import SEEDS, SweepSlice
from drift.experiments.figures.ticks.numbers import NumberFormatter, format_value, short_values
from drift.sim.errors import BadInput
from drift.sim.spec.axis import AXES, Axis


@dataclass(frozen=True)
class Scale:
    """The scale of an axis whose values rise, or are names."""

    axis: Axis
    """the axis of the sweep"""
    asked: str | None = None
    """linear or log, where that is asked for"""

    @classmethod
    def of(cls, sweep_slice: SweepSlice, number: int) -> "Scale":
        """Return the scale of the shown axis `number` of a slice."""
        return cls(sweep_slice.shown_axes[number])

    @cached_property
    def kind(self) -> str:
        """The kind that is asked for, or on which the values are spaced most evenly.

        Raises BadInput for a scale that cannot show the values.
        """
        if self.axis.named or self.axis.name in SEEDS:
            return "names"
        values = self.axis.coordinates.astype(np.float64)
        if self.asked == "log" and values.min() <= 0:
            raise BadInput(
                f"xscale is log, but {self.axis.name} has the value {values.min():g}; linear is"
                " accepted"
            )
        if self.asked is not None and np.diff(values).min() > 0:
            return self.asked
        gaps = np.diff(values)
        if gaps.min() <= 0:  # integers that are equal in float64
            return "names"
        zero, above = values[0] == 0, values[values > 0]
        if values[0] < 0 or len(above) < 2:
            return "linear"
        ratios = np.diff(np.log(above))
        if ratios.min() <= 0:  # neighbours whose logarithms are equal in float64
            return "linear"
        uneven = gaps.max() / gaps.min(), ratios.max() / ratios.min()
        if zero:
            return "symlog" if above[-1] >= 10 * above[0] and uneven[1] < uneven[0] else "linear"
        if len(values) == 2:
            return "log" if values[1] >= 10 * values[0] else "linear"
        return "log" if uneven[1] < uneven[0] else "linear"

    @cached_property
    def positions(self) -> np.ndarray:
        """Positions of the values, float64 (values,)."""
        if self.kind == "names":
            return np.arange(len(self.axis.values), dtype=np.float64)
        return self.axis.coordinates.astype(np.float64)

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges between the values and at both ends, float64 (values + 1,)."""
        at = self.straightened(self.positions)
        middle = (at[1:] + at[:-1]) / 2
        first, last = 2 * at[0] - middle[0], 2 * at[-1] - middle[-1]
        return self.curved(np.array([first, *middle, last]))

    def straightened(self, positions: np.ndarray) -> np.ndarray:
        """Return positions in units in which the drawn axis is linear."""
        return self._transform.transform(positions)

    def curved(self, straight: np.ndarray) -> np.ndarray:
        """Return the positions of which `straightened` gives `straight`."""
        return self._transform.inverted().transform(straight)

    @property
    def _transform(self) -> Transform:
        if self.kind == "symlog":
            return SymmetricalLogTransform(10, self.positions[1], 1)
        return LogTransform(10) if self.kind == "log" else IdentityTransform()


_LETTERS = 28
"""Characters of a name at a tick."""
_SIZE, _HEIGHT = 9.0, 11.0
"""Font size of labels and distance between lines of text, points, in usual letters."""
_GAP = 8.0
"""Points between labels that stand side by side, and between minor ticks."""
_NAME, _LONGEST = 14.0, 700.0
"""Points along an axis for each name, up to a longest axis."""
_FEWEST, _EXACT = 2, 1e-9
"""Fewest powers of ten that label an axis, and the error of their logarithms."""
_FEW_DECADES = 20.0
"""Largest over smallest edge up to which a logarithmic axis is labelled at 1, 2 and 5."""


@dataclass(frozen=True)
class Ticks:
    """The ticks of a scale that lies along x or y."""

    scale: Scale
    """scale of the axis"""
    which: Literal["x", "y"]
    """direction of the axis"""
    least: float
    """length of the axis at least, points"""

    @cached_property
    def points(self) -> float:
        """The length of the axis, points."""
        if self.scale.kind != "names":
            return self.least
        if current_look().width is not None:
            return self.least
        return min(max(self.least, in_font(_NAME) * len(self.labels)), _LONGEST)

    @cached_property
    def depth(self) -> float:
        """Points that the tick labels take beside the axis."""
        in_a_row = self.which == "x" and not self._turned
        return in_font(_HEIGHT) if in_a_row else float(self._widths.max())

    @cached_property
    def labels(self) -> list[str]:
        """The label of each value."""
        axis = self.scale.axis
        if axis.named:
            return [figure_text(name, _LETTERS) for name in short_values(tuple(axis.meanings))]
        short = short_values(axis.values)
        text = NumberFormatter(aligned=False)
        text.set_locs([float(value) for value in short])
        return [format_value(v) if isinstance(v, int) else text(v) for v in short]

    def put_on(self, axes: Axes) -> None:
        """Give `axes` the scale, its ticks and its label."""
        scale, which, step = self.scale, self.which, self._step
        if scale.kind != "names":
            more = {"linthresh": scale.positions[1]} if scale.kind == "symlog" else {}
            getattr(axes, f"set_{which}scale")(scale.kind, **more)
        axes.set(**{f"{which}lim": (scale.edges[0], scale.edges[-1])})
        axes.set(**{f"{which}label": axis_label(scale.axis.name)})
        axis = getattr(axes, f"{which}axis")
        few = len(self.labels) <= self.points / _GAP
        minor = few and scale.kind != "names"
        axis.set_minor_locator(FixedLocator(scale.positions.tolist() if minor else []))
        axis.set_minor_formatter(NullFormatter())
        if few or step == 1 or scale.kind in ("names", "symlog"):
            # Matplotlib labels powers of ten alone, or, within a decade, so many multiples that
            # they touch; the swept values themselves say more where there is room for them.
            shown = self._shown(step)
            axis.set_ticks(scale.positions[shown], [self.labels[k] for k in shown])
            axis.set_tick_params(rotation=90 if self._turned else 0)
        else:
            axis.set_major_locator(self._round_numbers())
            axis.set_major_formatter(NumberFormatter())

    def _shown(self, step: int) -> list[int]:
        """Return which values are labelled: all, or powers of ten among them, or every k-th."""
        positions = self.scale.positions
        if step > 1 and self.scale.kind == "log":
            logs = np.log10(positions)
            tens = np.flatnonzero(np.abs(logs - np.round(logs)) < _EXACT).tolist()
            if len(tens) >= _FEWEST and self._fit(tens):
                return tens
        return list(range(0, len(positions), step))

    @cached_property
    def _turned(self) -> bool:
        """True where names along x do not fit side by side."""
        names = self.which == "x" and self.scale.kind == "names"
        return names and self._step_of(self._widths) > 1

    @cached_property
    def _step(self) -> int:
        """The smallest k such that the labels of every k-th value fit."""
        if self.which == "x" and not self._turned:
            return self._step_of(self._widths)
        return self._step_of(np.full(len(self.labels), in_font(_HEIGHT)))

    @cached_property
    def _widths(self) -> np.ndarray:
        """Points that each label takes side by side with others, float64 (values,)."""
        return np.array([text_width(label, _SIZE) for label in self.labels]) + _GAP

    def _step_of(self, sizes: np.ndarray) -> int:
        """Return the smallest k such that every k-th label fits; `sizes` are in points."""
        at = self._places
        for step in range(1, len(at)):
            if _room(at[::step], sizes[::step]):
                return step
        return len(at)

    def _fit(self, shown: list[int]) -> bool:
        """Return whether the labels of some values fit."""
        in_a_row = self.which == "x" and not self._turned
        sizes = self._widths if in_a_row else np.full(len(self.labels), in_font(_HEIGHT))
        return _room(self._places[shown], sizes[shown])

    @property
    def _places(self) -> np.ndarray:
        """Places of the values on the axis, points, float64 (values,)."""
        scale = self.scale
        at, ends = scale.straightened(scale.positions), scale.straightened(scale.edges)
        found: np.ndarray = (at - ends[0]) / (ends[-1] - ends[0]) * self.points
        return found

    def _round_numbers(self) -> MaxNLocator | LogLocator:
        """Return matplotlib's locator for an axis whose values are too many to be labelled."""
        if self.scale.kind == "linear":
            return MaxNLocator(4, integer=self._of_integers)
        few = self.scale.edges[-1] <= _FEW_DECADES * self.scale.edges[0]
        return LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,))

    @property
    def _of_integers(self) -> bool:
        return AXES[self.scale.axis.name].kind == "whole"


def _room(at: np.ndarray, sizes: np.ndarray) -> bool:
    """Return whether labels of these sizes have room at these places, points."""
    return bool(np.all(np.diff(at) >= (sizes[1:] + sizes[:-1]) / 2))


def contour(x: Scale, y: Scale, values: np.ma.MaskedArray, level: float) -> list[np.ndarray]:
    """Return the lines, (points, 2) in positions of x and y, along which `values` pass a level.

    `values` is float64 (values of y, values of x). Where it is masked there are no lines.
    """
    if x.kind == y.kind == "names":
        return []
    if x.kind == "names":
        return [line[:, ::-1] for line in contour(y, x, values.T, level)]
    strips = [_to_the_ends(y)]
    if y.kind == "names":
        strips = [(y.edges[row : row + 2], np.array([row, row])) for row in range(len(y.positions))]
    across, columns = _to_the_ends(x)
    lines: list[np.ndarray] = []
    for up, rows in strips:
        # Axes.contour would interpolate in data units, which bends lines on logarithmic axes.
        found = contour_generator(across, up, values[rows][:, columns]).lines(level)
        lines += map(np.asarray, found)
    return [np.stack([x.curved(line[:, 0]), y.curved(line[:, 1])], axis=1) for line in lines]


def _to_the_ends(scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return the first edge, all positions and the last edge, straightened, and their values.

    float64 (values + 2,), and int64 (values + 2,), the index of the value at each.
    """
    ends = scale.edges[0], *scale.positions, scale.edges[-1]
    last = len(scale.positions) - 1
    return scale.straightened(np.array(ends)), np.array([0, *range(last + 1), last])
