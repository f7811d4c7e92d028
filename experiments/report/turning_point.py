"""The grid point at which a sweep turns from distinct to coalesced, and the slices around it.

turning point  of the grid points that are done, the one that ends nearest to one half distinct;
               axes for which a figure has no room are fixed at its values
plane          the slice over the two axes that a figure shows by default, or the only one, as drift
               plot phase draws it: other axes at their first values
family         the slice over the first of these axes
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drift.experiments.figures.sweeps.sweep_slice import SEEDS, SweepSlice, plane_slice
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.spec.rules import recorded
from drift.sim.stores.run_layout import COUNTS
from drift.sim.sweeps.store import SweepStore

_HALF = 0.5


@dataclass(frozen=True)
class TurningPoint:
    """The turning point of a sweep."""

    store: SweepStore
    """store of the sweep"""
    index: dict[str, int]
    """for each axis, the index of the point's value"""

    @classmethod
    def of(cls, store: SweepStore) -> "TurningPoint":
        """Return the turning point of a sweep. Raises BadInput where no grid point is done yet."""
        done = store.done
        if not done.any():
            raise BadInput(f"{store.address}: none of its grid points is done yet")
        with np.errstate(invalid="ignore"):
            ends = [store.read(name, record=-1) for name in ("distinct", "alive")]
            apart = np.abs(ends[0] / ends[1] - _HALF)
        number = int(np.where(done, apart, np.inf).argmin())
        at = np.unravel_index(number, done.shape) if done.shape else ()
        names = (axis.name for axis in store.grid.axes)
        return cls(store, dict(zip(names, map(int, at), strict=True)))

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self.store.grid.records

    @property
    def number(self) -> int:
        """The point's number in the grid."""
        grid = self.store.grid
        return int(np.ravel_multi_index([*self.index.values()], grid.shape)) if grid.axes else 0

    @property
    def values(self) -> dict[str, Any]:
        """The point's value on each axis."""
        return self.store.grid.values(self.number)

    @cached_property
    def drift(self) -> Drift:
        """The drift of the point."""
        return self.store.grid.drift(self.number)

    @cached_property
    def plane(self) -> SweepSlice:
        """The plane that drift plot phase shows too. Raises BadInput where only seeds are axes."""
        return plane_slice(self.store, None, None, {})

    @cached_property
    def family(self) -> SweepSlice:
        """The family through the point; where only seeds are axes, all grid points."""
        try:
            return self.around(self.plane.names[0])
        except BadInput:
            return self.around()

    def around(self, *names: str, averaged: tuple[str, ...] = SEEDS) -> SweepSlice:
        """Return the slice through the point over the axes `names`, with `averaged` ones."""
        free = {*names, *averaged}
        fixed = {name: at for name, at in self.index.items() if name not in free}
        return SweepSlice(self.store, names, fixed)

    def counted(self) -> list[dict[str, Any]]:
        """Return the counts of the point's records, steps rising, each step once."""
        at = tuple(self.index.values())
        columns = {name: self.store.read(name, at).tolist() for name in COUNTS}
        steps = recorded(self.drift.steps, self.last)
        found = {
            step: {"step": step, **{name: columns[name][k] for name in columns}}
            for k, step in enumerate(steps)
        }
        return [found[step] for step in sorted(found)]
