"""May a sweep be written where it is asked to be?

A place is free, or holds the unfinished beginning of this very sweep, which is then
resumed. Anything else is refused, and nothing that drift did not write is replaced.
"""

from importlib.metadata import version
from typing import Any

from drift.sim.errors import BadInput, Damaged, NotBegun
from drift.sim.stores.location import StoreLocation
from drift.sim.sweeps import store as grid_layout
from drift.sim.sweeps.grid import ORDER, Grid
from drift.sim.sweeps.store import SweepStore

_SHOWN = 4
"""Values of an axis that are spelled out."""


def create(out: StoreLocation, grid: Grid, attributes: dict[str, Any]) -> None:
    """Put an empty store at `out`, in the place of what may be there.

    Raises BadInput where it can't be written, Unfinished where the disk is full.
    """
    with out.begin({**attributes, **grid_layout.FIRST}) as group:
        grid_layout.fill(group, grid)


def resumable(grid: Grid, inputs: dict[str, str], out: StoreLocation, overwrite: bool) -> bool:
    """Whether `out` holds the beginning of this sweep; BadInput where it is in the way.

    `inputs` are what sim.sweeps.plan.check_grid gave. Raises Damaged for a store that is
    damaged, unless `overwrite`.
    """
    if not out.exists():
        return False
    try:
        store = SweepStore(out)
    except NotBegun:
        return False
    except Damaged as error:
        if overwrite:
            return False
        raise Damaged(f"{error}; --overwrite replaces it") from error
    if overwrite:
        return False
    if store.complete and store.values("done", there=False).all():
        raise BadInput(f"{out} is complete; --overwrite sweeps it again, --out names another place")
    mine, theirs = _given(grid), _given(store.grid)
    for name in mine:
        if mine[name] != theirs.get(name):
            raise BadInput(
                f"{out} is an unfinished sweep with {name} {_said(theirs.get(name, ()))}, not"
                f" {_said(mine[name])}; --overwrite replaces it"
            )
    made_by, this = store.attrs["versions"]["bf16-drift"], version("bf16-drift")
    if made_by != this:
        raise BadInput(
            f"{out} was begun by version {made_by}, this is {this}; --overwrite replaces it"
        )
    before = store.attrs["inputs"]
    for name, digest in inputs.items():
        if before.get(name) != digest:
            raise BadInput(
                f"{out} was begun with another {name} than is there now; --overwrite replaces it"
            )
    return True


def _given(grid: Grid) -> dict[str, tuple[Any, ...]]:
    """The values of every field."""
    axes = {axis.name: axis.values for axis in grid.axes}
    given = {**{name: (value,) for name, value in grid.base.items()}, **axes}
    names = (*ORDER, *(name for name in given if name not in ORDER))
    return {name: given.get(name, (None,)) for name in names}


def _said(values: tuple[Any, ...]) -> str:
    words = [str(value) for value in values]
    if len(words) <= _SHOWN:
        return ", ".join(words)
    return f"{words[0]} … {words[-1]} ({len(words):,} values)"
