"""The grid points of all sources together: their fields, and what was counted of them.

source  a sweep, a predicted grid, or a run, which is a grid of one point
field   of a drift; it varies where not all points have the same value
row     one record of one point
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from drift.experiments.figures.curves import request_of_run
from drift.experiments.figures.expected import PairsRequest
from drift.sim.errors import BadInput
from drift.sim.sources.source import CountedRun
from drift.sim.spec.axis import AXES, Axis
from drift.sim.spec.rules import recorded
from drift.sim.sweeps.grid import drift_of
from drift.sim.sweeps.store import PredictedStore, SweepStore

MOST_ROWS = 5_000_000
"""Most rows that a figure is made of."""


class LineSource(Protocol):
    """A source of points."""

    @property
    def name(self) -> str:
        """The name of its place."""

    @property
    def predicted(self) -> bool:
        """True where its counts are expectations."""

    def fields(self) -> dict[str, tuple[Any, ...]]:
        """Return the values of every field, in the order of the grid's axes where it varies."""

    def blocks(self, held: Mapping[str, Sequence[int]], record: float | None) -> "PointBlock":
        """Return the points whose values are among those `held`, by index, and their records.

        `record` is a fraction of the steps; None for all records.
        """


@dataclass(frozen=True)
class PointBlock:
    """The points of one source that a figure shows, those done."""

    index: dict[str, np.ndarray]
    """for each field that varies within the source, the index of its value, int64 (points,)"""
    progress: np.ndarray
    """fractions of the steps, float64 (records,)"""
    steps: np.ndarray
    """steps, int64 (points, records)"""
    read: Any
    """function that returns a count by its name, float64 (points, records)"""
    request: Any
    """function of a point and its steps that returns the PairsRequest for its expectations"""
    wanted: int
    """how many points there would be if all were done"""


@dataclass(frozen=True)
class SweepSource:
    """A sweep or a predicted grid as a source."""

    store: SweepStore
    """store of the sweep"""

    @property
    def name(self) -> str:
        """The name of its place."""
        return str(self.store.address)

    @property
    def predicted(self) -> bool:
        """True where its counts are expectations."""
        return isinstance(self.store, PredictedStore)

    def fields(self) -> dict[str, tuple[Any, ...]]:
        """Return the values of every field."""
        grid = self.store.grid
        fixed = {name: (value,) for name, value in grid.base.items() if name in AXES}
        return {**fixed, **{axis.name: axis.values for axis in grid.axes}}

    def blocks(self, held: Mapping[str, Sequence[int]], record: float | None) -> PointBlock:
        """Return the points whose values are among those `held`, by index, and their records."""
        axes = self.store.grid.axes
        kept = [np.asarray(held.get(axis.name, range(len(axis.values))), np.int64) for axis in axes]
        # Axes that stand at one value are read at that value alone.
        picks: list[Any] = [int(each[0]) if len(each) == 1 else slice(None) for each in kept]
        done = self.store.done[tuple(picks)]  # read first: counts are written before `done`
        for place, each in enumerate([each for each in kept if len(each) != 1]):
            done = done.take(each, axis=place)
        there = np.nonzero(done.reshape([len(each) for each in kept]))
        index = {axis.name: kept[k][there[k]] for k, axis in enumerate(axes)}
        which = slice(None) if record is None else record_of(self.store.progress, record)
        progress = np.atleast_1d(self.store.progress[which])
        _check(len(there[0]) if axes else 1, len(progress))

        def read(name: str) -> np.ndarray:
            values = self.store.read(name, tuple(picks), which)
            for place, each in enumerate([each for each in kept if len(each) != 1]):
                values = values.take(each, axis=place)
            shape = [*(len(each) for each in kept), len(progress)]
            return values.reshape(shape)[there].reshape(-1, len(progress)).astype(np.float64)

        steps = self._steps(index, which, int(done.sum()))
        return PointBlock(index, progress, steps, read, self._request(index), int(done.size))

    def _steps(self, index: dict[str, np.ndarray], which: Any, points: int) -> np.ndarray:
        grid = self.store.grid
        values = self.fields()["steps"]
        table = np.array([recorded(each, grid.records) for each in values], np.int64)
        table = table[:, which].reshape(len(values), -1)
        return table[index["steps"]] if "steps" in index else table.repeat(points, axis=0)

    def _request(self, index: dict[str, np.ndarray]) -> Any:
        grid, inputs = self.store.grid, self.store.attrs.get("inputs", {})

        def request(point: int, steps: Sequence[int]) -> PairsRequest:
            own = {axis.name: axis.values[index[axis.name][point]] for axis in grid.axes}
            fields = {**grid.base, **own}
            if fields.get("from") is not None:  # a checkpoint, which may be gone by now
                return PairsRequest(None, steps, None)
            return PairsRequest(drift_of(fields), steps, inputs.get(fields["direction"]))

        return request


@dataclass(frozen=True)
class RunSource:
    """A run as a source: a grid of one point."""

    run: CountedRun
    """store of the run, or a result in memory"""

    @property
    def predicted(self) -> bool:
        """False: it is counted."""
        return False

    @property
    def name(self) -> str:
        """The name of its place."""
        return str(self.run.address)

    def fields(self) -> dict[str, tuple[Any, ...]]:
        """Return the one value of every field."""
        return {name: (value,) for name, value in self.run.attrs["spec"].items() if name in AXES}

    def blocks(self, held: Mapping[str, Sequence[int]], record: float | None) -> PointBlock:
        """Return its records. Raises BadInput where there is none yet, or not the one asked for."""
        counted = self.run.records()
        if not counted:
            raise BadInput(f"{self.name} has no record yet; run it first")
        steps = np.array([counts.step for counts in counted], np.int64)
        progress = steps / self.run.drift.steps
        if record is not None:
            if record == 1 and not self.run.complete:
                raise BadInput(f"{self.name} is not complete; finish the run, or choose a progress")
            which = record_of(progress, record)
            counted, steps, progress = counted[which:][:1], steps[[which]], progress[[which]]

        def read(name: str) -> np.ndarray:
            values = [getattr(counts, name) for counts in counted]
            return np.array([[math.nan if value is None else value for value in values]])

        def request(point: int, steps: Sequence[int]) -> PairsRequest:
            return request_of_run(self.run, list(steps))

        return PointBlock({}, progress, steps[None], read, request, 1)


def record_of(progress: np.ndarray, wanted: float) -> int:
    """Return the record after a fraction of the steps. Raises BadInput where there is none."""
    if not 0 <= wanted <= 1:
        raise BadInput(f"progress is {wanted:g}; it must be in 0 ... 1")
    nearest = int(np.abs(progress - wanted).argmin())
    if abs(progress[nearest] - wanted) > _SAME:
        raise BadInput(
            f"progress is {wanted:g}; of {len(progress):,} records the nearest is after"
            f" {progress[nearest]:g} of the steps"
        )
    return nearest


_SAME = 1e-6
"""Largest difference of fractions that mean one record."""


def _check(points: int, records: int) -> None:
    if points * records > MOST_ROWS:
        raise BadInput(
            f"the figure needs {points * records:,} records; at most {MOST_ROWS:,} are read;"
            " choose fewer with --at"
        )


@dataclass(frozen=True)
class AllFields:
    """The fields of all sources: those that vary as axes, and the values of the others.

    As far as options need it, it is a grid.
    """

    sources: Sequence[LineSource]
    """one or more"""

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """The values of each field in all sources, in the order in which they come."""
        found: dict[str, dict[Any, None]] = {}
        for source in self.sources:
            own = source.fields()
            for name, row in AXES.items():
                for value in own.get(name, (row.default,)):
                    found.setdefault(name, {})[value] = None
        return {name: list(each) for name, each in found.items()}

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The fields that vary, numbers rising."""
        varied = {name: tuple(each) for name, each in self.values.items() if len(each) > 1}
        return tuple(rising(Axis(name, each)) for name, each in varied.items())

    @cached_property
    def base(self) -> dict[str, Any]:
        """The value of each field that does not vary."""
        return {name: each[0] for name, each in self.values.items() if len(each) == 1}

    def blocks(
        self, held: Mapping[str, Any], record: float | None
    ) -> "Iterator[tuple[int, LineSource, PointBlock]]":
        """Give the number, the source and the points of each that has the values `held`."""
        for number, source in enumerate(self.sources):
            own = source.fields()
            chosen, there = {}, True
            for name, value in held.items():
                values = own.get(name, (AXES[name].default,))
                chosen[name] = [k for k, each in enumerate(values) if each == value]
                there = there and bool(chosen[name])
            if there:
                yield number, source, source.blocks(chosen, record)


def rising(axis: Axis) -> Axis:
    """Return an axis whose numbers rise; names keep their order."""
    return axis if axis.named else Axis(axis.name, tuple(sorted(axis.values)))
