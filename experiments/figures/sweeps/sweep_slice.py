"""Slices of a sweep: the grid points that a figure shows.

shown     of an axis: laid out in the figure, its values rising; names keep their order
fixed     of an axis: only one of its values is shown
averaged  the axes of seeds, of clouds or of random directions, that are neither
repeats   the grid points that differ only in averaged axes

On the command line a value is chosen by AXIS=VALUE. A number may be abbreviated to digits that
identify it: 3.2e-10 stands for 3.1622776601683795e-10 where no other value of the axis is rounded
to it. Names, and none and all, are written in full.
"""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

import numpy as np

from drift.experiments.console.values import parse_names
from drift.experiments.figures.captions import in_symbols, parts
from drift.sim.errors import BadInput, printable
from drift.sim.spec.axis import Axis
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import PredictedStore, SweepStore

_LISTED = 12
"""Most values that a message lists."""


def parse_fixed(grid: Grid, texts: list[str]) -> dict[str, int]:
    """Return, by axis, the index of the value that it is fixed at; a text is AXIS=VALUE,….

    Raises BadInput for an axis that the grid does not have or that is named twice, and for a
    value that the axis does not have.
    """
    found: dict[str, int] = {}
    for part in (part for text in texts for part in parse_names(text)):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise BadInput(f"at is {printable(part)!r}; it must be AXIS=VALUE, such as steps=100")
        axis = find_axis(grid, name)
        if axis.name in found:
            raise BadInput(f"at names {axis.name} twice; an axis is fixed at one value")
        found[axis.name] = _index_of(axis, value)
    return found


def find_axis(grid: Grid, name: str) -> Axis:
    """Return an axis by its name or its option. Raises BadInput where the grid does not have it."""
    field = name.removeprefix("--").replace("-", "_")
    for axis in grid.axes:
        if axis.name == field:
            return axis
    there = ", ".join(axis.name for axis in grid.axes) or "none"
    if field in grid.base:
        value = printable(str(grid.base[field]))
        raise BadInput(f"{field} is {value} throughout the sweep; its axes are: {there}")
    raise BadInput(f"{printable(name)!r} is not an axis of the sweep; its axes are: {there}")


def _index_of(axis: Axis, text: str) -> int:
    """Return the index of the value of `axis` that `text` names."""
    if axis.named:
        found = [k for k, meaning in enumerate(axis.meanings) if meaning == text]
    else:
        found = [k for k, value in enumerate(axis.values) if _exactly(text, value)]
        found = found or [k for k, value in enumerate(axis.values) if _rounded(text, value)]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(axis.meanings[k] for k in found[:_LISTED])
        raise BadInput(f"{axis.name}={text} may be any of {several}; write more digits")
    there = ", ".join(map(printable, axis.meanings[:_LISTED]))
    more = len(axis.values) - _LISTED
    more_there = f" and {more:,} more" if more > 0 else ""
    raise BadInput(
        f"the sweep has no {axis.name}={printable(text)}; its values are {there}{more_there}"
    )


def _exactly(text: str, value: float) -> bool:
    number = _number(text)
    return number is not None and (number == value or float(number) == value)


def _rounded(text: str, value: float) -> bool:
    """Return whether `value`, rounded to the digits that `text` has, is `text`."""
    number = _number(text)
    if number is None or isinstance(value, int):
        return False
    digits = len(number.as_tuple().digits)
    return Decimal(f"{value:.{digits - 1}e}") == number


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


SEEDS = ("seed", "direction_seed")
_MOST_VALUES = 100_000_000
"""Most values of a count that are read at once."""


@dataclass(frozen=True)
class SweepSlice:
    """The grid points of a sweep that a figure shows."""

    store: SweepStore
    """store of the sweep"""
    names: tuple[str, ...]
    """names of the shown axes"""
    fixed: dict[str, int]
    """the index at which each fixed axis stands"""

    @property
    def predicted(self) -> bool:
        """True where its counts are expectations, over all clouds."""
        return isinstance(self.store, PredictedStore)

    @cached_property
    def shown_axes(self) -> tuple[Axis, ...]:
        """The axes that are shown."""
        return tuple(_rising(find_axis(self.store.grid, name)) for name in self.names)

    @cached_property
    def averaged(self) -> tuple[Axis, ...]:
        """The averaged axes."""
        held = {*self.names, *self.fixed}
        return tuple(axis for axis in self.store.grid.axes if axis.name not in held)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each shown axis, then of repeats."""
        repeats = math.prod(len(axis.values) for axis in self.averaged)
        return (*(len(axis.values) for axis in self.shown_axes), repeats)

    @cached_property
    def done(self) -> np.ndarray:
        """True for grid points that are done, bool of `shape`."""
        return self._laid_out(self.store.done[self._index()])

    @cached_property
    def failed(self) -> np.ndarray:
        """True for grid points that failed, bool of `shape`."""
        failed = np.zeros(len(self.store.grid), bool)
        failed[list(self.store.failed)] = True
        return self._laid_out(failed.reshape(self.store.grid.shape)[self._index()]) & ~self.done

    def read(self, name: str, record: int | None = None) -> np.ma.MaskedArray:
        """Return a count in one record, of `shape`, or in all records, (*shape, records).

        Masked where grid points are not done. Raises BadInput for more values than fit.
        """
        done = self.done  # read first: counts are written before their point is marked done
        records = 1 if record is not None else len(self.store.progress)
        if done.size * records > _MOST_VALUES:
            raise BadInput(
                f"the figure needs {done.size * records:,} values of {name}; at most"
                f" {_MOST_VALUES:,} are read; choose fewer with --at"
            )
        which = slice(None) if record is None else record
        values = self.store.read(name, self._index(), which)
        mask = done[..., None] if record is None else done
        found = self._laid_out(values)
        return np.ma.MaskedArray(found, np.broadcast_to(~mask, found.shape))

    def fraction(self, record: int) -> np.ma.MaskedArray:
        """Return distinct cells divided by the tokens present, in one record, of `shape`."""
        return self.read("distinct", record) / self.read("alive", record)

    def check_done(self) -> None:
        """Raise BadInput where no grid point is done."""
        if not self.done.any():
            raise BadInput(f"{self.store.address}: none of the grid points shown is done yet")

    def fraction_label(self, record: int) -> str:
        """Return the label of a fraction in a record."""
        progress = self.store.progress[record]
        expected = "expected " if self.predicted else ""
        if progress == 1:
            return f"{'' if expected else 'final '}{expected}distinct fraction (cells / tokens)"
        return f"{expected}distinct fraction after {progress:g} of the steps"

    def caption(self) -> list[str]:
        """Return the parts of a caption: the fields that all grid points shown share."""
        grid = self.store.grid
        known = {name: value for name, value in grid.base.items() if value is not None}
        if self.predicted:
            known.pop("seed", None)
        said = parts(known)
        for axis in grid.axes:
            if axis.name in self.fixed:
                value = axis.values[self.fixed[axis.name]]
                said.append(f"{in_symbols(axis.name, value)} (one of {len(axis.values):,})")
        return said

    def repeats(self) -> str:
        """Return the repeats in words, such as "3 seeds"; empty where there are none."""
        plural = {"seed": "seeds", "direction_seed": "direction seeds"}
        return " × ".join(f"{len(axis.values):,} {plural[axis.name]}" for axis in self.averaged)

    def missing(self) -> list[str]:
        """Return the parts of a caption on grid points that are not done."""
        failed = np.count_nonzero(self.failed)
        left = self.done.size - np.count_nonzero(self.done) - failed
        counts = {"failed": failed, "not done yet": left}
        return [
            f"{n:,} of {self.done.size:,} grid points {what}" for what, n in counts.items() if n
        ]

    def _index(self) -> tuple[int | slice, ...]:
        return tuple(self.fixed.get(axis.name, slice(None)) for axis in self.store.grid.axes)

    def _laid_out(self, values: np.ndarray) -> np.ndarray:
        """Return values (axes not fixed, in the grid's order, …) as (*shown axes, repeats, …)."""
        left = [axis.name for axis in self.store.grid.axes if axis.name not in self.fixed]
        order = [left.index(axis.name) for axis in (*self.shown_axes, *self.averaged)]
        values = values.transpose(*order, *range(len(left), values.ndim))
        for k, axis in enumerate(self.shown_axes):
            original = find_axis(self.store.grid, axis.name)
            values = values.take([original.values.index(value) for value in axis.values], axis=k)
        return values.reshape(*self.shape, *values.shape[len(left) :])


def _rising(axis: Axis) -> Axis:
    return axis if axis.named else Axis(axis.name, tuple(sorted(axis.values)))


_BEST = ("sigma", "steps", "radius")
"""The axes that a figure shows by default, in this order."""


def plane_slice(
    store: SweepStore, x: str | None, y: str | None, fixed: dict[str, int]
) -> SweepSlice:
    """Return the slice over axes x and y, by default the best ones, or over the only one left.

    Other axes, except seeds, are fixed at their first value where `fixed` does not name one.
    Raises BadInput for axes that the grid does not have, and where none is left.
    """
    grid = store.grid
    asked = [name and find_axis(grid, name).name for name in (x, y)]
    for name in asked:
        if name in fixed:
            raise BadInput(f"{name} is shown and also fixed with --at; it can be only one of these")
    if x and asked[0] == asked[1]:
        raise BadInput(f"x and y are both {x}; two different axes are needed")
    free = [name for name in _by_fit(grid) if name not in fixed and name not in asked]
    names = tuple(name or free.pop(0) for name in asked if name or free)
    if not names:
        raise BadInput(
            f"{store.address} has no axis left to show; its axes are:"
            f" {', '.join(axis.name for axis in grid.axes) or 'none'}; drift plot curves draws it"
        )
    return SweepSlice(store, names, {**dict.fromkeys(free, 0), **fixed})


def all_axes(store: SweepStore, fixed: dict[str, int]) -> SweepSlice:
    """Return the slice over all axes but seeds and `fixed` ones, axes of most values first."""
    names = [name for name in _by_fit(store.grid) if name not in fixed]
    names.sort(key=lambda name: -len(find_axis(store.grid, name).values))
    return SweepSlice(store, tuple(names), fixed)


def record_at(grid: Grid, progress: float) -> int:
    """Return the record after a fraction of the steps. Raises BadInput where there is none."""
    n = grid.records
    if not 0 <= progress <= 1:
        raise BadInput(f"progress is {progress:g}; it must be in 0 ... 1")
    record = round(progress * n)
    if abs(record - progress * n) > 1e-6:
        raise BadInput(
            f"progress is {progress:g}; counts are taken {n:,} times, evenly over the steps;"
            f" the nearest is {record / n:g}"
        )
    return record


def _by_fit(grid: Grid) -> list[str]:
    """Return the axes but seeds: the best ones, then other numbers, then names."""
    axes = [axis for axis in grid.axes if axis.name not in SEEDS]
    axes.sort(key=lambda axis: (axis.named, axis.name not in _BEST))
    best = [name for name in _BEST if name in {axis.name for axis in axes}]
    return best + [axis.name for axis in axes if axis.name not in best]
