"""What of a sweep a figure shows, where the command line names some of it or nothing."""

from drift.experiments.fixing import axis_named
from drift.experiments.section import SEEDS, Section
from drift.sim.errors import BadInput
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

_BEST = ("sigma", "steps", "radius")
"""The axes that a picture has by default, the first ones first."""


def plane(store: SweepStore, x: str | None, y: str | None, fixed: dict[str, int]) -> Section:
    """The section over the axes x and y, by default those that fit best; one where one is left.

    Other axes but seeds are fixed at their first value, where `fixed` names none. Raises
    BadInput for axes that are not there and where none is left.
    """
    grid = store.grid
    asked = [name and axis_named(grid, name).name for name in (x, y)]
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
    return Section(store, names, {**dict.fromkeys(free, 0), **fixed})


def whole(store: SweepStore, fixed: dict[str, int]) -> Section:
    """The section over all axes but seeds and `fixed` ones; those of most values come first."""
    names = [name for name in _by_fit(store.grid) if name not in fixed]
    names.sort(key=lambda name: -len(axis_named(store.grid, name).values))
    return Section(store, tuple(names), fixed)


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
