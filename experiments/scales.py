"""How an axis of a sweep lies in a figure.

kind      linear, log, symlog (zero, then log-spaced values), or names, one beside the other
even      how the values lie at their most even, so that the picture's cells are alike
place     where a value lies, in units of the axis: of names their numbers
edge      where a value's cell ends: midway to the next one, as the axis is drawn
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.scale import SymmetricalLogTransform
from matplotlib.ticker import AutoLocator, FixedLocator, FuncFormatter, LogLocator, MaxNLocator

from experiments.captions import axis_label, brief, shown
from experiments.figures import plain
from experiments.page import text_width
from experiments.section import SEEDS, Section
from sim.grid import WHOLE, Axis

_LETTERS = 28
"""Of a name at a tick."""
_HEIGHT = 11.0
"""Points from one line of text to the next."""
_GAP = 8.0
"""Points between labels that stand in a row."""


@dataclass(frozen=True)
class Scale:
    """The scale of an axis whose values rise, or are names."""

    axis: Axis
    meaning: str

    @classmethod
    def of(cls, section: Section, number: int) -> "Scale":
        """That of one of the shown axes."""
        return cls(section.shown[number], section.meaning(section.names[number]))

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

    @cached_property
    def labels(self) -> list[str]:
        """The values as they are written at ticks."""
        if self.axis.named:
            return [plain(meaning, _LETTERS) for meaning in self.axis.meanings]
        return [shown(value) for value in brief(self.axis.values)]

    def put_on(self, axes: Axes, which: str, points: float) -> None:
        """Make it the axis `which` (x or y), which is so many points long."""
        if self.kind != "names":
            more = {"linthresh": self.places[1]} if self.kind == "symlog" else {}
            getattr(axes, f"set_{which}scale")(self.kind, **more)
        axes.set(**{f"{which}lim": (self.edges[0], self.edges[-1])})
        axes.set(**{f"{which}label": axis_label(self.axis.name, self.meaning)})
        axis = getattr(axes, f"{which}axis")
        axis.set_minor_locator(FixedLocator(self._small_ticks(points)))
        every = self._every(which == "x", points)
        if every == 1 or self.kind in ("names", "symlog"):
            axis.set_ticks(self.places[::every], self.labels[::every])
            upright = self.kind == "names" and which == "x" and self._step(self._widths, points) > 1
            axis.set_tick_params(rotation=90 if upright else 0)
        else:
            axis.set_major_locator(self._locator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: shown(self._number(value))))

    def _small_ticks(self, points: float) -> list[float]:
        """The places of numbers, where they do not crowd."""
        few = self.kind != "names" and len(self.places) <= points / _GAP
        return self.places.tolist() if few else []

    @property
    def _symlog(self) -> SymmetricalLogTransform:
        return SymmetricalLogTransform(10, self.places[1], 1)

    @cached_property
    def _widths(self) -> np.ndarray:
        """Points that each label needs in a row."""
        return np.array([text_width(label, 9) for label in self.labels]) + _GAP

    def _every(self, in_a_row: bool, points: float) -> int:
        """Every which value can have its label."""
        heights = np.full(len(self.labels), _HEIGHT)
        if in_a_row and self.kind != "names":
            return self._step(self._widths, points)
        if in_a_row:
            across = self._step(self._widths, points)
            return 1 if across == 1 else self._step(heights, points)
        return self._step(heights, points)

    def _step(self, sizes: np.ndarray, points: float) -> int:
        """Every which label of these sizes fits in so many points."""
        even, ends = self.evened(self.places), self.evened(self.edges)
        at = (even - ends[0]) / (ends[-1] - ends[0]) * points
        for every in range(1, len(at)):
            room, needed = np.diff(at[::every]), sizes[::every]
            if np.all(room >= (needed[1:] + needed[:-1]) / 2):
                return every
        return len(at)

    def _locator(self) -> Any:
        if self.kind == "log":
            decades = self.edges[-1] / self.edges[0]
            if decades < 10:
                return AutoLocator()
            return LogLocator(subs=(1.0,) if decades >= 1000 else (1.0, 2.0, 5.0))
        return MaxNLocator(6, integer=self.axis.name in WHOLE)

    def _number(self, value: float) -> float | int:
        return round(value) if self.axis.name in WHOLE and value == round(value) else float(value)
