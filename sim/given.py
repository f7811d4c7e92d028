"""The grid of what is given: fields of the spec by name, with one value or several.

What is not given has the value that a drift has by default. With `from`, a checkpoint,
nothing is drawn, and what its rows say of tokens, dims and format is filled in, unless
the rows differ from cell to cell.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from drift.sim.errors import BadInput
from drift.sim.grid import TAKEN, Grid
from drift.sim.origin import EXPONENTS
from drift.sim.spec import Drift

_DRAWN = ("sigma", "tokens", "dims")
_NO_FIELDS = ("origin", "at", "snapshots")


def grid_of(given: Mapping[str, Sequence[Any]]) -> Grid:
    """The grid of `given` values. Raises BadInput where they do not go together.

    >>> len(grid_of({"sigma": (1e-9, 1e-8), "steps": (10, 100), "seed": range(5)}))
    20
    """
    defaults = {field.name: (field.default,) for field in dataclasses.fields(Drift)}
    fields: dict[str, Any] = {k: v for k, v in defaults.items() if k not in _NO_FIELDS}
    if "from" in given:
        for name in _DRAWN:
            if name in given:
                raise BadInput(f"{name} is given with --from; it is for a drawn cloud alone")
        fields |= dict.fromkeys((*_DRAWN, *TAKEN, "format"), (None,))
        if "near" in given:
            fields["exponents"] = (EXPONENTS,)
    else:
        for name in TAKEN:
            if name in given:
                raise BadInput(f"{name} is given without --from, which names a checkpoint")
    grid = Grid.of(fields | {name: tuple(values) for name, values in given.items()})
    if "from" in given and not any(axis.name in TAKEN for axis in grid.axes):
        known = grid.drift(0).as_json()
        filled = ("tokens", "dims", "tensor", *(() if "format" in given else ("format",)))
        return Grid({**grid.base, **{name: known[name] for name in filled}}, grid.axes)
    return grid
