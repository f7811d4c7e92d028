"""A cloud held as ranks, and how many tokens have which value, dimension by dimension.

rank  the number of a coordinate's place among all places that occur in the cloud

Ranks are few (some thousands in a Gaussian cloud), so tables over them are small.
"""

from concurrent.futures import Executor

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.value_map.classes import Front
from drift.sim.chunks import Chunks, Fill

_STRIP = 64
"""Dimensions transposed together."""
_ROWS = 2048
"""Tokens transposed together."""
_PART = 1 << 17
"""Elements worked on together: they stay in cache."""


class Ranked:
    """The cloud that `fill` gives, of a format of 16 bits or fewer."""

    def __init__(self, fill: Fill, chunks: Chunks, target: Format, pool: Executor):
        self.chunks, self.target, self._pool = chunks, target, pool
        self.ranks = np.empty((chunks.tokens, chunks.dims), np.uint16)
        """(tokens, dims)"""

        def load(chunk: int) -> np.ndarray:
            start, stop = chunks.bounds(chunk)
            self.ranks[start:stop] = fill(start, stop)
            found = np.zeros(1 << target.width, bool)
            for part in parts(self.ranks[start:stop]):
                found |= np.bincount(part, minlength=len(found)) > 0
            return found

        there = np.logical_or.reduce(list(pool.map(load, range(len(chunks)))))
        codes = np.flatnonzero(there).astype(target.storage)
        self.places = np.sort(target.place(codes))
        """by rank, rising"""
        rank = np.zeros(len(there), np.uint16)
        rank[target.code_in_place(self.places)] = np.arange(len(self.places))

        def number(chunk: int) -> None:
            for part in parts(self.ranks[slice(*chunks.bounds(chunk))]):
                part[...] = rank.take(part, mode="clip")

        list(pool.map(number, range(len(chunks))))
        strips = list(pool.map(self._distinct, range(0, chunks.dims, _STRIP)))
        sizes = np.concatenate([sizes for sizes, _, _ in strips])
        self.class_rank = np.concatenate([ranks for _, ranks, _ in strips])
        """int64 (initial classes,)"""
        self.population = np.concatenate([tokens for _, _, tokens in strips])
        """int64 (initial classes,): how many tokens are in each"""
        self.front = Front(
            bounds=np.concatenate([[0], np.cumsum(sizes)]),
            start=np.arange(len(self.class_rank)),
            values=self.places[self.class_rank],
        )
        """the initial classes, at their places"""

    def population_of(self, tokens: np.ndarray) -> np.ndarray:
        """How many of `tokens`, int64 (n,), are in each initial class, int64."""
        bounds = self.front.bounds

        def strip(start: int) -> np.ndarray:
            counts = self._count(start, self.ranks[tokens, start : start + _STRIP].T)
            ends = bounds[start : start + len(counts) + 1]
            dim = np.repeat(np.arange(len(counts)), np.diff(ends))
            return counts[dim, self.class_rank[ends[0] : ends[-1]]]

        return np.concatenate(list(self._pool.map(strip, range(0, self.chunks.dims, _STRIP))))

    def _distinct(self, start: int) -> tuple[np.ndarray, ...]:
        """Of a strip of dimensions: how many ranks occur in each, which, how often."""
        counts = self._count(start, transposed(self.ranks[:, start : start + _STRIP]))
        dim, rank = np.nonzero(counts)
        return np.bincount(dim, minlength=len(counts)), rank, counts[dim, rank]

    def _count(self, start: int, columns: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(each, minlength=len(self.places)) for each in columns])


def transposed(columns: np.ndarray) -> np.ndarray:
    """`columns` (tokens, dims) as (dims, tokens), contiguous."""
    out = np.empty(columns.shape[::-1], columns.dtype)
    for start in range(0, len(columns), _ROWS):
        out[:, start : start + _ROWS] = columns[start : start + _ROWS].T
    return out


def parts(rows: np.ndarray) -> list[np.ndarray]:
    """Views of contiguous `rows`, one after another."""
    flat = rows.reshape(-1)
    return [flat[start : start + _PART] for start in range(0, len(flat), _PART)]
