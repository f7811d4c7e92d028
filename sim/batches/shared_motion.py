"""Small clouds that take equal displacements: a value goes where it goes in all of them.

replica  one of the clouds (sim.batches.stacked); their tokens are numbered one after another
start    all values that occur, in every dimension as far out as a replica reaches there
base     the classes (kernels.value_map) at the first record after step 0, cut where its last
         step begins or ceases to leave values where they are. All later classes are made
         of base classes, so every token is classified once, and only base classes are moved

Tokens are compared only at the records whose cells do not follow from those of others
(sim.counting.partition).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels import row_hash
from drift.kernels.exact_sum import LIMBS, MOST_ROWS
from drift.kernels.exact_sum_jax import limb_sums
from drift.kernels.formats import Format
from drift.kernels.rounding import merge_zeros, widen
from drift.kernels.row_hash_jax import as_words, fingerprint, weights
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.iterate import StepwiseMap
from drift.sim import interrupts
from drift.sim.batches.stacked import Replica, StackedTokens
from drift.sim.batches.token_classes import TokenClasses
from drift.sim.counting.cells import CellCounts, Counts
from drift.sim.counting.partition import bisected_partitions
from drift.sim.devices import compilation
from drift.sim.engines.leap import limbs_by_rank
from drift.sim.engines.leap_rows import transposed
from drift.sim.spec.drift import Drift

_AT_ONCE = 16
"""Replicas that one call observes, while the next ones are drawn."""


@compilation.tracked
@partial(jax.jit, static_argnames="target")
def _observe(
    codes: jax.Array, scales: jax.Array, lanes: jax.Array, target: Format
) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Return limbs, LIMBS x (replicas, dims), fingerprints, and whether each code occurs.

    Fingerprints are uint32 (replicas, tokens, 2), the last bool (codes,).
    """

    def one(replica: tuple[jax.Array, jax.Array]) -> tuple[tuple[jax.Array, ...], jax.Array]:
        mine, scale = replica
        cells = merge_zeros(mine, target)
        limbs = limb_sums(widen(mine, target), jnp.ones(len(mine), bool), scale)
        return limbs, fingerprint(cells, lanes)

    limbs, prints = lax.map(one, (codes, scales))
    return limbs, prints, jnp.zeros(1 << target.width, bool).at[codes.reshape(-1)].set(True)


class SharedStart:
    """The clouds of `drifts` at step 0. Raises BadInput as sim.engines.simulation does."""

    def __init__(self, drifts: list[Drift]):
        replicas: list[Replica] = []
        observations = []
        for first in range(0, len(drifts), _AT_ONCE):
            drawn = [Replica(drift) for drift in drifts[first : first + _AT_ONCE]]
            observations.append(_observe_replicas(drawn))  # which goes on beside the next draws
            replicas += drawn
        self.cloud, drift = StackedTokens(replicas), drifts[0]
        self.target, self.tokens = drift.target, drift.tokens
        self.columns = np.empty((drift.dims, len(self.cloud.of)), self.target.storage)
        """codes (dims, tokens): transposed, since tokens are classified dimension by dimension"""
        for k, replica in enumerate(replicas):
            mine = slice(k * self.tokens, (k + 1) * self.tokens)
            self.columns[:, mine] = transposed(replica.codes)
        self.extent = np.max([replica.extent for replica in replicas], axis=0)
        """float64 (dims,): the largest magnitude in each dimension"""
        limbs, prints, occurs = zip(*observations, strict=True)
        there = np.flatnonzero(np.any(occurs, axis=0)).astype(self.target.storage)
        self.ranks = np.sort(self.target.rank_of(there))
        """all ranks that occur in some dimension, rising"""
        sums = [np.stack(each, axis=1) for each in limbs]
        self.limbs = np.concatenate(sums)[: len(replicas)].astype(np.int64)
        """int64 (replicas, LIMBS, dims): the exact sums of the tokens, kernels.exact_sum"""
        self._prints = as_words(np.concatenate(prints).reshape(-1, 2))

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        row_bytes = self.columns.itemsize * len(self.columns)

        def take(some: np.ndarray) -> np.ndarray:
            return self.columns[:, some].T

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return row_hash.equal(take, a, b, row_bytes, self.target)

        return self.cloud.representatives(tokens, lambda some: self._prints[some], equal)


def _observe_replicas(
    replicas: list[Replica],
) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Observe up to _AT_ONCE replicas; the last one stands for those that are missing."""
    full = replicas + replicas[-1:] * (_AT_ONCE - len(replicas))
    codes = np.stack([replica.codes for replica in full])
    scales = np.array([np.ldexp(1.0, replica.exponent) for replica in full], np.float32)
    lanes, target = weights(codes.shape[2]), replicas[0].drift.target
    return _observe(codes, scales, lanes, target=target)


class SharedMotion:
    """The clouds of `start`, moved from record to record."""

    def __init__(self, start: SharedStart):
        self._replicas, self._of = start.cloud.replicas, start.cloud.of
        drift, motion = self._replicas[0].drift, self._replicas[0].motion
        self._target, self._codes = start.target, start.columns
        self._present = np.ones(len(self._of), bool)
        self._start = self._classes = _start_classes(start)
        steps, rounding = (0, drift.steps), drift.rounding
        self._map = StepwiseMap(
            self._start, motion.displacements, steps, self._target, rounding, motion.falling
        )
        self._base: ValueClasses | None = None

    def observe(self, step: int, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move on to `step`, and observe the tokens that are `present`, bool (tokens,).

        Returns how many coordinates of each replica the last step left where they were,
        int64 (replicas,), and the exact sums of their tokens, integers (replicas, LIMBS, dims),
        each on its own grid: kernels.exact_sum. Tokens may leave but not come back.
        """
        for _ in self._map.approach(step):
            interrupts.give_up_if_pending()
        self._classes, stalled_classes = self._map.to(step)
        if self._base is None:
            self._base = _base(self._start, stalled_classes, self._classes)
            self.token_classes = self._classified(self._base)
            # Limbs of so few tokens sum up to an int32, which halves what is read and written.
            dtype = np.int32 if self._replicas[0].drift.tokens <= MOST_ROWS else np.int64
            self._populations = self.token_classes.populations(len(self._replicas)).astype(dtype)
        left = np.flatnonzero(self._present & ~present)
        if len(left):
            gone = self.token_classes.populations_of(left, self._of[left], len(self._replicas))
            self._populations = self._populations - gone.astype(self._populations.dtype)
        self._present = present
        among = (
            np.searchsorted(stalled_classes.first_value, self._base.first_value, side="right") - 1
        )
        stalled = self._populations[:, stalled_classes.values[among]].sum(axis=1)
        return stalled, self._limbs()

    def numbers(self) -> np.ndarray:
        """Return ranks of base classes by now, (classes,), -0 as +0; they rise in a dimension."""
        assert self._base is not None, "nothing has been observed yet"
        classes, zero = self._classes, self._target.storage.type(self._target.sign)
        below = classes.values == zero - self._target.storage.type(1)
        sizes = np.diff(self._of_base(classes), append=len(self._base.first_value))
        return np.repeat(np.where(below, zero, classes.values), sizes)

    def _classified(self, base: ValueClasses) -> TokenClasses:
        """Put every token in its base class."""
        dtype, sign = np.min_scalar_type(base.sizes.max() - 1), self._target.sign
        columns = np.empty(self._codes.shape, dtype)
        for dim, column in enumerate(columns):
            firsts = base.values[slice(*base.bounds[dim : dim + 2])].astype(np.int64)
            firsts[0] = 0  # no token is below the first class
            sizes = np.diff(firsts, append=2 * sign)
            of_rank = np.repeat(np.arange(len(firsts), dtype=dtype), sizes)
            of_code = np.concatenate([of_rank[sign:], of_rank[:sign][::-1]])
            of_code.take(self._codes[dim], out=column, mode="clip")
        return TokenClasses(columns, base.bounds)

    def _of_base(self, classes: ValueClasses) -> np.ndarray:
        """Return the first base class that each class of a later `classes` is made of, int64."""
        assert self._base is not None, "nothing has been observed yet"
        return np.searchsorted(self._base.first_value, classes.first_value)

    def _limbs(self) -> np.ndarray:
        classes, dtype = self._classes, self._populations.dtype
        population = np.add.reduceat(self._populations, self._of_base(classes), axis=1, dtype=dtype)
        grids = np.array([replica.exponent for replica in self._replicas])
        sums = np.empty((len(grids), LIMBS, len(classes.sizes)), dtype)
        # Replicas of one grid share a table of limbs; each limb is then one sum by class.
        for grid in np.unique(grids).tolist():
            mine = grids == grid
            for k, limb in enumerate(limbs_by_rank(self._target, grid)):
                weighted = population[mine] * limb.take(classes.values).astype(dtype)
                sums[mine, k] = np.add.reduceat(weighted, classes.bounds[:-1], axis=1, dtype=dtype)
        return sums


def _start_classes(start: SharedStart) -> ValueClasses:
    """Return the classes of the start."""
    values = start.target.value(start.target.code_of_rank(start.ranks))
    lowest = np.searchsorted(values, -start.extent, side="left")
    sizes = np.searchsorted(values, start.extent, side="right") - lowest
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    every = np.arange(bounds[-1])
    return ValueClasses(bounds, every, start.ranks[every + np.repeat(lowest - bounds[:-1], sizes)])


def _base(
    start: ValueClasses, stalled_classes: ValueClasses, classes: ValueClasses
) -> ValueClasses:
    """Return the base: `classes`, cut where `stalled_classes` begin and cease to be stalled."""
    cut = np.zeros(len(start.first_value) + 1, bool)
    cut[classes.first_value] = True
    ends = np.append(stalled_classes.first_value, len(start.first_value))
    cut[ends[:-1][stalled_classes.values]] = cut[ends[1:][stalled_classes.values]] = True
    at = np.flatnonzero(cut[:-1])
    return ValueClasses(np.searchsorted(at, start.bounds), at, start.values[at])


def count_shared(start: SharedStart) -> list[dict[int, Counts]]:
    """Return the counts of each drift by step, bit for bit those of sim.engines.simulation."""
    cloud, drift = start.cloud, start.cloud.replicas[0].drift
    steps, stalled, limbs, numbers = drift.record_steps, [], [], []
    if steps[0] == 0:
        stalled.append(np.zeros(len(cloud.replicas), np.int64))
        limbs.append(start.limbs)
        numbers.append(np.zeros(0))
    motion = SharedMotion(start)
    for step in steps[len(numbers) :]:
        stayed, sums = motion.observe(step, cloud.present(step))
        stalled.append(stayed)
        limbs.append(sums)
        numbers.append(motion.numbers())

    def representatives(record: int, tokens: np.ndarray) -> np.ndarray:
        if not steps[record]:
            return start.representatives(tokens)
        token_classes, here = motion.token_classes, numbers[record]
        return cloud.representatives(
            tokens,
            lambda some: token_classes.fingerprints(here, some),
            lambda a, b: token_classes.equal(here, a, b),
        )

    found: list[dict[int, Counts]] = [{} for _ in cloud.replicas]
    last, counts = None, {}
    for record, after in enumerate(bisected_partitions(len(cloud.of), len(steps), representatives)):
        if after is not last or drift.survivors is not None:
            cells = CellCounts.of_representatives(after[cloud.present(steps[record])])
            counts = cloud.counts_by_replica(cells)
        last = after
        at = cloud.counts(steps[record], counts, limbs[record], stalled[record])
        for mine, one in zip(found, at, strict=True):
            mine[steps[record]] = one
    return found
