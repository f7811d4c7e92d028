"""Does a grid make sense, and what does it rest on? Asked before anything is written.

Every rule of a spec ties two fields at most, and accepts an interval of numbers: so
the outermost values of every two axes stand for all combinations. What depends on
the cloud that is drawn is found when the cell's turn comes.
"""

import hashlib
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from drift.sim.direction import direction
from drift.sim.grid import Axis, Grid, drift_of
from drift.sim.initial import initial
from drift.sim.spec import Drift

_MOST_COMBINATIONS = 10_000
"""Of two axes of names; more are left to their turn."""
_KNOWN = ("random", "diagonal", "axis", "centroid")


def check(grid: Grid) -> dict[str, str]:
    """Raise BadInput, naming what is wrong, for a grid of which a cell makes no sense.

    Returns the SHA-256 of what it rests on beside the spec: the vectors of
    direction files, and the rows of checkpoints.
    """
    inputs: dict[str, str] = {}
    seen: set[tuple[str, int]] = set()
    for drift in _outermost(grid):
        name = drift.direction
        if name not in _KNOWN and (name, drift.dims) not in seen:
            seen.add((name, drift.dims))
            u = direction(name, drift.dims)
            inputs[name] = hashlib.sha256(u.tobytes()).hexdigest()
        if drift.origin is not None:
            rows = " ".join(str(each) for each in drift.origin.as_json().values())
            if f"{rows} {drift.format}" not in inputs:
                facts = initial(drift).facts
                assert facts is not None, "rows of a checkpoint have facts"
                inputs[f"{rows} {drift.format}"] = facts["sha256"]
    return inputs


def _outermost(grid: Grid) -> Iterator[Drift]:
    """The drifts of the outermost values of every two axes, the others at their first."""
    first = {**grid.base, **grid.values(0)}
    yield drift_of(first)
    for axis in grid.axes:
        for value in _ends(axis):
            yield drift_of({**first, axis.name: value})
    for one, other in combinations(grid.axes, 2):
        ends = _ends(one), _ends(other)
        if len(ends[0]) * len(ends[1]) <= _MOST_COMBINATIONS:
            for a, b in product(*ends):
                yield drift_of({**first, one.name: a, other.name: b})


def _ends(axis: Axis) -> list[Any]:
    """The values of an axis that stand for all."""
    if axis.named:
        return list(axis.values)
    return sorted({axis.values[0], min(axis.values), max(axis.values)})
