"""The expected counts of a slice of a sweep, averaged as those of clouds are, and its onsets.

An expectation is over the seeds of clouds. Each seed of a random direction has an expectation of
its own; as for counts, their mean is taken over the grid points that are done.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from drift.experiments.figures.expected import ExpectedPairs, PairsRequest, not_predicted
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.sim.spec.rules import recorded
from drift.sim.sweeps.grid import drift_of

_SHOWN = ("radius", "distinct", "largest", "pairs", "alive")


class ExpectedInSlice(NamedTuple):
    """The expected counts at the points of a slice."""

    values: dict[str, np.ma.MaskedArray]
    """by name, float64 (*shape of the shown axes, records); masked without prediction. That of
    `radius` is the radius reached, that of `largest` the mean of medians"""
    notes: list[str]
    """parts of a caption on missing predictions"""


class Onsets(NamedTuple):
    """The sigma at which one pair is expected, for each value of the shown axis beside sigma."""

    sigmas: np.ndarray
    """float64 (values,), or (1,); NaN where there is no such sigma, or no prediction"""
    predicted: bool
    """True where any of them is predicted"""
    notes: list[str]
    """parts of a caption on missing predictions"""


def expected_in_slice(
    sweep_slice: SweepSlice, records: list[int], expected_pairs: ExpectedPairs
) -> ExpectedInSlice:
    """Return the expected counts of a slice in some records."""
    done, requests = _requests(sweep_slice, records, ())
    shape = (*done.shape, len(records))
    values = {name: np.ma.masked_all(shape) for name in _SHOWN}
    found, reasons = expected_pairs.at_steps(requests)
    for at, rows in zip(np.argwhere(done), found, strict=True):
        if rows:
            for name, each in values.items():
                each[*at] = [getattr(row, name) for row in rows]
    weights = np.broadcast_to(done[..., None], shape)
    notes = not_predicted(reasons, any(found))
    return ExpectedInSlice({n: _mean(each, weights) for n, each in values.items()}, notes)


def expected_onsets(sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs) -> Onsets:
    """Return the onsets in a record of a slice that shows sigma, as geometric means."""
    done, requests = _requests(sweep_slice, [record], ("sigma",))
    logs = np.full(done.shape, np.nan)
    found, reasons = expected_pairs.onsets(requests)
    for at, sigma in zip(np.argwhere(done), found, strict=True):
        logs[*at] = math.nan if sigma is None else math.log(sigma)
    predicted = any(sigma is None or not math.isnan(sigma) for sigma in found)
    means = np.ma.MaskedArray(logs, done == 0).mean(axis=-1)
    sigmas = np.exp(np.ma.filled(means, np.nan)).ravel()
    return Onsets(sigmas, predicted, not_predicted(reasons, predicted))


def _mean(values: np.ma.MaskedArray, weights: np.ndarray) -> np.ma.MaskedArray:
    """Return the weighted mean over direction seeds, the last axis but one."""
    total = (values * weights).sum(axis=-2)
    return total / np.where(values.mask, 0, weights).sum(axis=-2)


def _requests(
    sweep_slice: SweepSlice, records: list[int], left_out: tuple[str, ...]
) -> tuple[np.ndarray, list[PairsRequest]]:
    """Return how many grid points are done, and a request wherever some are, in that order.

    The counts are int64 (*shown axes but those `left_out`, direction seeds).
    """
    directions = [axis for axis in sweep_slice.averaged if axis.name == "direction_seed"]
    over = tuple(sweep_slice.names.index(name) for name in left_out)
    seeds = directions[0].values if directions else (None,)
    done = sweep_slice.done.reshape(*sweep_slice.shape[:-1], -1, len(seeds)).sum(axis=(*over, -2))
    shown = [axis for axis in sweep_slice.shown_axes if axis.name not in left_out]
    requests = []
    for *at, seed in np.argwhere(done):
        values = {axis.name: axis.values[k] for axis, k in zip(shown, at, strict=True)}
        if directions:
            values["direction_seed"] = seeds[seed]
        requests.append(request_for_point(sweep_slice, values, records))
    return done, requests


def request_for_point(
    sweep_slice: SweepSlice, values: dict[str, Any], records: list[int]
) -> PairsRequest:
    """Return the request for the grid points at these values of the shown axes."""
    grid = sweep_slice.store.grid
    at = {axis.name: axis.values[sweep_slice.fixed.get(axis.name, 0)] for axis in grid.axes}
    fields = {**grid.base, **at, **values}
    steps = [recorded(fields["steps"], grid.records)[record] for record in records]
    if fields.get("from") is not None:  # a checkpoint, which may be gone by now
        return PairsRequest(None, steps, None)
    digest = sweep_slice.store.attrs.get("inputs", {}).get(fields["direction"])
    return PairsRequest(drift_of(fields), steps, digest)
