"""Small clouds moved by value: where a motion takes a value, it takes all tokens that have it.

Drifts of any sigma, radius, direction and seed go together. What several share is made once: the
words of a seed, sorted (sim.clouds.sorted_words), and the classes of a motion
(sim.batches.motion_classes). A cloud is placed in the classes by thresholds of its sigma, and none
of its coordinates is ever moved.

Bit for bit the counts are those of sim.engines.simulation, and so are the errors.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple

import numpy as np

from drift.kernels.exact_sum import exact_sums, from_limbs, scale_exponent
from drift.sim import interrupts
from drift.sim.batches.motion_classes import DrawnEnds, MotionClasses, classes_of
from drift.sim.batches.placed_cloud import PlacedCloud
from drift.sim.batches.sizing import SORTED, displacement_key
from drift.sim.batches.token_classes import TokenClasses, cell_counts
from drift.sim.clouds import drawn
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.counting.cells import Counts, count_rows
from drift.sim.engines import range_check
from drift.sim.motions.make import motion_of
from drift.sim.motions.since import RecordSums, mean_change, sums_of
from drift.sim.sampling.thresholds import thresholds
from drift.sim.spec.drift import Drift

_MOTIONS = 16
"""Motions whose classes are kept at a time."""


class SeedCloud:
    """The cloud of the seed and the sigma of `drift`, at step 0; `words` are the seed's.

    Raises BadInput where a draw rounds beyond the largest finite value.
    """

    def __init__(self, drift: Drift, words: SortedWords):
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        self.drift, self.words = drift, words
        self.thresholds = thresholds(drift.sigma, drift.target, drift.smallest_drawn)
        self.ends = np.stack(words.ends(self.thresholds))
        """int64 (2, dims): the lowest and the highest coordinate in each dimension"""
        target, farthest = drift.target, int(np.abs(self.ends).max())
        drawn.refuse_beyond(drift.sigma, target, farthest > target.largest_magnitude)
        self.extent = drift.target.value(np.abs(self.ends).max(axis=0))
        """float64 (dims,): the largest magnitudes"""
        stay = drift.survivors is None
        self.survivor_ranks = None if stay else drawn.survivor_ranks(drift)
        """int64 (tokens,), see sim.clouds.drawn; None where all tokens stay"""

    def extremes(self) -> np.ndarray:
        """Return the smallest and the largest value in each dimension, float64 (2, dims)."""
        target = self.drift.target
        return target.value(target.code_at(self.ends))


def count_by_value(drifts: list[Drift], pool: ThreadPoolExecutor) -> list[dict[int, Counts]]:
    """Return the counts by step of each of `drifts`, which are of one group and have a sigma.

    Raises BadInput as sim.engines.simulation does.
    """
    found: list[dict[int, Counts]] = [{} for _ in drifts]
    if not drifts:
        return found
    seeds = sorted({drift.seed for drift in drifts})
    at_once = max(1, SORTED // (drifts[0].tokens * drifts[0].dims))
    for start in range(0, len(seeds), at_once):
        some = seeds[start : start + at_once]
        for k, counts in _of_seeds(drifts, some, pool):
            found[k] = counts
    return found


def _of_seeds(
    drifts: list[Drift], seeds: list[int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, dict[int, Counts]]]:
    """Give the number and the counts of each of `drifts` that has one of `seeds`."""
    size, records = (drifts[0].tokens, drifts[0].dims), _Records.of(drifts[0])
    words = dict(zip(seeds, pool.map(lambda seed: SortedWords(seed, *size), seeds), strict=True))
    by_cloud: dict[tuple[int, float | None], list[int]] = {}
    by_motion: dict[object, list[int]] = {}
    for k, drift in enumerate(drifts):
        if drift.seed in words:
            by_cloud.setdefault((drift.seed, drift.sigma), []).append(k)
            by_motion.setdefault(displacement_key(drift), []).append(k)
    first = [drifts[which[0]] for which in by_cloud.values()]
    drawn_clouds = pool.map(lambda drift: SeedCloud(drift, words[drift.seed]), first)
    clouds = dict(zip(by_cloud, drawn_clouds, strict=True))
    motions = list(by_motion.values())
    widest = max(drift.sigma or 0 for drift in drifts)

    def moved(some: list[list[int]]) -> list[MotionClasses]:
        starts = []
        for which in some:
            motion = motion_of(drifts[which[0]])
            mine = [clouds[drifts[k].seed, drifts[k].sigma] for k in which]
            for cloud in mine:
                range_check.check_range(motion, cloud.extent, 1.0, cloud.extremes)
            ends = np.array([cloud.ends for cloud in mine])
            outermost = np.stack([ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)])
            starts.append(DrawnEnds(motion, outermost))
        return classes_of(starts, widest, records.moved)

    for start in range(0, len(motions), _MOTIONS):
        some = motions[start : start + _MOTIONS]
        classes: dict[int, MotionClasses] = {}
        for which, each in zip(some, moved(some), strict=True):
            classes |= dict.fromkeys(which, each)
        tasks = []
        for key, which in by_cloud.items():
            if mine := {k: classes[k] for k in which if k in classes}:
                tasks.append((clouds[key], mine))
        for counted in pool.map(lambda task: _count(task[0], task[1], records), tasks):
            yield from counted.items()


class _Records(NamedTuple):
    """The records of all drifts of a group."""

    steps: tuple[int, ...]
    alive: np.ndarray
    """int64 (records,): the tokens that are present"""

    @classmethod
    def of(cls, drift: Drift) -> "_Records":
        steps = drift.record_steps
        return cls(steps, np.array([drift.alive(step) for step in steps]))

    @property
    def moved(self) -> tuple[int, ...]:
        """The steps after step 0."""
        return self.steps[1:] if self.steps[0] == 0 else self.steps


def _count(
    cloud: SeedCloud, moved: dict[int, MotionClasses], records: _Records
) -> dict[int, dict[int, Counts]]:
    """Count the motions that `cloud` takes, by the numbers of their drifts."""
    start = _Start(cloud)
    parts = [_part(start, motion, records) for motion in moved.values()]
    terms = np.concatenate([part.terms for part in parts])
    # Most columns hold limbs that are 0 everywhere.
    radii = exact_sums(terms[:, terms.any(axis=0)]).reshape(len(parts), -1)
    steps, alive, drift = records.steps, records.alive, cloud.drift
    coordinates = alive * drift.dims
    found = {}
    for k, part, along, done in zip(moved, parts, radii, _done(start, parts, alive), strict=True):
        asked, moving = moved[k].asked, moved[k].moving
        if steps[0] == 0:
            asked, moving = np.append(0.0, asked), np.append(0, moving)
        columns = {
            **part.cells,
            "alive": alive,
            "radius": along / alive,
            "stalled": part.stalled / coordinates,
            "asked": asked,
            "done": done,
            "moved": (alive * moving - part.stalled) / coordinates,
        }
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        found[k] = {
            step: Counts(step, **dict(zip(columns, row, strict=True)))
            for step, row in zip(steps, rows, strict=True)
        }
    return found


def _done(start: "_Start", parts: "list[_Part]", alive: np.ndarray) -> np.ndarray:
    """Return how far the mean went since the record before, float64 (parts, records)."""
    every = [
        np.concatenate([start.limbs(part.exponent)[:, None], part.sums], axis=1) for part in parts
    ]
    limbs = np.moveaxis(np.stack(every), 1, 2)
    there = np.broadcast_to(np.append(start.cloud.drift.tokens, alive), limbs.shape[:2])
    exponents = np.array([[part.exponent] for part in parts])
    before = RecordSums(0, there[:, :-1], limbs[:, :-1])
    after = RecordSums(0, there[:, 1:], limbs[:, 1:])
    return mean_change(before, after, np.broadcast_to(exponents, (len(parts), len(alive))))


class _Start:
    """The coordinates of a cloud at step 0, and what is counted and summed of them."""

    def __init__(self, cloud: SeedCloud):
        self.cloud, self._target = cloud, cloud.drift.target
        self._codes = drawn.draw_cloud(cloud.drift, 0, cloud.drift.tokens)
        self._limbs: dict[int, np.ndarray] = {}

    @cached_property
    def cells(self) -> dict[str, int]:
        """The counts of the cells, by their names in the JSON."""
        return count_rows(self._codes, self._target).counts()

    def limbs(self, exponent: int) -> np.ndarray:
        """Return the exact sums of the tokens on a grid, int64 (LIMBS, dims)."""
        if exponent not in self._limbs:
            self._limbs[exponent] = sums_of(self._codes, self._target, exponent)
        return self._limbs[exponent]


class _Part(NamedTuple):
    """A drift at all records."""

    cells: dict[str, np.ndarray]
    stalled: np.ndarray
    terms: np.ndarray
    """float64 (records, terms), whose exact sums are the components along u"""
    sums: np.ndarray
    """int64 (LIMBS, records, dims): the exact sums of the tokens, kernels.exact_sum"""
    exponent: int
    """that of their grid"""


def _part(start: _Start, motion: MotionClasses, records: _Records) -> _Part:
    """Observe the cloud that starts there and takes `motion`."""
    interrupts.give_up_if_pending()
    cloud, tokens = start.cloud, start.cloud.drift.tokens
    exponent = scale_exponent(range_check.largest_reached(motion.motion, cloud.extent, 1.0))
    placed = PlacedCloud(cloud.words, cloud.thresholds, motion, cloud.ends, cloud.survivor_ranks)
    alive = records.alive[-len(records.moved) :]
    sums, stalled = placed.observe(exponent, alive)
    cells = _cells(placed.token_classes(), cloud.survivor_ranks, alive, tokens)
    if len(records.moved) < len(records.steps):
        sums = np.concatenate([start.limbs(exponent)[:, None], sums], axis=1)
        stalled = np.append(0, stalled)
        cells = {name: np.append(start.cells[name], column) for name, column in cells.items()}
    terms = from_limbs(sums, exponent) * motion.motion.u
    along = terms.swapaxes(0, 1).reshape(sums.shape[1], -1)
    return _Part(cells, stalled, along, sums, exponent)


def _cells(
    classes: TokenClasses, ranks: np.ndarray | None, alive: np.ndarray, tokens: int
) -> dict[str, np.ndarray]:
    """Return the counts of the cells at the records after step 0, int64 (records,), by name."""
    found: list[dict[str, np.ndarray]] = []
    for records, among, labels in classes.together(tokens):
        here = alive[records]
        present = np.ones((1, len(among)), bool) if ranks is None else ranks[among] < here[:, None]
        found.append(cell_counts(labels, present, here - present.sum(axis=1)))
    return {name: np.concatenate([part[name] for part in reversed(found)]) for name in found[0]}
