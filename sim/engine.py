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
from sim.chunks import TILE, Chunks, Rows

Fill = Callable[[int, int, np.ndarray], None]
"""fill(start, stop, out) writes the codes of tokens start ... stop - 1 into `out`."""


@dataclass(frozen=True)
class Observation:
    """The cloud at one step, as the kernel saw it."""

    rows: Rows
    fingerprints: np.ndarray
    """uint64 (tokens,)"""
    stalled: int
    """coordinates that the last step left where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum over tokens: kernels.fixed_point"""


class StepEngine:
    """Holds a cloud on `device` and moves it."""

    name = "step"

    def __init__(self, chunks: Chunks, device: jax.Device, pool: ThreadPoolExecutor):
        self.chunks = chunks
        self._device, self._pool = device, pool
        # A CPU wants few rows at a time, in cache; an accelerator all at once.
        tile = TILE if device.platform == "cpu" else chunks.size
        self._shape = (chunks.size // tile, tile)
        self._weights = self._put(weights(chunks.dims))
        self._present = [
            self._put(chunks.present(k).reshape(self._shape)) for k in range(len(chunks))
        ]
        self._codes: list[jax.Array] = []

    def _put(self, array: np.ndarray | np.generic) -> jax.Array:
        return jax.device_put(array, self._device)

    def load(self, fill: Fill) -> None:
        """Take the cloud from `fill`, called once a chunk, from several threads."""

        def one(chunk: int) -> jax.Array:
            start, stop = self.chunks.bounds(chunk)
            codes = np.zeros((self.chunks.size, self.chunks.dims), np.uint16)
            fill(start, stop, codes[: stop - start])
            return self._put(codes.reshape(*self._shape, self.chunks.dims))

        self._codes = list(self._pool.map(one, range(len(self.chunks))))

    def move(self, displacements: np.ndarray, exponent: int) -> list[Advanced]:
        """Advance by `displacements`, float32 (1 to BLOCK, dims); what was seen, by chunk.

        Values are summed on the grid of 2**`exponent`, see kernels.fixed_point.
        """
        block = np.zeros((BLOCK, self.chunks.dims), np.float32)
        block[: len(displacements)] = displacements
        shared = (
            self._put(block),
            self._put(np.int32(len(displacements))),
            self._weights,
            self._put(np.float32(np.ldexp(1.0, exponent))),
        )

        def one(chunk: int) -> Advanced:
            done = advance(self._codes[chunk], self._present[chunk], *shared)
            self._codes[chunk] = done.codes
            return jax.block_until_ready(done)

        return list(self._pool.map(one, range(len(self.chunks))))

    def stay(self, exponent: int) -> list[Advanced]:
        """Observe without moving."""
        return self.move(np.full((1, self.chunks.dims), STAY, np.float32), exponent)

    def observe(self, seen: list[Advanced]) -> Observation:
        """What the last call of `move` or `stay` saw, over all chunks."""
        chunks = self.chunks
        codes = [np.asarray(c).reshape(chunks.size, chunks.dims) for c in self._codes]
        limbs = np.zeros((LIMBS, chunks.dims), np.int64)
        for one in seen:
            limbs += np.asarray(one.limbs)
        prints = np.concatenate([np.asarray(one.fingerprints).reshape(-1, 2) for one in seen])
        stalled = sum(int(np.asarray(one.stalled).sum(dtype=np.int64)) for one in seen)
        return Observation(Rows(chunks, codes), as_words(prints[: chunks.tokens]), stalled, limbs)
