"""Small clouds moved by value: where a motion takes a value, it takes all tokens that have it.

Drifts of any sigma, radius, direction, seed and steps go together. What several share is made
once: the words of a seed, sorted (sim.clouds.sorted_words), and the classes of a motion
(sim.batches.motion_classes). Clouds are placed in the classes by thresholds of their sigmas, and
none of their coordinates is ever moved.

pair  a cloud and a motion that it takes, which is a drift; some pairs are counted at a time

Bit for bit the counts are those of sim.engines.simulation, and so are the errors.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import groupby, repeat

import numpy as np

from drift.kernels.exact_sum import scale_exponent
from drift.sim import forks
from drift.sim.batches.motion_classes import DrawnEnds, classes_of
from drift.sim.batches.pair_counts import Pair, PairTask, Records, by_drift, count_pairs
from drift.sim.batches.seed_cloud import SeedCloud
from drift.sim.batches.sizing import SORTED, displacement_key
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.counting.cells import Counts
from drift.sim.engines import range_check
from drift.sim.motions.make import motion_of
from drift.sim.motions.motion import Motion
from drift.sim.sampling.scaled import ScaledNormal
from drift.sim.sampling.thresholds import thresholds
from drift.sim.spec.drift import Drift

Clouds = dict[tuple[int, float], SeedCloud]
"""Clouds by their seeds and sigmas."""
_MOTIONS = 16
"""Motions whose classes are kept at a time."""
_SCALED = 12
"""Sigmas for which it is worth while to have the normal numbers of the seeds at hand."""
_SUMS = 1 << 17
"""Sums of pairs that are made at a time: records x dims of each."""


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
    words = SortedWords(seeds, drifts[0].tokens, drifts[0].dims, pool)
    clouds = _clouds(drifts, seeds, words)
    for groups in _together(drifts, clouds):
        tasks = [task for group in groups for task in _tasks(drifts, clouds, group)]
        work = partial(count_pairs, words)
        counted: Iterable[tuple[PairTask, dict[str, np.ndarray]]]
        if (processes := forks.processes()) > 1:
            counted = forks.shared(work, tasks, processes)
        else:
            counted = zip(tasks, pool.map(work, tasks), strict=True)
        for task, columns in counted:
            yield from by_drift(task, columns)


def _together(drifts: list[Drift], clouds: Clouds) -> Iterator[list[list[list[int]]]]:
    """Give some motions at a time, grouped by their number of steps: the drifts' numbers of each.

    They are those of `drifts` whose clouds are there.
    """
    by_steps: dict[int, dict[object, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k, drift in enumerate(drifts):
        if _cloud(drift) in clouds:
            by_steps[drift.steps][displacement_key(drift)].append(k)
    groups: list[list[list[int]]] = []
    for by_motion in by_steps.values():
        motions = list(by_motion.values())
        for start in range(0, len(motions), _MOTIONS):
            some = motions[start : start + _MOTIONS]
            if sum(map(len, groups)) + len(some) > _MOTIONS:
                yield groups
                groups = []
            groups.append(some)
    if groups:
        yield groups


def _tasks(drifts: list[Drift], clouds: Clouds, motions: list[list[int]]) -> list[PairTask]:
    """Return the pairs of some motions of equally many steps, given by the drifts of each.

    Clouds of one sigma follow each other, so that its table stays in a core's cache.
    """
    starts, pairs = [], list[Pair]()
    for number, which in enumerate(motions):
        motion = motion_of(drifts[which[0]])
        mine = [clouds[_cloud(drifts[k])] for k in which]
        exponents = _exponents(motion, mine)
        pairs += map(Pair, which, mine, repeat(number), exponents)
        ends = np.array([cloud.ends for cloud in mine])
        outermost = np.stack([ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)])
        starts.append(DrawnEnds(motion, outermost))
    records = Records.of(drifts[pairs[0].drift])
    classes = classes_of(starts, max(sigma for _, sigma in clouds), records.moved)
    most = max(1, _SUMS // (len(records.steps) * drifts[0].dims))
    pairs.sort(key=lambda pair: (pair.exponent, pair.cloud.drift.sigma, pair.cloud.seed))
    tasks: list[PairTask] = []
    for _, of_grid in groupby(pairs, key=lambda pair: pair.exponent):
        some = list(of_grid)
        parts = (some[start : start + most] for start in range(0, len(some), most))
        tasks += (PairTask(classes, records, part) for part in parts)
    return tasks


def _exponents(motion: Motion, clouds: list[SeedCloud]) -> list[int]:
    """Return those of the grids on which clouds that take a motion are summed.

    Raises BadInput where one of them leaves the range of its format.
    """
    extents = np.array([cloud.extent for cloud in clouds])
    reached = range_check.largest_reached(motion, extents, 1.0)
    for k in np.flatnonzero(reached > motion.drift.target.largest).tolist():
        range_check.check_range(motion, clouds[k].extent, 1.0, clouds[k].extremes)
    return list(map(scale_exponent, reached.tolist()))


def _cloud(drift: Drift) -> tuple[int, float]:
    """Return the seed and the sigma of a drift, which its cloud is a function of."""
    assert drift.sigma is not None, "the cloud is a checkpoint's"
    return drift.seed, drift.sigma


def _clouds(drifts: list[Drift], seeds: list[int], words: SortedWords) -> Clouds:
    """Return the clouds of `seeds` that the drifts have."""
    numbers = {seed: k for k, seed in enumerate(seeds)}
    by_sigma: dict[float, dict[int, Drift]] = defaultdict(dict)
    for drift in drifts:
        if drift.seed in numbers:
            by_sigma[_cloud(drift)[1]].setdefault(drift.seed, drift)
    scaled = None
    if len(by_sigma) >= _SCALED:
        scaled = cache(lambda k: ScaledNormal(words.words(k)))
    found = {}
    for sigma, of_seeds in by_sigma.items():
        drift = next(iter(of_seeds.values()))
        table = thresholds(sigma, drift.target, drift.smallest_drawn)
        ends = np.stack(words.ends(table)).reshape(2, len(seeds), -1)
        for seed, drift in of_seeds.items():
            k = numbers[seed]
            found[seed, sigma] = SeedCloud(drift, k, words, ends[:, k], scaled)
    return found
