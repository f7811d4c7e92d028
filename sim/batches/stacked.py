"""Drifts of one group whose clouds move side by side on a device, and are counted as one.

replica  one of the drifts
slot     the place of its cloud on the device; some may be left over, so that one compiled
         program serves any number of replicas
window   the most steps of one call; there are two, so that few programs serve all steps

To be counted the tokens of all replicas are numbered one after another. Tokens of different
replicas never share a cell.
"""

from functools import cache, partial
from typing import Any

import jax
import numpy as np

from drift.kernels.exact_sum import scale_exponent
from drift.kernels.formats import Arithmetic
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.batch import step_batch
from drift.kernels.stepping.block import BLOCK, NO_MOVE, BlockResult, Path
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim.clouds import drawn
from drift.sim.clouds.direction import exact_mean
from drift.sim.clouds.initial import extremes, initial_cloud
from drift.sim.devices.shards import jitted
from drift.sim.engines import range_check
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
        state = drift.arithmetic.state
        mean = partial(exact_mean, start.states, drift.tokens, drift.dims, state)
        self.motion = motion_of(drift, mean)
        self.u = self.motion.u
        self.strengths, self.survivor_ranks = drawn.strengths(drift), drawn.survivor_ranks(drift)
        self.codes = start.states(0, drift.tokens)
        self.extent = state.value(np.max(self.codes & (state.sign - 1), axis=0))
        strength = max(1.0, float(np.max(np.abs(self.strengths))))
        every = partial(extremes, start, drift)
        range_check.check_range(self.motion, self.extent, strength, every)
        reached = range_check.largest_reached(self.motion, self.extent, strength)
        self.exponent = scale_exponent(float(reached))

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
