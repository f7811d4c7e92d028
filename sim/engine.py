"""The step engine: moves every coordinate of the cloud, chunk by chunk.

The cloud stays on the device as codes. One call of the kernel moves a chunk by
up to BLOCK steps; chunks are worked on side by side by the pool's threads, which
on a CPU is what uses its cores.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np

from kernels.advance import BLOCK, STAY, Advanced, advance
from kernels.fingerprint import as_words, weights
from kernels.fixed_point import LIMBS
from kernels.step import Motion, Steps, Tokens
from sim.chunks import TILE, Chunks, Rows
from sim.coalescence import coalesce

Fill = Callable[[int, int], np.ndarray]
"""fill(start, stop) gives the codes of tokens start ... stop - 1, as they are held."""


@dataclass(frozen=True)
class Observation:
    """The cloud at one step, as the kernel saw it."""

    rows: Rows
    """as it is seen, which is what is counted"""
    held: Rows
    """as it is held between steps"""
    present: np.ndarray
    """bool (tokens,): which tokens were observed"""
    fingerprints: np.ndarray
    """uint64 (tokens,)"""
    stalled: int
    """coordinates that the last step left where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum over tokens: kernels.fixed_point"""
    moved: bool = True
    """whether any token may be elsewhere than at the observation before"""

    def leaders(self, tokens: np.ndarray) -> np.ndarray:
        """The leaders of `tokens`, int64: sim.coalescence."""
        return coalesce(tokens, [lambda some: self.fingerprints[some]], self.rows.equal)


class StepEngine:
    """Holds a cloud on `device` and moves it; `strengths` is float32 (tokens,)."""

    name = "step"

    def __init__(
        self,
        chunks: Chunks,
        motion: Motion,
        strengths: np.ndarray,
        device: jax.Device,
        pool: ThreadPoolExecutor,
    ):
        self.chunks, self.motion = chunks, motion
        self._device, self._pool = device, pool
        # A CPU wants few rows at a time, in cache; an accelerator all at once.
        tile = TILE if device.platform == "cpu" else chunks.size
        self._shape = (chunks.size // tile, tile)
        self._weights, self._zero = self._put(weights(chunks.dims)), self._put(np.uint32(0))
        self._codes: list[jax.Array] = []
        self._present = np.ones(chunks.tokens, bool)
        columns = np.arange(chunks.tokens, dtype=np.uint32), strengths, self._present
        self._tokens = [Tokens(*parts) for parts in zip(*map(self._by_chunk, columns), strict=True)]

    def _put(self, array: np.ndarray | np.generic) -> jax.Array:
        return jax.device_put(array, self._device)

    def _by_chunk(self, column: np.ndarray) -> list[jax.Array]:
        """What tokens have, (tokens,), on the device, chunk by chunk."""
        chunks = self.chunks
        parts = (column[slice(*chunks.bounds(k))] for k in range(len(chunks)))
        return [self._put(chunks.filled(part).reshape(self._shape)) for part in parts]

    def observe_only(self, present: np.ndarray) -> None:
        """From now on observe the tokens for which `present`, bool (tokens,), is true."""
        self._present = present
        self._tokens = [
            tokens._replace(present=part)
            for tokens, part in zip(self._tokens, self._by_chunk(present), strict=True)
        ]

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""

        def one(chunk: int) -> jax.Array:
            codes = self.chunks.filled(fill(*self.chunks.bounds(chunk)))
            return self._put(codes.reshape(*self._shape, self.chunks.dims))

        self._codes = list(self._pool.map(one, range(len(self.chunks))))

    def move(
        self, displacements: np.ndarray, exponent: int, keys: np.ndarray | None = None
    ) -> list[Advanced]:
        """Advance by `displacements`, float32 (1 to BLOCK, dims); what was seen, by chunk.

        Values are summed on the grid of 2**`exponent`, see kernels.fixed_point.
        `keys`, uint32 (steps, 2), are those of stochastic rounding.
        """
        count = len(displacements)
        block = np.zeros((BLOCK, self.chunks.dims), np.float32)
        block[:count] = displacements
        step_keys = np.zeros((BLOCK, 2), np.uint32)
        if keys is not None:
            step_keys[:count] = keys
        steps = Steps(
            self._put(block), self._put(step_keys), self._put(np.int32(count)), self._zero
        )
        scale = self._put(np.float32(np.ldexp(1.0, exponent)))

        def one(chunk: int) -> Advanced:
            codes, tokens = self._codes[chunk], self._tokens[chunk]
            done = advance(codes, tokens, steps, self._weights, scale, motion=self.motion)
            self._codes[chunk] = done.codes
            return jax.block_until_ready(done)

        return list(self._pool.map(one, range(len(self.chunks))))

    def stay(self, exponent: int) -> list[Advanced]:
        """Observe without moving."""
        return self.move(np.full((1, self.chunks.dims), STAY, np.float32), exponent)

    def stalled(self, seen: list[Advanced]) -> int:
        """Coordinates of observed tokens that the last step left where they were."""
        return sum(int(np.asarray(one.stalled).sum(dtype=np.int64)) for one in seen)

    def observe(self, seen: list[Advanced]) -> Observation:
        """What the last call of `move` or `stay` saw, over all chunks."""
        chunks, motion = self.chunks, self.motion

        def rows(codes: list[jax.Array]) -> list[np.ndarray]:
            return [np.asarray(c).reshape(chunks.size, chunks.dims) for c in codes]

        held = Rows(chunks, rows([one.codes for one in seen]), motion.held)
        views = [one.view for one in seen if one.view is not None]
        limbs = np.zeros((LIMBS, chunks.dims), np.int64)
        for one in seen:
            limbs += np.asarray(one.limbs)
        prints = np.concatenate([np.asarray(one.fingerprints).reshape(-1, 2) for one in seen])
        return Observation(
            rows=Rows(chunks, rows(views), motion.seen) if views else held,
            held=held,
            present=self._present,
            fingerprints=as_words(prints[: chunks.tokens]),
            stalled=self.stalled(seen),
            limbs=limbs,
        )
