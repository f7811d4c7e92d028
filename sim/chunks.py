"""A cloud in chunks of rows, so that no more than a chunk is worked on at a time.

Every chunk has the same shape, whole tiles of rows, so that one compiled program
serves them all; the last one is filled up with rows that are not present.
"""

from dataclasses import dataclass

import numpy as np

from kernels.fixed_point import MOST_ROWS
from kernels.formats import Format

TILE = 8
"""Token rows moved together on a CPU; they stay in a core's cache."""
_COMPARED_BYTES = 4 << 20


@dataclass(frozen=True)
class Chunks:
    """How `tokens` rows of `dims` values are cut; `size` is rows per chunk."""

    tokens: int
    dims: int
    size: int

    @classmethod
    def plan(cls, tokens: int, dims: int, workers: int, chunk_bytes: int = 16 << 20) -> "Chunks":
        """Chunks of up to `chunk_bytes` and MOST_ROWS rows, one a worker at least."""
        most = max(TILE, min(MOST_ROWS, chunk_bytes // (2 * dims) // TILE * TILE))
        count = max(-(-tokens // most), min(workers, -(-tokens // TILE)))
        rows = -(-tokens // count)
        return cls(tokens, dims, -(-rows // TILE) * TILE)

    def __len__(self) -> int:
        return -(-self.tokens // self.size)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """The first token of a chunk, and the one after its last."""
        start = chunk * self.size
        return start, min(start + self.size, self.tokens)

    def filled(self, rows: np.ndarray) -> np.ndarray:
        """`rows` of a chunk, (up to size, …), with rows of zeros after the last token."""
        whole = np.zeros((self.size, *rows.shape[1:]), rows.dtype)
        whole[: len(rows)] = rows
        return whole


@dataclass(frozen=True)
class Rows:
    """The codes of a cloud on the host: one (size, dims) array per chunk."""

    chunks: Chunks
    codes: list[np.ndarray]
    format: Format

    def span(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        size = self.chunks.size
        pieces = [
            self.codes[k][max(start - k * size, 0) : stop - k * size]
            for k in range(start // size, -(-stop // size))
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Codes (len(tokens), dims) with -0 as +0."""
        chunk, row = np.divmod(tokens, self.chunks.size)
        taken = np.empty((len(tokens), self.chunks.dims), self.format.storage)
        for k in np.unique(chunk):
            here = chunk == k
            taken[here] = self.codes[k][row[here]]
        taken[taken == self.format.sign] = 0
        return taken

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether tokens a[i] and b[i] are in one cell, for each i."""
        block = max(1, _COMPARED_BYTES // (2 * self.chunks.dims))
        same = np.empty(len(a), bool)
        for start in range(0, len(a), block):
            part = slice(start, start + block)
            others, place = np.unique(b[part], return_inverse=True)
            other = self.take(others)
            # One row stands for a large black hole: compare with it, not with copies of it.
            same[part] = np.all(
                self.take(a[part]) == (other[place] if len(other) > 1 else other), axis=1
            )
        return same
