"""The cell at which a sweep turns from distinct to coalesced, and what is shown around it.

turning  the cell, of those that are done, that ends nearest to one half distinct; axes for
         which a picture has no room are fixed at its values
plane    the cells over the two axes that fit best, or the only one
family   those over the first of them
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drift.experiments.figures.sweeps.sweep_slice import SEEDS, SweepSlice, plane_slice
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift, recorded
from drift.sim.stores.run_store import COUNTS
from drift.sim.sweeps.store import SweepStore

_HALF = 0.5


@dataclass(frozen=True)
class TurningPoint:
    """The turning cell of a sweep, by its place along each axis."""

    store: SweepStore
    place: dict[str, int]

    @classmethod
    def of(cls, store: SweepStore) -> "TurningPoint":
        """Raises BadInput where no cell is done yet."""
        done = store.done
        if not done.any():
            raise BadInput(f"{store.address}: none of its cells is done yet")
        with np.errstate(invalid="ignore"):
            ends = [store.read(name, record=-1) for name in ("distinct", "alive")]
            apart = np.abs(ends[0] / ends[1] - _HALF)
        cell = int(np.where(done, apart, np.inf).argmin())
        at = np.unravel_index(cell, done.shape) if done.shape else ()
        names = (axis.name for axis in store.grid.axes)
        return cls(store, dict(zip(names, map(int, at), strict=True)))

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self.store.grid.records

    @property
    def cell(self) -> int:
        """Its number."""
        grid = self.store.grid
        return int(np.ravel_multi_index([*self.place.values()], grid.shape)) if grid.axes else 0

    @property
    def values(self) -> dict[str, Any]:
        """Of each axis there."""
        return self.store.grid.values(self.cell)

    @cached_property
    def drift(self) -> Drift:
        """What is run there."""
        return self.store.grid.drift(self.cell)

    @cached_property
    def plane(self) -> SweepSlice:
        """Raises BadInput where no axis is left but seeds."""
        best = plane_slice(self.store, None, None, {})
        return self.around(*best.names)

    @cached_property
    def family(self) -> SweepSlice:
        """Of a sweep whose only axes are seeds, all cells."""
        try:
            return self.around(self.plane.names[0])
        except BadInput:
            return self.around()

    def around(self, *names: str, averaged: tuple[str, ...] = SEEDS) -> SweepSlice:
        """The cells over the axes `names`, and the `averaged` ones."""
        free = {*names, *averaged}
        fixed = {name: at for name, at in self.place.items() if name not in free}
        return SweepSlice(self.store, names, fixed)

    def counted(self) -> list[dict[str, Any]]:
        """The counts of its records, rising; each step once."""
        at = tuple(self.place.values())
        columns = {name: self.store.read(name, at).tolist() for name in COUNTS}
        steps = recorded(self.drift.steps, self.last)
        found = {
            step: {"step": step, **{name: columns[name][k] for name in columns}}
            for k, step in enumerate(steps)
        }
        return [found[step] for step in sorted(found)]
