"""How an axis of a sweep lies in a figure.

kind      linear, log, symlog (zero, then log-spaced values), or names, one beside the other
even      how the values lie at their most even, so that the picture's cells are alike
place     where a value lies, in units of the axis: of names their numbers
edge      where a value's cell ends: midway to the next one, as the axis is drawn
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.scale import SymmetricalLogTransform

from drift.experiments.section import SEEDS, Section
from drift.sim.sweeps.grid import Axis


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
