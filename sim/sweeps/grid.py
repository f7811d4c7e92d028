"""A grid of drifts: what a sweep goes over.

axis    a field of the spec that is given several values, in the order given
base    the fields that have one value at all points
point   one drift of the grid, numbered in C order: the last axis runs fastest
named   an axis whose values are names (or none, or all); its coordinates are 0, 1, …

The records of every point are taken at the same fractions of its steps, progress =
k/N, k = 0 ... N; where a point has fewer steps than that, records repeat.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from drift.sim.arrays.rows import with_arrays
from drift.sim.errors import BadInput
from drift.sim.spec.axis import AXES, Axis
from drift.sim.spec.centre import CentreVector
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.spec.motion_rules import TABLE, check_given, kind_of, trusted, unused_fields
from drift.sim.spec.origin import EXPONENTS, Origin
from drift.sim.spec.rules import MOST_RECORDS
from drift.sim.spec.vector import DirectionVector

MOST_POINTS = 10_000_000

ROWS = tuple(name for name, row in AXES.items() if row.goes_with == "rows")
"""The fields that say which rows of a checkpoint are the cloud."""
_DRAWN = tuple(name for name, row in AXES.items() if row.goes_with == "drawn")
_OF_RUNS = ("at", "snapshots")
"""Fields that points of a grid do not have."""


@dataclass(frozen=True, init=False, repr=False)
class Grid:
    """The drifts of every combination of the fields' values. Raises BadInput for too many.

    Any field of a drift but `at` and `snapshots` has one value or a sequence of them; `seeds=5` is
    seed=range(5), and `from_` names a checkpoint. `axes` are in the order of AXES; `base` has every
    other field of Drift.as_json. With a checkpoint that differs from point to point, tokens, dims
    and format may be None there, and are then those of the point's tensor.

        >>> import drift
        >>> grid = drift.Grid(sigma=[1e-9, 1e-8], steps=[10, 100], seeds=5)
        >>> len(grid), grid.drift(19).steps, [axis.name for axis in grid.axes]
        (20, 100, ['sigma', 'steps', 'seed'])
    """

    base: dict[str, Any]
    axes: tuple[Axis, ...]

    def __init__(
        self,
        base: dict[str, Any] | None = None,
        axes: tuple[Axis, ...] = (),
        /,
        *,
        seeds: int | None = None,
        **fields: Any,
    ) -> None:
        if base is None:
            if seeds is not None:
                fields["seed"] = seeds_of(fields.get("seed"), seeds)
            if "from_" in fields:
                fields["from"] = fields.pop("from_")
            made = Grid.given(fields)
            base, axes = made.base, made.axes
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "axes", axes)
        names = [axis.name for axis in self.axes]
        if len(set(names)) < len(names) or set(names) & self.base.keys():
            raise BadInput(
                f"the axes are {', '.join(names)}; each is named once, and not fixed too"
            )
        check_size(self.shape)
        if self.records > MOST_RECORDS:
            raise BadInput(f"records is {self.records}; at most {MOST_RECORDS} are kept")

    @classmethod
    def given(cls, given: Mapping[str, Any]) -> "Grid":
        """Return the grid of `given` values by name. Raises BadInput where they do not go together.

        What is not given has the value that a drift has by default. With `from`, a checkpoint,
        nothing is drawn, and what its rows say of tokens, dims and format is filled in, unless
        the rows differ from point to point.
        """
        if "cloud" in given:  # as drift.Drift calls an array
            if "from" in given:
                raise BadInput("cloud and from are both given; a grid takes its clouds from one")
            given = {("from" if name == "cloud" else name): each for name, each in given.items()}
        for name in given:
            if name not in FIELDS or name in _OF_RUNS:
                accepted = ", ".join((*AXES, "records"))
                raise BadInput(f"{name} is no field of a grid; it has {accepted}")
        if "from" in given:
            formats = _listed("format", given.get("format", ()))
            given = {**given, "from": with_arrays(_listed("from", given["from"]), formats)}
        fields: dict[str, Any] = {
            name: (row.default,)
            for name, row in FIELDS.items()
            if name not in _OF_RUNS and row.goes_with != "rows"
        }
        if "from" in given:
            for name in _DRAWN:
                if name in given:
                    raise BadInput(f"{name} is given with --from; it is for a drawn cloud alone")
            fields |= dict.fromkeys((*_DRAWN, *ROWS, "format"), (None,))
            if "near" in given:
                fields["exponents"] = (EXPONENTS,)
        else:
            for name in ROWS:
                if name in given:
                    raise BadInput(f"{name} is given without --from, which names a checkpoint")
        check_given({name: _listed(name, found) for name, found in given.items()})
        fields |= {name: _values(name, found) for name, found in given.items()}
        if any(kind_of(motion) == TABLE for motion in fields["motion"]):
            fields["steps"] = (_steps_of(fields),)
        grid = cls.of(fields)
        if "from" in given and not any(axis.name in ROWS for axis in grid.axes):
            known = grid.drift(0).as_json()
            filled = ("tokens", "dims", "tensor", *(() if "format" in given else ("format",)))
            return cls({**grid.base, **{name: known[name] for name in filled}}, grid.axes)
        return grid

    @classmethod
    def of(cls, fields: dict[str, tuple[Any, ...]]) -> "Grid":
        """Return the grid of fields and their values; an axis where there are several."""
        several = [name for name, values in fields.items() if len(values) != 1]
        several.sort(key=lambda name: AXES[name].axis or 0 if name in AXES else 0)
        base = {name: values[0] for name, values in fields.items() if len(values) == 1}
        return cls(base, tuple(Axis(name, tuple(fields[name])) for name in several))

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"<Grid: {self}: {len(self):,} grid points>" if self.axes else "<Grid: 1 grid point>"

    def __str__(self) -> str:
        if not self.axes:
            return "1 grid point"
        return " × ".join(f"{len(axis.values):,} {axis.name}" for axis in self.axes)

    @property
    def records(self) -> int:
        """N: there are N + 1 records at every point."""
        return cast(int, self.base["records"])

    @property
    def progress(self) -> np.ndarray:
        """The fractions of a point's steps at which it is counted, float64 (records + 1,)."""
        return np.arange(self.records + 1) / self.records

    @property
    def fields(self) -> dict[str, tuple[Any, ...]]:
        """The values of every field, axes first; (None,) for what is not given."""
        axes = {axis.name: axis.values for axis in self.axes}
        given = {**{name: (value,) for name, value in self.base.items()}, **axes}
        names = (*AXES, *(name for name in given if name not in AXES))
        usual = {name: None if name in ROWS else FIELDS[name].default for name in names}
        return {name: given.get(name, (usual[name],)) for name in names}

    def values(self, point: int) -> dict[str, Any]:
        """Return the values of the axes at a point."""
        found = {}
        for axis in reversed(self.axes):
            point, index = divmod(point, len(axis.values))
            found[axis.name] = axis.values[index]
        return {axis.name: found[axis.name] for axis in self.axes}

    def drift(self, point: int) -> Drift:
        """Return the drift of a point. Raises BadInput where that makes no sense."""
        return drift_of({**self.base, **self.values(point)})

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        axes = [{"name": axis.name, "values": list(axis.values)} for axis in self.axes]
        return {"base": self.base, "axes": axes}

    @classmethod
    def from_json(cls, grid: dict[str, Any]) -> "Grid":
        """Return the grid of what `as_json` gave."""
        axes = [Axis(axis["name"], tuple(axis["values"])) for axis in grid["axes"]]
        return cls(grid["base"], tuple(axes))


def check_size(shape: Sequence[int]) -> None:
    """Raise BadInput for a grid of too many points."""
    if math.prod(shape) > MOST_POINTS:
        raise BadInput(
            f"the grid has {math.prod(shape):,} points; at most {MOST_POINTS:,} are swept"
        )


def seeds_of(seed: Any, seeds: int | None) -> Any:
    """Return the seeds of `seed`, or so many. Raises BadInput for both, and for too many."""
    if seeds is None:
        return seed
    if seed is not None:
        raise BadInput("seed and seeds are both given; --seeds 5 is --seed 0,1,2,3,4")
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise BadInput(f"seeds is {seeds}; it must be a whole number, 1 or more")
    check_size([seeds])
    return tuple(range(seeds))


def drift_of(fields: dict[str, Any]) -> Drift:
    """Return the drift of JSON fields, without snapshots. Raises BadInput for impossible ones."""
    own = {name: value for name, value in fields.items() if name not in ROWS}
    motion = own.get("motion", "straight")
    # A point leaves aside what its motion does not use, which is for the others.
    for name in unused_fields(motion, bool(own.get("weight_decay"))) - {"steps"}:
        own.pop(name, None)
    own["motion"] = trusted(motion)
    taken: dict[str, Any] = {name: fields.get(name) for name in ROWS}
    if taken["from"] is None:
        return Drift(**own, snapshots="none")
    path = taken.pop("from")
    if own["tokens"] is None or own["dims"] is None or own["format"] is None:
        rows = _rows(path, **taken, target=own["format"], kind=getattr(path, "source", None))
        known = {name: value for name, value in own.items() if value is not None}
        return Drift(**{**rows, **known}, snapshots="none")
    return Drift(origin=Origin(path=path, **taken), **own, snapshots="none")


def _steps_of(fields: dict[str, tuple[Any, ...]]) -> int:
    """Return the steps of the one table that is the motion of a grid."""
    if len(fields["motion"]) > 1:
        raise BadInput("motion has several values; a grid takes one file of displacements")
    table, dims = fields["motion"][0], fields["dims"][0]
    shape = table.rows(fields["motion_tensor"][0]).shape
    if dims is not None and (len(fields["dims"]) > 1 or shape[1] != dims):
        raise BadInput(f"{table.named} has {shape[1]} dims in each step; dims must be as many")
    return int(shape[0])


def _listed(name: str, given: Any) -> list[Any]:
    """Return the values of a field as a list; a single one needs no sequence."""
    single = isinstance(given, str | os.PathLike) or not isinstance(given, Iterable)
    if single or getattr(given, "shape", None) == ():
        return [given]
    several = getattr(given, "ndim", 1) == 1
    return list(given) if several or FIELDS[name].kind not in ("motion", "path") else [given]


def _values(name: str, given: Any) -> tuple[Any, ...]:
    """Return the values of a field, plain and checked; a single one needs no sequence."""
    many = isinstance(given, range)  # of seeds, maybe millions
    found = FIELDS[name].values(given if many else _listed(name, given))
    if any(isinstance(value, DirectionVector | CentreVector) for value in found):
        raise BadInput(f"{name} is an array; a grid takes names and .npy files")
    return found


@lru_cache(maxsize=256)
def _rows(
    path: str, tensor: str, near: str, exponents: int, target: str | None, kind: str | None
) -> dict[str, Any]:
    """Return the fields that a drift has from its checkpoint's rows, which are read.

    `target` is its format, if one is given, and `kind` that of an array, whose text tells no type.
    """
    from drift.sim.clouds.checkpoint_rows import from_checkpoint

    drift = from_checkpoint(path, tensor, near, exponents, format=target)
    return {name: getattr(drift, name) for name in ("origin", "tokens", "dims", "format")}
