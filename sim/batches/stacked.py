"""Drifts of one group whose clouds move side by side on a device, and are counted as one.

replica  one of the drifts
slot     the place of its cloud on the device; some may be left over, so that one compiled
         program serves any number of replicas
window   the most steps of one call; there are two, so that few programs serve all steps

To be counted the tokens of all replicas are numbered one after another. Tokens of different
replicas never share a cell.
"""

import math
from functools import cache, partial
from typing import Any

import jax
import numpy as np

from drift.kernels import row_hash
from drift.kernels.exact_sum import exact_sums, from_limbs, scale_exponent
from drift.kernels.formats import Arithmetic
from drift.kernels.row_hash_jax import as_words, weights
from drift.kernels.stepping.batch import step_batch
from drift.kernels.stepping.block import BLOCK, NO_MOVE, BlockResult, Path
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim.clouds import drawn
from drift.sim.clouds.direction import exact_mean
from drift.sim.clouds.initial import extremes, initial_cloud
from drift.sim.counting.cells import CellCounts, Counts
from drift.sim.counting.coalesce import Equal, Fingerprint, coalesce
from drift.sim.counting.partition import Partition
from drift.sim.devices.shards import jitted
from drift.sim.engines import range_check
from drift.sim.engines.choose import has_monotone_steps
from drift.sim.motions.make import motion_of
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import keys

_SHORT, _LONG = 16, BLOCK
"""The two windows, in steps."""
_TILE, _WIDE = 4, 1024
"""Token rows moved at once, twice as many where rows are not wide; the dims of wide rows."""


class Replica:
    """A drift whose cloud is there and whose range is checked.

    Raises BadInput as sim.engines.simulation does.
    """

    def __init__(self, drift: Drift):
        self.drift, start = drift, initial_cloud(drift)
        mean = partial(exact_mean, start.codes, drift.tokens, drift.dims, drift.target)
        self.motion = motion_of(drift, mean)
        self.u = self.motion.u
        self.strengths, self.survivor_ranks = drawn.strengths(drift), drawn.survivor_ranks(drift)
        target, state = drift.target, drift.arithmetic.state
        codes = start.codes(0, drift.tokens)
        self.codes = codes if state == target else state.code(target.value(codes))
        self.extent = target.value(np.max(codes & (target.sign - 1), axis=0))
        strength = max(1.0, float(np.max(np.abs(self.strengths))))
        every = partial(extremes, start, drift)
        range_check.check_range(self.motion, self.extent, strength, every)
        self.exponent = scale_exponent(
            range_check.largest_reached(self.motion, self.extent, strength)
        )

    def present(self, step: int) -> np.ndarray:
        """Return whether each token is present after `step`, bool (tokens,)."""
        return self.survivor_ranks < self.drift.alive(step)


class StackedClouds:
    """The clouds of drifts of one group, in `slots` slots on a device."""

    def __init__(self, drifts: list[Drift], slots: int, on: jax.Device, path: Path):
        self.replicas = [Replica(drift) for drift in drifts]
        self.step = 0
        self._slots, self._on, first = slots, on, drifts[0]
        apart = int(np.diff(first.record_steps, prepend=0, append=0).max())
        # Where records lie close together a long window would be cut short at each of them.
        self._window = _SHORT if apart <= _SHORT else _LONG
        rows = _TILE if first.dims > _WIDE else 2 * _TILE
        self._tiles = -(-first.tokens // rows), rows
        self._step_batch = _compiled(first.arithmetic, path, self._window, on.platform)
        self._codes = self._rows([replica.codes for replica in self.replicas])
        self._tokens = Tokens(
            self._rows([np.arange(first.tokens, dtype=np.uint32)] * len(self.replicas)),
            self._rows([replica.strengths for replica in self.replicas]),
            self._rows([replica.present(0) for replica in self.replicas]),
        )
        self._weights = jax.device_put(weights(first.dims), on)
        scales = [np.ldexp(np.float32(1), replica.exponent) for replica in self.replicas]
        self._scales = self._put(np.array(scales, np.float32))
        # The displacements that are on the device serve several calls: BLOCK steps from the first.
        self._block: tuple[int, jax.Array, jax.Array] | None = None

    def stay(self) -> BlockResult:
        """Observe without moving; all arrays that come back have the slots as their first axis."""
        shape = (len(self.replicas), BLOCK + self._window, self.replicas[0].drift.dims)
        nothing = self._put(np.full(shape, NO_MOVE, np.float32))
        return self._call(nothing, self._put(np.zeros((*shape[:2], 2), np.uint32)), 0, 1, True)

    def move(self, step: int) -> BlockResult:
        """Move on towards `step`, as far as one call goes; observe only where it is reached."""
        begin = self.step // BLOCK * BLOCK
        if self._block is None or self._block[0] != begin:
            self._block = begin, *self._steps(begin)
        taken = min(self._farthest(), step - self.step)
        first = self.step - begin
        self.step += taken
        return self._call(*self._block[1:], first, taken, self.step == step)

    def reaches(self, step: int) -> bool:
        """Return whether the next move goes as far as `step`."""
        return step - self.step <= self._farthest()

    def _farthest(self) -> int:
        """Return the most steps of the next move: a window, within its block."""
        return min(self._window, BLOCK - self.step % BLOCK)

    def observe_only(self, step: int) -> None:
        """Observe from now on the tokens that are present after `step`."""
        present = self._rows([replica.present(step) for replica in self.replicas])
        self._tokens = self._tokens._replace(present=present)

    def _call(
        self, block: jax.Array, step_keys: jax.Array, first: int, taken: int, observed: bool
    ) -> BlockResult:
        numbers = [np.int32(taken), np.uint32(0), np.bool_(observed)]
        steps = Steps(block, step_keys, *(jax.device_put(each, self._on) for each in numbers))
        begin, count = (
            jax.device_put(np.int32(each), self._on) for each in (first, len(self.replicas))
        )
        done = self._step_batch(
            self._codes, self._tokens, steps, begin, count, self._weights, self._scales
        )
        self._codes = done.codes
        return jax.block_until_ready(done)

    def _steps(self, begin: int) -> tuple[jax.Array, jax.Array]:
        """Return displacements and keys of BLOCK steps after `begin`, and a window of nothing.

        A call cuts a whole window out of the block, also where fewer steps are left.
        """
        count, drift = BLOCK + self._window, self.replicas[0].drift
        last = min(begin + BLOCK, drift.steps)
        block = np.zeros((len(self.replicas), count, drift.dims), np.float32)
        step_keys = np.zeros((len(self.replicas), count, 2), np.uint32)
        for k, replica in enumerate(self.replicas):
            drift = replica.drift
            block[k, : last - begin] = replica.motion.displacements(begin + 1, last)
            if drift.rounding == "stochastic":
                step_keys[k, : last - begin] = keys(drift, begin + 1, last)
        return self._put(block), self._put(step_keys)

    def _rows(self, of_each: list[np.ndarray]) -> jax.Array:
        """Put a column of each replica's tokens, (tokens, …), on the device in tiles of rows."""
        tiles, rows = self._tiles
        shape = of_each[0].shape
        whole = np.zeros((len(of_each), tiles * rows, *shape[1:]), of_each[0].dtype)
        whole[:, : shape[0]] = of_each
        return self._put(whole.reshape(-1, tiles, rows, *shape[1:]))

    def _put(self, of_each: np.ndarray) -> jax.Array:
        """Put an array (replicas, …) on the device, (slots, …): the slots left over hold zeros."""
        every = np.zeros((self._slots, *of_each.shape[1:]), of_each.dtype)
        every[: len(of_each)] = of_each
        return jax.device_put(every, self._on)


@cache
def _compiled(arithmetic: Arithmetic, path: Path, window: int, platform: str) -> Any:
    return jitted(partial(step_batch, arithmetic=arithmetic, path=path, window=window), platform)


_APART = np.uint64(0x9E3779B97F4A7C15)
"""Factor of a replica's number, to tell fingerprints of different replicas apart."""


class StackedTokens:
    """The tokens of `replicas`, numbered one after another."""

    def __init__(self, replicas: list[Replica]):
        self.replicas = replicas
        self.of = np.repeat(np.arange(len(replicas)), replicas[0].drift.tokens)
        """int64 (tokens,): the replica of each"""
        self._grids = np.array([replica.exponent for replica in replicas])
        self._u = np.stack([replica.u for replica in replicas])[:, None]

    def present(self, step: int) -> np.ndarray:
        """Return whether each token is present after `step`, bool (tokens,)."""
        if self.replicas[0].drift.survivors is None:
            return np.ones(len(self.of), bool)
        return np.concatenate([replica.present(step) for replica in self.replicas])

    def representatives(
        self, tokens: np.ndarray, fingerprint: Fingerprint, equal: Equal
    ) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does.

        Tokens of different replicas are told apart here.
        """

        def prints(some: np.ndarray) -> np.ndarray:
            return fingerprint(some) ^ (self.of[some].astype(np.uint64) * _APART)

        def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            same = self.of[a] == self.of[b]
            same[same] = equal(a[same], b[same])
            return same

        return coalesce(tokens, [prints], one)

    def counts_by_replica(self, cells: CellCounts) -> dict[str, np.ndarray]:
        """Return the counts of `cells` by replica, int64 (replicas,); each replica has a token."""
        occupancy, hole = cells.occupancy, cells.occupancy > 1
        firsts = np.searchsorted(self.of[cells.representative], np.arange(len(self.replicas)))

        def total(numbers: np.ndarray) -> np.ndarray:
            return np.add.reduceat(numbers, firsts, dtype=np.int64)

        return {
            "distinct": total(np.ones_like(occupancy)),
            "black_holes": total(hole),
            "black_hole_tokens": total(occupancy * hole),
            "singletons": total(~hole),
            "largest": np.maximum.reduceat(occupancy, firsts),
            "pairs": total(occupancy * (occupancy - 1) // 2),
            "alive": total(occupancy),
        }

    def counts(
        self, step: int, found: dict[str, np.ndarray], limbs: np.ndarray, stalled: np.ndarray
    ) -> list[Counts]:
        """Return the counts of each replica at `step`, given those of its cells, `found`.

        `limbs` integers (replicas, LIMBS, dims): the sums of their tokens, kernels.exact_sum;
        `stalled` int64 (replicas,): coordinates.
        """
        rows = zip(*(column.tolist() for column in found.values()), strict=True)
        parts = zip(rows, self._along(limbs), stalled.tolist(), strict=True)
        made, dims = [], limbs.shape[2]
        for row, along, stayed in parts:
            mine = dict(zip(found, row, strict=True))
            alive = mine["alive"]
            radius = None if math.isnan(along) else along / alive
            share = stayed / (alive * dims)
            made.append(Counts(step=step, **mine, radius=radius, stalled=share))
        return made

    def _along(self, limbs: np.ndarray) -> list[float]:
        """Return the components along u of the sums of the replicas' tokens."""
        if np.isnan(self._u).any():
            return [math.nan] * len(limbs)
        terms = from_limbs(limbs.swapaxes(0, 1), self._grids[:, None]).swapaxes(0, 1) * self._u
        return exact_sums(terms.reshape(len(terms), -1)).tolist()


class StackedCounts:
    """The counts of `replicas`, record by record."""

    def __init__(self, replicas: list[Replica]):
        self._all, first = StackedTokens(replicas), replicas[0].drift
        self._tokens, self._target = first.tokens, first.target
        self._partition = Partition(len(self._all.of), has_monotone_steps(first))

    def counts(
        self, step: int, result: BlockResult, stalled: np.ndarray, moved: bool
    ) -> list[Counts]:
        """Return the counts of each replica at `step`; `stalled` int64 (replicas,).

        `moved` is false where all tokens are where they were at the record before.
        """
        words = np.asarray(result.fingerprints).reshape(len(result.fingerprints), -1, 2)
        prints = as_words(words[: len(stalled), : self._tokens].reshape(-1, 2))
        rows = np.asarray(result.codes if result.view is None else result.view)  # on a CPU in place
        rows = rows.reshape(len(rows), -1, rows.shape[-1])

        def take(tokens: np.ndarray) -> np.ndarray:
            return rows[np.divmod(tokens, self._tokens)]

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return row_hash.equal(take, a, b, rows.itemsize * rows.shape[2], self._target)

        def representatives(tokens: np.ndarray) -> np.ndarray:
            return self._all.representatives(tokens, lambda some: prints[some], equal)

        cells = self._partition.cells(self._all.present(step), representatives, moved)
        limbs = np.asarray(result.limbs)[: len(stalled)].astype(np.int64)
        return self._all.counts(step, self._all.counts_by_replica(cells), limbs, stalled)
