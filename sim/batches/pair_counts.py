"""The counts of clouds that take motions: the numbers of several pairs stand side by side.

pair  a cloud and a motion that it takes, which is a drift
"""

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from drift.kernels.exact_sum import exact_sums, from_limbs
from drift.sim import interrupts
from drift.sim.batches.motion_classes import MotionClasses
from drift.sim.batches.placed_clouds import PlacedClouds
from drift.sim.batches.seed_cloud import SeedCloud
from drift.sim.batches.sides import count_cells
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.counting.cells import Counts
from drift.sim.motions.since import RecordSums, mean_change
from drift.sim.spec.drift import Drift


class Records(NamedTuple):
    """The records of all drifts of a group."""

    steps: tuple[int, ...]
    """rising"""
    alive: np.ndarray
    """int64 (records,): the tokens that are present"""

    @classmethod
    def of(cls, drift: Drift) -> "Records":
        """Return those of a drift."""
        steps = drift.record_steps
        return cls(steps, np.array([drift.alive(step) for step in steps]))

    @property
    def moved(self) -> tuple[int, ...]:
        """The steps after step 0."""
        return self.steps[1:] if self.steps[0] == 0 else self.steps


class Pair(NamedTuple):
    """A cloud and a motion that it takes."""

    drift: int
    """the number of the drift"""
    cloud: SeedCloud
    """the cloud"""
    motion: int
    """the number of the motion"""
    exponent: int
    """that of the grid of its sums, kernels.exact_sum"""


class PairTask(NamedTuple):
    """Pairs that are counted in one go."""

    classes: MotionClasses
    """the classes of their motions"""
    records: Records
    """their records"""
    pairs: list[Pair]
    """those of one grid, cloud by cloud"""


def count_pairs(words: SortedWords, task: PairTask) -> dict[str, np.ndarray]:
    """Return the counts of the pairs of a task by their names, (pairs, records)."""
    interrupts.give_up_if_pending()
    motions, records, pairs = task
    clouds = [pair.cloud for pair in pairs]
    columns = _after_start(words, motions, pairs, records.alive[-len(records.moved) :])
    if records.steps[0] == 0:
        tokens = clouds[0].drift.tokens
        start = {name: [cloud.cells[name] for cloud in clouds] for name in clouds[0].cells}
        start["alive"] = [tokens] * len(pairs)
        for name, column in columns.items():
            if name != "radius":
                first = np.array(start.get(name, [0] * len(pairs)), column.dtype)
                columns[name] = np.concatenate([first[:, None], column], axis=1)
    else:
        columns["radius"] = columns["radius"][:, 1:]
    return columns


def by_drift(task: PairTask, columns: dict[str, np.ndarray]) -> list[tuple[int, dict[int, Counts]]]:
    """Return the number of the drift of each pair of a task, with its counts, of `columns`."""
    records = task.records
    listed = [columns[each.name].tolist() for each in fields(Counts)[1:]]
    found = []
    for pair, *rows in zip(task.pairs, *listed, strict=True):
        counts = map(Counts, records.steps, *rows)
        found.append((pair.drift, dict(zip(records.steps, counts, strict=True))))
    return found


def _after_start(
    words: SortedWords, motions: MotionClasses, pairs: list[Pair], alive: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the counts at the records after step 0, (pairs, records), by their JSON names.

    The radius is that of step 0 too, (pairs, 1 + records).
    """
    clouds, which = [pair.cloud for pair in pairs], [pair.motion for pair in pairs]
    drift, exponent = clouds[0].drift, pairs[0].exponent
    placed = PlacedClouds(words, motions, clouds, which)
    sums, stalled = placed.observe(exponent, alive)
    # Of step 0 all limbs are needed, of the others mostly two.
    first = np.stack([cloud.limbs(exponent) for cloud in clouds], axis=1)[:, :, None]
    start = np.concatenate([first, np.zeros_like(first)], axis=2)
    start[: len(sums), :, 1] = sums[:, :, 0]
    everyone = np.append(drift.tokens, alive)
    coordinates = alive * drift.dims
    leaving = None
    if drift.survivors is not None:
        leaving = np.array([cloud.survivor_ranks for cloud in clouds])
    u = np.stack([motions.motions[k].u for k in which])
    return {
        **count_cells(placed.boundaries, words.positions, len(pairs), alive, leaving),
        "alive": np.broadcast_to(alive, stalled.shape),
        "radius": _both(_along(first, u, exponent), _along(sums, u, exponent)) / everyone,
        "stalled": stalled / coordinates,
        "asked": motions.asked[which],
        "done": _both(_done(start, everyone[:2], exponent), _done(sums, alive, exponent)),
        "moved": (alive * motions.moving[which] - stalled) / coordinates,
    }


def _both(first: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Return what was found of step 0 and what was found later, side by side, (pairs, records)."""
    return np.concatenate([first, later], axis=1)


def _along(sums: np.ndarray, u: np.ndarray, exponent: int) -> np.ndarray:
    """Return the sums of the components along `u`, float64 (pairs, dims); (pairs, records)."""
    terms = np.concatenate([limb * u[:, None] for limb in from_limbs(sums, exponent)], axis=2)
    return exact_sums(terms.reshape(-1, terms.shape[2])).reshape(sums.shape[1:3])


def _done(sums: np.ndarray, everyone: np.ndarray, exponent: int) -> np.ndarray:
    """Return how far the means went since the record before, float64 (pairs, records - 1).

    `sums` are int64 (limbs, pairs, records, dims), of `everyone`, int64 (records,).
    """
    limbs = np.moveaxis(sums, 0, 2)
    there = np.broadcast_to(everyone, limbs.shape[:2])
    before = RecordSums(0, there[:, :-1], limbs[:, :-1])
    return mean_change(before, RecordSums(0, there[:, 1:], limbs[:, 1:]), exponent)
