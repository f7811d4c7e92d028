"""A cloud in chunks of rows, so that no more than a chunk is worked on at a time.

Every chunk has the same shape, whole tiles of rows for each device that shares it,
so that one compiled program serves them all; the last one is filled up with rows
that are not present.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from drift.kernels import rowwise
from drift.kernels.fixed_point import MOST_ROWS
from drift.kernels.formats import Format

TILE = 4
"""Token rows moved together on a CPU; they stay in a core's cache."""
_COMPARED_BYTES = 4 << 20


@dataclass(frozen=True)
class Chunks:
    """How `tokens` rows of `dims` values are cut; `size` is rows per chunk."""

    tokens: int
    dims: int
    size: int

    @classmethod
    def plan(
        cls,
        tokens: int,
        dims: int,
        workers: int,
        chunk_bytes: int = 16 << 20,
        devices: int = 1,
    ) -> "Chunks":
        """Chunks of which each device gets as many rows as the others.

        These are up to `chunk_bytes` and MOST_ROWS rows; there is one chunk a worker
        at least.
        """
        most = max(TILE, min(MOST_ROWS, chunk_bytes // (2 * dims) // TILE * TILE)) * devices
        unit = TILE * devices
        count = max(-(-tokens // most), min(workers, -(-tokens // unit)))
        rows = -(-tokens // count)
        return cls(tokens, dims, -(-rows // unit) * unit)

    def __len__(self) -> int:
        return -(-self.tokens // self.size)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """The number of the first token of a chunk, and of the one after its last."""
        start = chunk * self.size
        return start, min(start + self.size, self.tokens)

    def filled(self, rows: np.ndarray) -> np.ndarray:
        """`rows` of a chunk, (up to size, …), with rows of zeros after the last token."""
        whole = np.zeros((self.size, *rows.shape[1:]), rows.dtype)
        whole[: len(rows)] = rows
        return whole


class Cloud(Protocol):
    """The codes of a cloud, wherever they are kept."""

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens, dims)"""

    @property
    def format(self) -> Format:
        """What they are codes of."""

    def span(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""


class Codes(Cloud, Protocol):
    """The same where tokens can be compared."""

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Codes (len(tokens), dims) with -0 as +0."""

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether tokens a[i] and b[i] are in one cell, for each i; no token is twice in a."""


@dataclass(frozen=True)
class Rows:
    """The codes of a cloud on the host: one (size, dims) array per chunk."""

    chunks: Chunks
    codes: list[np.ndarray]
    format: Format

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens, dims)"""
        return self.chunks.tokens, self.chunks.dims

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
        row_bytes = self.chunks.dims * self.format.storage.itemsize
        return rowwise.equal(self.take, a, b, row_bytes, self.format, _COMPARED_BYTES)
