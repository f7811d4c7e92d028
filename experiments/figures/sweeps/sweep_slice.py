"""The cells of a sweep that a figure shows, where the command line names some of it or nothing.

shown     axes that the figure lays out, their values rising; names stay in their order
fixed     axes of which the figure shows one value
averaged  the seeds that are neither: those of the clouds, those of random directions
repeats   the cells that differ in the averaged axes alone

A value is named AXIS=VALUE. A number may be written with as few digits as tell it apart: 3.2e-10
names 3.1622776601683795e-10 where no other value of the axis is rounded to it. Names, and none
and all, are written as they are.
"""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

import numpy as np

from drift.experiments.console.values import names
from drift.experiments.figures.captions import in_symbols, parts
from drift.sim.errors import BadInput, printable
from drift.sim.sweeps.grid import Axis, Grid
from drift.sim.sweeps.store import SweepStore

_LISTED = 12
"""Values or axes that a message lists."""


def parse_fixed(grid: Grid, texts: list[str]) -> dict[str, int]:
    """Which of its values each named axis is fixed at; each text is AXIS=VALUE,….

    Raises BadInput for an axis that the grid lacks or that is named twice, and a value
    that the axis lacks.
    """
    found: dict[str, int] = {}
    for part in (part for text in texts for part in names(text)):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise BadInput(f"at is {printable(part)!r}; it must be AXIS=VALUE, such as steps=100")
        axis = find_axis(grid, name)
        if axis.name in found:
            raise BadInput(f"at names {axis.name} twice; an axis is fixed at one value")
        found[axis.name] = _place(axis, value)
    return found


def find_axis(grid: Grid, name: str) -> Axis:
    """An axis by its name, or by its option's. Raises BadInput where the grid has no such one."""
    field = name.removeprefix("--").replace("-", "_")
    for axis in grid.axes:
        if axis.name == field:
            return axis
    there = ", ".join(axis.name for axis in grid.axes) or "none"
    if field in grid.base:
        value = printable(str(grid.base[field]))
        raise BadInput(f"{field} is {value} in all cells and no axis; the axes are: {there}")
    raise BadInput(f"{printable(name)!r} is no axis of the sweep; the axes are: {there}")


def _place(axis: Axis, text: str) -> int:
    """The index of the value of `axis` that `text` names."""
    if axis.named:
        places = [k for k, meaning in enumerate(axis.meanings) if meaning == text]
    else:
        places = [k for k, value in enumerate(axis.values) if _exactly(text, value)]
        places = places or [k for k, value in enumerate(axis.values) if _rounded(text, value)]
    if len(places) == 1:
        return places[0]
    if places:
        several = ", ".join(axis.meanings[k] for k in places[:_LISTED])
        raise BadInput(f"{axis.name}={text} may be any of {several}; more digits tell them apart")
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
    """Whether `value` is `text` when it is rounded to as many digits."""
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
"""Of a count that are read at once."""


@dataclass(frozen=True)
class SweepSlice:
    """What is read of `store`: axes shown, by their names, and the places others are fixed at."""

    store: SweepStore
    names: tuple[str, ...]
    fixed: dict[str, int]

    @cached_property
    def shown_axes(self) -> tuple[Axis, ...]:
        """The axes that are shown."""
        return tuple(_rising(find_axis(self.store.grid, name)) for name in self.names)

    @cached_property
    def averaged(self) -> tuple[Axis, ...]:
        """The axes along which repeats lie."""
        held = {*self.names, *self.fixed}
        return tuple(axis for axis in self.store.grid.axes if axis.name not in held)

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each shown axis, and the repeats."""
        repeats = math.prod(len(axis.values) for axis in self.averaged)
        return (*(len(axis.values) for axis in self.shown_axes), repeats)

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

    def fraction_label(self, record: int) -> str:
        """What a fraction is called."""
        progress = self.store.progress[record]
        if progress == 1:
            return "final distinct fraction (cells / tokens)"
        return f"distinct fraction at {progress:g} of the steps"

    def long_name(self, name: str) -> str:
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
        plural = {"seed": "seeds", "direction_seed": "direction seeds"}
        return " × ".join(f"{len(axis.values):,} {plural[axis.name]}" for axis in self.averaged)

    def missing(self) -> list[str]:
        """What a caption says of cells that are not done."""
        failed = np.count_nonzero(self.failed)
        left = self.done.size - np.count_nonzero(self.done) - failed
        counts = {"failed": failed, "not done yet": left}
        return [
            f"{n:,} of {self.done.size:,} grid points {what}" for what, n in counts.items() if n
        ]

    def _index(self) -> tuple[int | slice, ...]:
        return tuple(self.fixed.get(axis.name, slice(None)) for axis in self.store.grid.axes)

    def _laid_out(self, values: np.ndarray) -> np.ndarray:
        """Values (unfixed axes in the grid's order, …) as (shown axes, repeats, …)."""
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
"""The axes that a picture has by default, the first ones first."""


def plane_slice(
    store: SweepStore, x: str | None, y: str | None, fixed: dict[str, int]
) -> SweepSlice:
    """The section over the axes x and y, by default those that fit best; one where one is left.

    Other axes but seeds are fixed at their first value, where `fixed` names none. Raises
    BadInput for axes that are not there and where none is left.
    """
    grid = store.grid
    asked = [name and find_axis(grid, name).name for name in (x, y)]
    for name in asked:
        if name in fixed:
            raise BadInput(f"{name} is both shown and fixed with --at; it can be one of them")
    if x and asked[0] == asked[1]:
        raise BadInput(f"x and y are both {x}; two axes are needed")
    free = [name for name in _by_fit(grid) if name not in fixed and name not in asked]
    names = tuple(name or free.pop(0) for name in asked if name or free)
    if not names:
        raise BadInput(
            f"{store.address} has no axis left to show; its axes are:"
            f" {', '.join(axis.name for axis in grid.axes) or 'none'}; drift plot curves draws it"
        )
    return SweepSlice(store, names, {**dict.fromkeys(free, 0), **fixed})


def all_axes(store: SweepStore, fixed: dict[str, int]) -> SweepSlice:
    """The section over all axes but seeds and `fixed` ones; those of most values come first."""
    names = [name for name in _by_fit(store.grid) if name not in fixed]
    names.sort(key=lambda name: -len(find_axis(store.grid, name).values))
    return SweepSlice(store, tuple(names), fixed)


def record_at(grid: Grid, progress: float) -> int:
    """The record at a fraction of the steps. Raises BadInput where there is none."""
    n = grid.records
    if not 0 <= progress <= 1:
        raise BadInput(f"progress is {progress:g}; it must be in 0 ... 1")
    record = round(progress * n)
    if abs(record - progress * n) > 1e-6:
        raise BadInput(
            f"progress is {progress:g}; cells are counted {n:,} times evenly over their steps;"
            f" the nearest is {record / n:g}"
        )
    return record


def _by_fit(grid: Grid) -> list[str]:
    """The axes but seeds: the best, then other numbers, then names."""
    axes = [axis for axis in grid.axes if axis.name not in SEEDS]
    axes.sort(key=lambda axis: (axis.named, axis.name not in _BEST))
    best = [name for name in _BEST if name in {axis.name for axis in axes}]
    return best + [axis.name for axis in axes if axis.name not in best]
