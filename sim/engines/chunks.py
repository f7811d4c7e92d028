"""A cloud in chunks of rows, so that no more than a chunk is worked on at a time.

Every chunk has the same shape, whole tiles of rows, so that one compiled program serves them all;
the last one is filled up with rows that are not present.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drift.kernels.exact_sum import MOST_ROWS

TILE = 4
"""Token rows moved at once on a CPU; they stay in a core's cache."""

Fill = Callable[[int, int], np.ndarray]
"""fill(start, stop) gives the codes of tokens start ... stop - 1, in the state format."""


@dataclass(frozen=True)
class Chunks:
    """A cloud cut into chunks of equal size."""

    tokens: int
    """rows of the cloud"""
    dims: int
    """values of a row"""
    size: int
    """rows of a chunk, the last one's filled up"""

    @classmethod
    def plan(
        cls,
        tokens: int,
        dims: int,
        workers: int,
        chunk_bytes: int = 16 << 20,
    ) -> "Chunks":
        """Cut a cloud into chunks of `chunk_bytes` and MOST_ROWS rows at most, one a worker."""
        most = max(TILE, min(MOST_ROWS, chunk_bytes // (2 * dims) // TILE * TILE))
        # A chunk for every worker, as far as there are tiles.
        count = max(-(-tokens // most), min(workers, -(-tokens // TILE)))
        rows = -(-tokens // count)
        return cls(tokens, dims, -(-rows // TILE) * TILE)

    def __len__(self) -> int:
        return -(-self.tokens // self.size)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """Return the number of the first token of a chunk, and of the one after its last."""
        start = chunk * self.size
        return start, min(start + self.size, self.tokens)

    def filled(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows` of a chunk, (up to size, …), with rows of zeros after the last token."""
        whole = np.zeros((self.size, *rows.shape[1:]), rows.dtype)
        whole[: len(rows)] = rows
        return whole
