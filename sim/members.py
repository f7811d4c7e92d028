"""The members of a batch (sim.batch): drifts of one kind whose clouds move side by side.

place   where a member's cloud is on the device; some may be left over, so that one
        compiled program serves any number of members
window  the most steps of one call; there are two, so that few programs serve all steps
"""

from functools import cache, partial
from typing import Any

import jax
import numpy as np

from drift.kernels.exact_sum import scale_exponent
from drift.kernels.formats import Motion
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.batch import several
from drift.kernels.stepping.block import BLOCK, STAY, Advanced, Path
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim import centroid, reach, tokens
from drift.sim.direction import direction
from drift.sim.initial import initial
from drift.sim.schedule import displacements, keys
from drift.sim.shards import jitted
from drift.sim.spec import Drift

_SHORT, _LONG = 16, BLOCK
"""The windows."""
_TILE, _WIDE = 4, 1024
"""Token rows moved together; twice as many where they are not wide."""


class Member:
    """A drift whose cloud is there and whose range is checked. Raises BadInput as Simulation."""

    def __init__(self, drift: Drift):
        self.drift, start = drift, initial(drift)
        mean = partial(centroid.mean, start.codes, drift.tokens, drift.dims, drift.target)
        self.u = direction(drift.direction, drift.dims, drift.direction_seed, mean)
        self.strengths, self.ranks = tokens.strengths(drift), tokens.ranks(drift)
        target, held = drift.target, drift.motion.held
        codes = start.codes(0, drift.tokens)
        self.codes = codes if held == target else held.code(target.value(codes))
        self.extent = target.value(np.max(codes & (target.sign - 1), axis=0))
        strength = max(1.0, float(np.max(np.abs(self.strengths))))
        reach.check(drift, self.u, self.extent, strength)
        self.exponent = scale_exponent(reach.bound(drift, self.u, self.extent, strength))

    def present(self, step: int) -> np.ndarray:
        """Which tokens are there after `step`, bool (tokens,)."""
        return self.ranks < self.drift.alive(step)


class Members:
    """The clouds of drifts of one kind, in `places` places on a device."""

    def __init__(self, drifts: list[Drift], places: int, on: jax.Device, path: Path):
        self.each = [Member(drift) for drift in drifts]
        self.step = 0
        self._places, self._on, first = places, on, drifts[0]
        apart = int(np.diff(first.record_steps, prepend=0, append=0).max())
        self._window = _SHORT if apart <= _SHORT else _LONG
        rows = _TILE if first.dims > _WIDE else 2 * _TILE
        self._tiles = -(-first.tokens // rows), rows
        self._advance = _compiled(first.motion, path, self._window, on.platform)
        self._codes = self._rows([member.codes for member in self.each])
        self._tokens = Tokens(
            self._rows([np.arange(first.tokens, dtype=np.uint32)] * len(self.each)),
            self._rows([member.strengths for member in self.each]),
            self._rows([member.present(0) for member in self.each]),
        )
        self._weights = jax.device_put(weights(first.dims), on)
        scales = [np.ldexp(np.float32(1), member.exponent) for member in self.each]
        self._scales = self._put(np.array(scales, np.float32))
        self._block: tuple[int, jax.Array, jax.Array] | None = None

    def stay(self) -> Advanced:
        """Look without moving; all that comes back has a place as its first axis."""
        shape = (len(self.each), BLOCK + self._window, self.each[0].drift.dims)
        still = self._put(np.full(shape, STAY, np.float32))
        return self._call(still, self._put(np.zeros((*shape[:2], 2), np.uint32)), 0, 1, True)

    def move(self, step: int) -> Advanced:
        """Move on towards `step`, as far as one call goes; look only where it is reached."""
        begin = self.step // BLOCK * BLOCK
        if self._block is None or self._block[0] != begin:
            self._block = begin, *self._steps(begin)
        taken = min(self._window, step - self.step, begin + BLOCK - self.step)
        first = self.step - begin
        self.step += taken
        return self._call(*self._block[1:], first, taken, self.step == step)

    def observe_only(self, step: int) -> None:
        """From now on observe the tokens that are there after `step`."""
        present = self._rows([member.present(step) for member in self.each])
        self._tokens = self._tokens._replace(present=present)

    def _call(
        self, block: jax.Array, step_keys: jax.Array, first: int, taken: int, look: bool
    ) -> Advanced:
        numbers = [np.int32(taken), np.uint32(0), np.bool_(look)]
        steps = Steps(block, step_keys, *(jax.device_put(each, self._on) for each in numbers))
        begin, count = (
            jax.device_put(np.int32(each), self._on) for each in (first, len(self.each))
        )
        done = self._advance(
            self._codes, self._tokens, steps, begin, count, self._weights, self._scales
        )
        self._codes = done.codes
        return jax.block_until_ready(done)

    def _steps(self, begin: int) -> tuple[jax.Array, jax.Array]:
        """Displacements and keys of BLOCK steps after `begin`, and a window of nothing."""
        count, drift = BLOCK + self._window, self.each[0].drift
        last = min(begin + BLOCK, drift.steps)
        block = np.zeros((len(self.each), count, drift.dims), np.float32)
        step_keys = np.zeros((len(self.each), count, 2), np.uint32)
        for k, member in enumerate(self.each):
            drift = member.drift
            block[k, : last - begin] = displacements(drift, member.u, begin + 1, last)
            if drift.rounding == "stochastic":
                step_keys[k, : last - begin] = keys(drift, begin + 1, last)
        return self._put(block), self._put(step_keys)

    def _rows(self, of_each: list[np.ndarray]) -> jax.Array:
        """What tokens have, (tokens, …) of each, in tiles of rows."""
        tiles, rows = self._tiles
        shape = of_each[0].shape
        whole = np.zeros((len(of_each), tiles * rows, *shape[1:]), of_each[0].dtype)
        whole[:, : shape[0]] = of_each
        return self._put(whole.reshape(-1, tiles, rows, *shape[1:]))

    def _put(self, of_each: np.ndarray) -> jax.Array:
        """What members have, (members, …), in all places of the device."""
        every = np.zeros((self._places, *of_each.shape[1:]), of_each.dtype)
        every[: len(of_each)] = of_each
        return jax.device_put(every, self._on)


@cache
def _compiled(motion: Motion, path: Path, window: int, platform: str) -> Any:
    return jitted(partial(several, motion=motion, path=path, window=window), platform)
