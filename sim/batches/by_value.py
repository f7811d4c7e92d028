"""Small clouds moved by value: where a motion takes a value, it takes all tokens that have it.

Drifts of any sigma, radius, direction, seed and steps go together. What several share is made
once: the words of a seed, sorted (sim.clouds.sorted_words), and the classes of a motion
(sim.batches.motion_classes). Clouds are placed in the classes by thresholds of their sigmas, and
none of their coordinates is ever moved.

pair  a cloud and a motion that it takes, which is a drift; some pairs are counted at a time

Bit for bit the counts are those of sim.engines.simulation, and so are the errors.
"""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np

from drift.kernels.exact_sum import scale_exponent
from drift.sim.batches.motion_classes import DrawnEnds, classes_of
from drift.sim.batches.pair_counts import Pair, Records, count_pairs
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
    widest = max(sigma for _, sigma in clouds)
    counting: list[Future[list[tuple[int, dict[int, Counts]]]]] = []
    for motions in _together(drifts, clouds):
        starts, pairs = [], []
        for number, which in enumerate(motions):
            motion = motion_of(drifts[which[0]])
            mine = [_pair(k, clouds[_cloud(drifts[k])], number, motion) for k in which]
            ends = np.array([pair.cloud.ends for pair in mine])
            outermost = np.stack([ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)])
            starts.append(DrawnEnds(motion, outermost))
            pairs += mine
        records = Records.of(drifts[pairs[0].drift])
        classes = classes_of(starts, widest, records.moved)
        tasks = _tasks(pairs, max(1, _SUMS // (len(records.steps) * drifts[0].dims)))
        # While these are counted the next classes are found.
        before = counting
        counting = [pool.submit(count_pairs, words, classes, records, task) for task in tasks]
        for each in before:
            yield from each.result()
    for each in counting:
        yield from each.result()


def _together(drifts: list[Drift], clouds: Clouds) -> Iterator[list[list[int]]]:
    """Give some motions of equally many steps at a time: the numbers of the drifts of each."""
    by_steps: dict[int, dict[object, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k, drift in enumerate(drifts):
        if _cloud(drift) in clouds:
            by_steps[drift.steps][displacement_key(drift)].append(k)
    for by_motion in by_steps.values():
        motions = list(by_motion.values())
        for start in range(0, len(motions), _MOTIONS):
            yield motions[start : start + _MOTIONS]


def _pair(k: int, cloud: SeedCloud, number: int, motion: Motion) -> Pair:
    """Return drift `k` as a pair; raises BadInput where it leaves the range of its format."""
    range_check.check_range(motion, cloud.extent, 1.0, cloud.extremes)
    reached = range_check.largest_reached(motion, cloud.extent, 1.0)
    return Pair(k, cloud, number, scale_exponent(reached))


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


def _tasks(pairs: list[Pair], most: int) -> list[list[Pair]]:
    """Return the pairs, some at a time: those of one grid, cloud by cloud.

    Clouds of one sigma follow each other, so that its table stays in a core's cache.
    """
    pairs = sorted(pairs, key=lambda pair: (pair.exponent, pair.cloud.drift.sigma, pair.cloud.seed))
    tasks: list[list[Pair]] = []
    for pair in pairs:
        if not tasks or len(tasks[-1]) == most or tasks[-1][0].exponent != pair.exponent:
            tasks.append([])
        tasks[-1].append(pair)
    return tasks
