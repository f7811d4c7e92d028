"""The cloud of the leap engine: initial values as indices, and its rows at any step on demand.

index  the number of a coordinate's rank among all ranks that occur in the cloud at first. There
       are few indices (some thousands in a normal cloud), so tables over them are small

The code of a token in a dimension is read from a table by the index of its initial value. A
count begins with the dimensions that have most values, which part most tokens, and never
reads those in which all tokens share one value.
"""

from concurrent.futures import Executor
from functools import cached_property

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format
from drift.kernels.value_map.classes import ValueClasses
from drift.sim.counting.coalesce import coalesce
from drift.sim.engines.chunks import Chunks, Fill

_STRIP = 64
"""Dimensions transposed at once."""
_ROWS = 2048
"""Tokens transposed at once."""
_PART = 1 << 17
"""Elements worked on at once: they stay in cache."""


class RankedCloud:
    """The cloud that `fill` gives, of a format of 16 bits or fewer, ranked value by value."""

    def __init__(self, fill: Fill, chunks: Chunks, target: Format, pool: Executor):
        self.chunks, self.target, self._pool = chunks, target, pool
        # Filled with codes, which indices replace in place: the cloud is in memory once.
        self.indices = np.empty((chunks.tokens, chunks.dims), np.uint16)
        """uint16 (tokens, dims): the index of each coordinate at first"""

        def load(chunk: int) -> None:
            start, stop = chunks.bounds(chunk)
            self.indices[start:stop] = fill(start, stop)

        list(pool.map(load, range(len(chunks))))
        strips = list(pool.map(self._distinct, range(0, chunks.dims, _STRIP)))
        there = np.zeros(1 << target.width, bool)
        for _, codes, _ in strips:
            there[codes] = True
        self.ranks = np.sort(target.rank_of(np.flatnonzero(there).astype(target.storage)))
        """(indices,): the rank of each index, rising"""
        index = np.zeros(len(there), np.uint16)
        index[target.code_of_rank(self.ranks)] = np.arange(len(self.ranks))

        def number(chunk: int) -> None:
            for part in blocks(self.indices[slice(*chunks.bounds(chunk))]):
                part[...] = index.take(part, mode="clip")

        list(pool.map(number, range(len(chunks))))
        sizes = np.concatenate([sizes for sizes, _, _ in strips])
        self.class_index = index[np.concatenate([codes for _, codes, _ in strips])]
        """uint16 (initial classes,): the index of each"""
        self.population = np.concatenate([tokens for _, _, tokens in strips])
        """int32 (initial classes,): the number of tokens in each"""
        self.classes = ValueClasses(
            bounds=np.concatenate([[0], np.cumsum(sizes)]),
            first_value=np.arange(len(self.class_index), dtype=np.int32),
            values=self.ranks[self.class_index],
        )
        """the initial classes; their values are their ranks"""

    def population_of(self, tokens: np.ndarray) -> np.ndarray:
        """Count those of `tokens`, int64 (n,), in each initial class, int32 (initial classes,)."""
        bounds = self.classes.bounds

        def strip(start: int) -> np.ndarray:
            counts = self._count(start, self.indices[tokens, start : start + _STRIP].T)
            ends = bounds[start : start + len(counts) + 1]
            dim = np.repeat(np.arange(len(counts)), np.diff(ends))
            return counts[dim, self.class_index[ends[0] : ends[-1]]].astype(np.int32)

        return np.concatenate(list(self._pool.map(strip, range(0, self.chunks.dims, _STRIP))))

    def _distinct(self, start: int) -> tuple[np.ndarray, ...]:
        """Return the number of codes in each dimension of a strip, the codes, and how often.

        Those of a dimension rise with their values.
        """
        sign = self.target.sign
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for column in transposed(self.indices[:, start : start + _STRIP]):
            counts = np.bincount(column, minlength=2 * sign)
            codes = np.flatnonzero(counts)
            negative = np.searchsorted(codes, sign)
            # Codes of positive values come first and rise with them, negative ones fall.
            codes = np.concatenate([codes[negative:][::-1], codes[:negative]])
            found.append((codes.astype(np.uint16), counts[codes].astype(np.int32)))
        codes, tokens = zip(*found, strict=True)
        return (
            np.array([len(each) for each in codes]),
            np.concatenate(codes),
            np.concatenate(tokens),
        )

    def _count(self, start: int, columns: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(each, minlength=len(self.ranks)) for each in columns])


def transposed(columns: np.ndarray) -> np.ndarray:
    """Return `columns` (tokens, dims) as (dims, tokens), contiguous."""
    out = np.empty(columns.shape[::-1], columns.dtype)
    for start in range(0, len(columns), _ROWS):
        out[:, start : start + _ROWS] = columns[start : start + _ROWS].T
    return out


def blocks(rows: np.ndarray) -> list[np.ndarray]:
    """Return views of contiguous `rows`, one after another."""
    flat = rows.reshape(-1)
    return [flat[start : start + _PART] for start in range(0, len(flat), _PART)]


_THIN = 16
"""Dimensions that a count begins with."""
_DIMS_AT_ONCE = 64
_BLOCK_BYTES = 16 << 20
"""Bytes of rows made at once."""


class LeapRows:
    """The rows of `cloud` when its classes are those of `classes`, whose values are ranks."""

    def __init__(self, cloud: RankedCloud, classes: ValueClasses):
        self.shape, self.format = cloud.indices.shape, cloud.target
        self._cloud, self._classes = cloud, classes

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        every = np.arange(self.shape[1])
        return _look_up(self._tables, self._cloud.indices[start:stop], every)

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        varying = self._varying
        if not len(varying):
            return np.full(len(tokens), tokens[0])

        def thin(some: np.ndarray) -> np.ndarray:
            indices = self._cloud.indices
            columns = (self._table(d, self._cells)[indices[some, d]] for d in varying[:_THIN])
            return row_hash.mix(columns, len(some))

        def take(some: np.ndarray) -> np.ndarray:
            return _look_up(self._tables, self._cloud.indices[some], varying)

        same = (self.format.storage.itemsize * len(varying), self.format, _BLOCK_BYTES)
        return coalesce(
            tokens,
            [thin, lambda some: row_hash.hashes(take, some, *same)],
            lambda a, b: row_hash.equal(take, a, b, *same),
        )

    @cached_property
    def _varying(self) -> np.ndarray:
        """The dimensions with more than one value, those with most first, int64."""
        sizes = self._classes.sizes
        falling = np.argsort(-sizes, kind="stable")
        return falling[sizes[falling] > 1]

    @cached_property
    def _codes(self) -> np.ndarray:
        """The code of every class, (classes,), in the storage type."""
        return self.format.code_of_rank(self._classes.values)

    @cached_property
    def _cells(self) -> np.ndarray:
        """The code of every class with -0 as +0."""
        return row_hash.merge_zeros(self._codes, self.format)

    @cached_property
    def _tables(self) -> np.ndarray:
        """The code by now of every index in every dimension, (dims, indices)."""
        return np.stack([self._table(dim, self._codes) for dim in range(self.shape[1])])

    def _table(self, dim: int, of_class: np.ndarray) -> np.ndarray:
        """Return a table from index to `of_class`, (classes,), in a dimension, (indices,)."""
        here = slice(*self._classes.bounds[dim : dim + 2])
        first = self._cloud.class_index[self._classes.first_value[here]].astype(np.int64)
        first[0] = 0  # no token has a lower index than the first class
        return np.repeat(of_class[here], np.diff(first, append=len(self._cloud.ranks)))


def _look_up(tables: np.ndarray, indices: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Look up `indices` (tokens, all dims) in `tables` (all dims, indices): (tokens, dims)."""
    out = np.empty((len(indices), len(dims)), tables.dtype)
    for at in range(0, len(dims), _DIMS_AT_ONCE):
        some = dims[at : at + _DIMS_AT_ONCE]
        found = np.empty((len(some), len(indices)), tables.dtype)
        # Dimension by dimension: a table of one stays in cache while all tokens read it.
        for dim, column, codes in zip(some, transposed(indices[:, some]), found, strict=True):
            np.take(tables[dim], column, out=codes, mode="clip")
        out[:, at : at + _DIMS_AT_ONCE] = found.T
    return out
