"""The ticks of an axis of a sweep: at its values, where their labels have room.

Otherwise numbers get round ones, names every second or third. Names that have no room
in a row stand upright.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    AutoLocator,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
)

from drift.experiments.captions import axis_label
from drift.experiments.figures import plain, text_width
from drift.experiments.labels import brief, shown
from drift.experiments.scales import Scale
from drift.sim.sweeps.grid import WHOLE

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
            return [plain(name, _LETTERS) for name in brief(tuple(axis.meanings))]
        return [shown(value) for value in brief(axis.values)]

    def put_on(self, axes: Axes) -> None:
        """Give `axes` the scale, its ticks and its label."""
        scale, which = self.scale, self.which
        if scale.kind != "names":
            more = {"linthresh": scale.places[1]} if scale.kind == "symlog" else {}
            getattr(axes, f"set_{which}scale")(scale.kind, **more)
        axes.set(**{f"{which}lim": (scale.edges[0], scale.edges[-1])})
        axes.set(**{f"{which}label": axis_label(scale.axis.name, scale.meaning)})
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
            whole = self.scale.axis.name in WHOLE
            return MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=whole)
        factor = self.scale.edges[-1] / self.scale.edges[0]
        if factor < 10:
            return AutoLocator()
        size = float(self._widths.max()) if self.which == "x" else _HEIGHT
        room = self.points / size / math.log10(factor)  # labels of a decade
        subs = [each for each in _SUBS if factor < 1000 and len(each) <= room]
        return LogLocator(subs=subs[0] if subs else (1.0,))

    def _written(self, value: float, _: int | None) -> str:
        whole = self.scale.axis.name in WHOLE and value == round(value)
        return shown(round(value) if whole else float(value))
