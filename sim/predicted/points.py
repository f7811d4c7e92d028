"""The expectations at every point of a grid.

motion   the points that differ in sigma, tokens and survivors alone; their values go one way, and
         one transport serves them
failed   of a point: it has no prediction, since its drift would leave the format's range
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from drift.sim.errors import BadInput
from drift.sim.prediction.expected import Expected, expect
from drift.sim.prediction.supported import ROWS, check_supported, refuse_unsupported
from drift.sim.prediction.transport import Transport
from drift.sim.spec.axis import Axis
from drift.sim.spec.drift import Drift
from drift.sim.spec.rules import recorded
from drift.sim.sweeps.grid import Grid, drift_of

_WITHIN = ("sigma", "tokens", "survivors")
"""The axes along which points share a motion."""
_MOST_RECORDS = 5_000_000
"""Most records of all points together."""


class PointRecords(NamedTuple):
    """The prediction of one point."""

    point: int
    """its number in the grid"""
    records: list[Expected]
    """the expectations at the grid's records, some of which may be of one step"""
    reason: str
    """why there are none; empty where there are"""


def check_predictable(grid: Grid) -> None:
    """Raise BadInput for a grid with too many records, and where a point has no exact form."""
    if "from" in grid.fields and grid.fields["from"] != (None,):
        refuse_unsupported(ROWS)
    records = len(grid) * (grid.records + 1)
    if records > _MOST_RECORDS:
        raise BadInput(
            f"the grid has {len(grid):,} points of {grid.records + 1:,} records each; at most"
            f" {_MOST_RECORDS:,} records are predicted at once; --records 1 counts the ends alone"
        )
    for _, drift in _motions(grid):
        check_supported(drift)


def predicted_points(
    grid: Grid, spectra: bool = False, tell: Callable[[int], None] = lambda done: None
) -> Iterator[PointRecords]:
    """Yield the prediction of every point, motion by motion; `tell` is told how many are done.

    Raises BadInput as `check_predictable` does.
    """
    check_predictable(grid)
    done = 0
    for at, drift in _motions(grid):
        for found in _of_motion(grid, at, drift, spectra):
            yield found
            done += 1
        tell(done)


def _motions(grid: Grid) -> Iterator[tuple[dict[str, int], Drift]]:
    """Yield each motion: the index of every axis but those within, and its first drift."""
    outer = [axis for axis in grid.axes if axis.name not in _WITHIN]
    first = {axis.name: axis.values[0] for axis in grid.axes}
    for index in np.ndindex(*(len(axis.values) for axis in outer)):
        at = {axis.name: k for axis, k in zip(outer, index, strict=True)}
        own = {axis.name: axis.values[k] for axis, k in zip(outer, index, strict=True)}
        yield at, drift_of({**grid.base, **first, **own})


def _of_motion(
    grid: Grid, at: dict[str, int], drift: Drift, spectra: bool
) -> Iterator[PointRecords]:
    steps = recorded(drift.steps, grid.records)
    once = sorted(set(steps))
    counts = [axis for axis in grid.axes if axis.name in _WITHIN and axis.name != "sigma"]
    sigmas = next((axis for axis in grid.axes if axis.name == "sigma"), None)
    every: Sequence[Any] = sigmas.values if sigmas else [drift.sigma]
    transport: Transport | None = None
    for index in np.ndindex(*(len(axis.values) for axis in counts)):
        here = at | {axis.name: k for axis, k in zip(counts, index, strict=True)}
        try:
            mine = _with(drift, counts, index)
            sizes, reasons, transport = _in_range(mine, every, transport)
        except BadInput as error:
            sizes, reasons = [], dict.fromkeys(every, str(error))
        rows = expect(mine, once, sizes, spectra, transport) if sizes else []
        known = dict(zip(sizes, rows, strict=True))
        for k, sigma in enumerate(every):
            found = {each.step: each for each in known.get(sigma, ())}
            place = here | ({"sigma": k} if sigmas else {})
            point = _number(grid, place)
            yield PointRecords(point, [found[s] for s in steps if found], reasons.get(sigma, ""))


def _with(drift: Drift, counts: Sequence[Axis], index: tuple[int, ...]) -> Drift:
    values = {axis.name: axis.values[k] for axis, k in zip(counts, index, strict=True)}
    return replace(drift, **values)


def _in_range(
    drift: Drift, sigmas: Sequence[float], known: Transport | None
) -> tuple[list[float], dict[float, str], Transport | None]:
    """Return the sigmas whose drifts are likely to stay in range, why others aren't, and a
    transport that serves the former.
    """
    reasons: dict[float, str] = {}
    inside = sorted(sigmas)
    while inside:
        try:
            transport = Transport(replace(drift, sigma=inside[-1]))
        except BadInput as error:
            reasons[inside.pop()] = str(error)
            continue
        # One that was moved for other tokens serves as well, and need not be moved again.
        serves = known is not None and known.sigma >= inside[-1]
        return inside, reasons, known if serves else transport
    return inside, reasons, known


def _number(grid: Grid, place: dict[str, int]) -> int:
    """Return the number of the point at an index of each axis."""
    index = tuple(place[axis.name] for axis in grid.axes)
    return int(np.ravel_multi_index(index, grid.shape)) if index else 0


def listed(grid: Grid, points: Iterator[PointRecords]) -> list[PointRecords]:
    """Return the predictions in the order of the grid's points."""
    return sorted(points, key=lambda each: each.point)


def axis_values(grid: Grid) -> list[dict[str, Any]]:
    """Return the values of the axes at every point, in order."""
    names = [axis.name for axis in grid.axes]
    every = itertools.product(*(axis.values for axis in grid.axes))
    return [dict(zip(names, values, strict=True)) for values in every]
