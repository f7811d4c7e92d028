"""A sweep's store: begun, or the unfinished beginning of the same sweep, resumed."""

from collections.abc import Callable
from typing import Any

from drift.sim.errors import BadInput
from drift.sim.stores.layouts import told
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.resume import held
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import FIRST, SweepStore, fill

_SHOWN = 4
"""Values of an axis that are spelled out."""


def create(out: StoreLocation, grid: Grid, attributes: dict[str, Any]) -> None:
    """Put an empty store at `out`, in the place of what may be there.

    Raises BadInput where it can't be written, Unfinished where the disk is full.
    """
    with out.begin(told.written({**attributes, **FIRST})) as group:
        fill(group, grid)


def resumable(grid: Grid, inputs: dict[str, str], out: StoreLocation, overwrite: bool) -> bool:
    """Return whether `out` holds the beginning of this sweep; BadInput where it is in the way.

    `inputs` are what sim.sweeps.plan.check_grid gave. Raises Damaged for a store that is
    damaged, unless `overwrite`.
    """
    store = held(SweepStore, out, grid.fields, overwrite, _said)
    if store is None:
        return False
    before = store.attrs["inputs"]
    for name, digest in inputs.items():
        if before.get(name) != digest:
            raise BadInput(f"{out} was begun with a different {name}; --overwrite replaces it")
    return True


def finished(
    grid: Grid, inputs: Callable[[], dict[str, str]], out: StoreLocation, overwrite: bool
) -> SweepStore | None:
    """Return the store of this sweep where no point of it is left, else None.

    `inputs` are found out only then. Raises BadInput as `resumable` does.
    """
    store = held(SweepStore, out, grid.fields, overwrite, _said)
    if store is None or not store.finished:
        return None
    return store if resumable(grid, inputs(), out, overwrite) else None


def _said(values: tuple[Any, ...] | None) -> str:
    """The values of a field, in a message."""
    if values is None:
        return ""
    words = [str(value) for value in values]
    if len(words) <= _SHOWN:
        return ", ".join(words)
    return f"{words[0]} … {words[-1]} ({len(words):,} values)"
