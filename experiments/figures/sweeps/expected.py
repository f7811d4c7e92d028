"""What is to be expected of the cells of a section: of pairs as they are averaged, and the onset.

Seeds of clouds are what an expectation is over; a random direction's seeds have one each,
of which the mean is taken over the cells that are done, as it is of what was counted.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from drift.experiments.figures.expected import ExpectedPairs, PairsRequest, note
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.sim.spec.drift import recorded
from drift.sim.sweeps.grid import drift_of


class ExpectedInSlice(NamedTuple):
    """Of the pairs; masked where they are not predicted."""

    reached: np.ma.MaskedArray
    """float64 (*shape of the shown axes, records)"""
    pairs: np.ma.MaskedArray
    notes: list[str]
    """for a caption"""


class Onsets(NamedTuple):
    """The sigma at which one pair is expected, for each value of the shown axis beside sigma."""

    sigmas: np.ndarray
    """float64 (values,), or (1,); NaN where there is none, or no prediction"""
    predicted: bool
    """whether any of them is"""
    notes: list[str]


def expected_in_slice(
    sweep_slice: SweepSlice, records: list[int], expected_pairs: ExpectedPairs
) -> ExpectedInSlice:
    """What is expected in `records` of the cells that are shown."""
    done, asked = _asked(sweep_slice, records, ())
    shape = (*done.shape, len(records))
    reached, pairs = (np.ma.masked_all(shape) for _ in range(2))
    found, whys = expected_pairs.expected(asked)
    for place, rows in zip(np.argwhere(done), found, strict=True):
        if rows:
            reached[*place] = [row.radius for row in rows]
            pairs[*place] = [row.pairs for row in rows]
    weights = np.broadcast_to(done[..., None], shape)
    return ExpectedInSlice(_mean(reached, weights), _mean(pairs, weights), note(whys, any(found)))


def expected_onsets(sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs) -> Onsets:
    """Where one pair is expected in a record of a section that shows sigma; geometric means."""
    done, asked = _asked(sweep_slice, [record], ("sigma",))
    logs = np.full(done.shape, np.nan)
    found, whys = expected_pairs.onset(asked)
    for place, sigma in zip(np.argwhere(done), found, strict=True):
        logs[*place] = math.nan if sigma is None else math.log(sigma)
    predicted = any(sigma is None or not math.isnan(sigma) for sigma in found)
    means = np.ma.MaskedArray(logs, done == 0).mean(axis=-1)
    return Onsets(np.exp(np.ma.filled(means, np.nan)).ravel(), predicted, note(whys, predicted))


def _mean(values: np.ma.MaskedArray, weights: np.ndarray) -> np.ma.MaskedArray:
    """Over direction seeds, the last axis but one."""
    total = (values * weights).sum(axis=-2)
    return total / np.where(values.mask, 0, weights).sum(axis=-2)


def _asked(
    sweep_slice: SweepSlice, records: list[int], left_out: tuple[str, ...]
) -> tuple[np.ndarray, list[PairsRequest]]:
    """How many cells are done, int64 (*shown but what is left out, direction seeds), and what
    is asked where some are, in that order."""
    directions = [axis for axis in sweep_slice.averaged if axis.name == "direction_seed"]
    over = tuple(sweep_slice.names.index(name) for name in left_out)
    seeds = directions[0].values if directions else (None,)
    done = sweep_slice.done.reshape(*sweep_slice.shape[:-1], -1, len(seeds)).sum(axis=(*over, -2))
    shown = [axis for axis in sweep_slice.shown_axes if axis.name not in left_out]
    asked = []
    for *place, which in np.argwhere(done):
        values = {axis.name: axis.values[k] for axis, k in zip(shown, place, strict=True)}
        if directions:
            values["direction_seed"] = seeds[which]
        asked.append(request_for_point(sweep_slice, values, records))
    return done, asked


def request_for_point(
    sweep_slice: SweepSlice, values: dict[str, Any], records: list[int]
) -> PairsRequest:
    """What is asked of the cells of these values of shown axes."""
    grid = sweep_slice.store.grid
    at = {axis.name: axis.values[sweep_slice.fixed.get(axis.name, 0)] for axis in grid.axes}
    fields = {**grid.base, **at, **values}
    steps = [recorded(fields["steps"], grid.records)[record] for record in records]
    if fields.get("from") is not None:  # a checkpoint, which need not be there any more
        return PairsRequest(None, steps, None)
    used = sweep_slice.store.attrs.get("inputs", {}).get(fields["direction"])
    return PairsRequest(drift_of(fields), steps, used)
