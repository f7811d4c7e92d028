"""The cells of a sweep that a figure shows.

shown     axes that the figure lays out, their values rising; names stay in their order
fixed     axes of which the figure shows one value
averaged  the seeds that are neither: those of the clouds, those of random directions
repeats   the cells that differ in the averaged axes alone
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drift.experiments.captions import in_symbols, parts
from drift.experiments.fixing import axis_named
from drift.sim.errors import BadInput
from drift.sim.sweeps.grid import Axis
from drift.sim.sweeps.store import SweepStore

SEEDS = ("seed", "direction_seed")
_MOST_VALUES = 100_000_000
"""Of a count that are read at once."""


@dataclass(frozen=True)
class Section:
    """What is read of `store`: axes shown, by their names, and the places others are fixed at."""

    store: SweepStore
    names: tuple[str, ...]
    fixed: dict[str, int]

    @cached_property
    def shown(self) -> tuple[Axis, ...]:
        """The axes that are shown."""
        return tuple(_rising(axis_named(self.store.grid, name)) for name in self.names)

    @cached_property
    def averaged(self) -> tuple[Axis, ...]:
        """The axes along which repeats lie."""
        held = {*self.names, *self.fixed}
        return tuple(axis for axis in self.store.grid.axes if axis.name not in held)

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each shown axis, and the repeats."""
        repeats = math.prod(len(axis.values) for axis in self.averaged)
        return (*(len(axis.values) for axis in self.shown), repeats)

    @cached_property
    def done(self) -> np.ndarray:
        """Which cells are done, bool of `shape`."""
        return self._laid_out(self.store.done[self._index()])

    @cached_property
    def failed(self) -> np.ndarray:
        """Which cells failed, bool of `shape`."""
        failed = np.zeros(len(self.store.grid), bool)
        failed[list(self.store.failed)] = True
        return self._laid_out(failed.reshape(self.store.grid.shape)[self._index()]) & ~self.done

    def read(self, name: str, record: int | None = None) -> np.ma.MaskedArray:
        """A count in one record of all cells, of `shape`, or in all, (*shape, progress).

        Masked where cells are not done. Raises BadInput for more than can be shown.
        """
        done = self.done  # first: what is done by then is there
        records = 1 if record is not None else len(self.store.progress)
        if done.size * records > _MOST_VALUES:
            raise BadInput(
                f"{done.size * records:,} values of {name} are asked for; up to"
                f" {_MOST_VALUES:,} can be shown; choose fewer with --at"
            )
        which = slice(None) if record is None else record
        values = self.store.read(name, self._index(), which)
        mask = done[..., None] if record is None else done
        found = self._laid_out(values)
        return np.ma.MaskedArray(found, np.broadcast_to(~mask, found.shape))

    def fraction(self, record: int) -> np.ma.MaskedArray:
        """Distinct cells by tokens that are counted, in one record, of `shape`."""
        return self.read("distinct", record) / self.read("alive", record)

    def check_done(self) -> None:
        """Raise BadInput where no cell is done."""
        if not self.done.any():
            raise BadInput(f"{self.store.address}: none of the cells shown is done yet")

    def what(self, record: int) -> str:
        """What a fraction is called."""
        progress = self.store.progress[record]
        if progress == 1:
            return "final distinct fraction (cells / tokens)"
        return f"distinct fraction at {progress:g} of the steps"

    def meaning(self, name: str) -> str:
        """What an axis is, as the store has it."""
        return str(self.store.array(name).attrs["long_name"])

    def caption(self) -> list[str]:
        """What all that is shown has in common, and what is averaged; parts of a line."""
        grid = self.store.grid
        known = {name: value for name, value in grid.base.items() if value is not None}
        said = parts(known)
        for axis in grid.axes:
            if axis.name in self.fixed:
                value = axis.values[self.fixed[axis.name]]
                said.append(f"{in_symbols(axis.name, value)} (one of {len(axis.values):,})")
        return said

    def repeats(self) -> str:
        """What the repeats are: "3 seeds"; nothing where there are none."""
        what = {"seed": "seeds", "direction_seed": "direction seeds"}
        return " × ".join(f"{len(axis.values):,} {what[axis.name]}" for axis in self.averaged)

    def missing(self) -> list[str]:
        """What a caption says of cells that are not done."""
        failed = np.count_nonzero(self.failed)
        left = self.done.size - np.count_nonzero(self.done) - failed
        counts = {"failed": failed, "not done yet": left}
        return [f"{n:,} of {self.done.size:,} cells {what}" for what, n in counts.items() if n]

    def _index(self) -> tuple[int | slice, ...]:
        return tuple(self.fixed.get(axis.name, slice(None)) for axis in self.store.grid.axes)

    def _laid_out(self, values: np.ndarray) -> np.ndarray:
        """Values (unfixed axes in the grid's order, …) as (shown axes, repeats, …)."""
        left = [axis.name for axis in self.store.grid.axes if axis.name not in self.fixed]
        order = [left.index(axis.name) for axis in (*self.shown, *self.averaged)]
        values = values.transpose(*order, *range(len(left), values.ndim))
        for k, axis in enumerate(self.shown):
            original = axis_named(self.store.grid, axis.name)
            values = values.take([original.values.index(value) for value in axis.values], axis=k)
        return values.reshape(*self.shape, *values.shape[len(left) :])


def _rising(axis: Axis) -> Axis:
    return axis if axis.named else Axis(axis.name, tuple(sorted(axis.values)))
