"""A grid's expectations in a store like that of a sweep, with the same names.

Expected counts are float64; beside them stand the standard deviations of distinct cells and pairs,
and the quantiles of 5 and 95 % of the largest black hole, whose `largest` is the median.
"""

import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from drift.sim import interrupts
from drift.sim.clouds.direction import direction
from drift.sim.predicted.points import check_predictable, predicted_points
from drift.sim.source_digest import short_digest, version
from drift.sim.spec.drift import FIELDS
from drift.sim.stores import lock
from drift.sim.stores.layouts import told
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation
from drift.sim.stores.resume import held
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.kept.swept import Swept
from drift.sim.sweeps.store import EXPECTED, NAMES, PredictedStore, fill

_LIBRARIES = ("bf16-drift", "numpy", "ml-dtypes", "zarr")


class GridArrays(NamedTuple):
    """The expectations at the points of a grid, as arrays."""

    arrays: dict[str, np.ndarray]
    """by its name in the store, float64 (axes …, progress); NaN where a point failed"""
    done: np.ndarray
    """True for each point that is predicted, bool (axes …)"""
    failed: dict[str, list[int]]
    """the numbers of the points that have no prediction, by the reason"""


def grid_arrays(grid: Grid, tell: Callable[[int], None] = lambda done: None) -> GridArrays:
    """Predict every point of a grid; `tell` is told how many are done."""
    shape = *grid.shape, grid.records + 1
    names = {**NAMES, **{name: name for name in EXPECTED}}
    arrays = {stored: np.full(shape, np.nan) for stored in names.values()}
    done, failed = np.zeros(grid.shape, bool), dict[str, list[int]]()
    for point, records, reason in predicted_points(grid, tell=tell):
        at = np.unravel_index(point, grid.shape) if grid.shape else ()
        if reason:
            failed.setdefault(reason, []).append(point)
            continue
        for name, stored in names.items():
            arrays[stored][*at] = [getattr(record, name) for record in records]
        done[*at] = True
    return GridArrays(arrays, done, failed)


def predict_grid(
    grid: Grid,
    out: AnyLocation,
    *,
    overwrite: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> Swept:
    """Predict every point of `grid` into the store `out`, and return the result.

    `tell` is told how many points are done. A complete store of the same grid is returned as it
    is. Raises BadInput, with nothing written, for a grid that has no exact form, and for an `out`
    that is in the way (unless `overwrite`); Unfinished where it can't be written.
    """
    started, out = time.monotonic(), locate(out)
    check_predictable(grid)
    inputs = _inputs(grid)
    with lock.held(out):
        known = held(PredictedStore, out, grid.fields, overwrite)
        if known is not None and known.finished and known.attrs["inputs"] == inputs:
            return Swept(known, {"total": time.monotonic() - started}, was_complete=True)
        found = grid_arrays(grid, tell)
        with interrupts.delay_signals():
            about = {
                "versions": {name: version(name) for name in _LIBRARIES},
                "sources": short_digest(),
                "inputs": inputs,
            }
            first = {"kind": PredictedStore.kind, "layout": PredictedStore.layout}
            with out.begin(told.written({**about, **first, "complete": False})) as group:
                fill(group, grid, predicted=True)
            store = PredictedStore(out, writing=True)
            for stored, values in (*found.arrays.items(), ("done", found.done)):
                store.array(stored)[...] = values
            reasons = [
                {"reason": why, "cells": sorted(points)} for why, points in found.failed.items()
            ]
            store.update(failed=reasons, complete=bool(found.done.all()))
    return Swept(PredictedStore(out), {"total": time.monotonic() - started})


def _inputs(grid: Grid) -> dict[str, str]:
    """Return the SHA-256 of the vectors that direction files hold, by their names."""
    found = {}
    for name in grid.fields["direction"]:
        if name not in FIELDS["direction"].choices:
            for dims in grid.fields["dims"]:
                found[name] = hashlib.sha256(direction(name, dims).tobytes()).hexdigest()
    return found
