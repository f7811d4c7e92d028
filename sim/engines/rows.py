"""The codes of a cloud, wherever an engine keeps them, and those of a cloud on the host."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from drift.kernels import row_hash
from drift.kernels.exact_sum import LIMBS
from drift.kernels.formats import Compensated, Format
from drift.sim.engines.chunks import Chunks
from drift.sim.matrix import rounded_once
from drift.sim.motions.since import RecordSums, sums_of

_COMPARED_BYTES = 4 << 20
_SUMMED = 4096
"""Tokens summed at a time."""


class CloudRows(Protocol):
    """The codes of a cloud, wherever they are kept."""

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""

    @property
    def format(self) -> Format | Compensated:
        """The format of the codes."""

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""


class ComparableRows(CloudRows, Protocol):
    """The codes of a cloud whose tokens can be compared."""

    @property
    def format(self) -> Format:
        """The format of the codes."""

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Return codes (len(tokens), dims) with -0 as +0."""

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return whether tokens a[i] and b[i] are in one cell; no token is twice in a."""


@dataclass(frozen=True)
class HostRows:
    """The codes of a cloud on the host."""

    chunks: Chunks
    """how the cloud is cut"""
    codes: list[np.ndarray]
    """one array (size, dims) for each chunk"""
    format: Format
    """the format of the codes"""

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return self.chunks.tokens, self.chunks.dims

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        size = self.chunks.size
        pieces = [
            self.codes[k][max(start - k * size, 0) : stop - k * size]
            for k in range(start // size, -(-stop // size))
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Return codes (len(tokens), dims) with -0 as +0."""
        chunk, row = np.divmod(tokens, self.chunks.size)
        taken = np.empty((len(tokens), self.chunks.dims), self.format.storage)
        for k in np.unique(chunk):
            here = chunk == k
            taken[here] = self.codes[k][row[here]]
        taken[taken == self.format.sign] = 0
        return taken

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return whether tokens a[i] and b[i] are in one cell, for each i."""
        row_bytes = self.chunks.dims * self.format.storage.itemsize
        return row_hash.equal(self.take, a, b, row_bytes, self.format, _COMPARED_BYTES)


@dataclass(frozen=True)
class PairedRows:
    """The codes of a cloud with those of its compensations, as pairs."""

    values: ComparableRows
    """the codes of the values"""
    compensations: ComparableRows
    """the codes of the compensations"""

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return self.values.shape

    @property
    def format(self) -> Compensated:
        """The format of the pairs."""
        return Compensated(self.values.format)

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return pairs of tokens start ... stop - 1, (stop - start, dims)."""
        both = self.values.span(start, stop), self.compensations.span(start, stop)
        return self.format.pair(*both)


def initial_sums(rows: CloudRows, view: Format, exponent: int) -> RecordSums:
    """Return the sums of a whole cloud that has not moved, on the grid of 2**`exponent`.

    `rows` hold its states; what is summed is what `view` shows of them.
    """
    (tokens, dims), held = rows.shape, rows.format
    limbs = np.zeros((LIMBS, dims), np.int64)
    for start in range(0, tokens, _SUMMED):
        codes = rows.span(start, min(start + _SUMMED, tokens))
        if isinstance(held, Compensated):
            codes = held.codes(codes)
        else:
            codes = rounded_once(codes, held, view)
        limbs += sums_of(codes, view, exponent)
    return RecordSums(0, tokens, limbs)
