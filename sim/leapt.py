"""A leapt cloud, looked at: its rows are made only where somebody asks for them.

Where a token is in a dimension is a table of the rank of its initial value. A
count looks first at the dimensions whose values tell most tokens apart, and never
at those in which all tokens share one value.
"""

from functools import cached_property

import numpy as np

from drift.kernels import row_hash
from drift.kernels.value_map.classes import Front
from drift.sim.coalescence import coalesce
from drift.sim.ranked import Ranked, transposed

_THIN = 16
"""Dimensions that are looked at first."""
_STRIP = 64
_BLOCK_BYTES = 16 << 20
"""Of rows made together."""


class LeaptRows:
    """The rows of the cloud `start` when its classes are at `front`, of places."""

    def __init__(self, start: Ranked, front: Front):
        self.shape, self.format = start.ranks.shape, start.target
        self._start, self._front = start, front

    def span(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        every = np.arange(self.shape[1])
        return _look_up(self._tables, self._start.ranks[start:stop], every)

    def leaders(self, tokens: np.ndarray) -> np.ndarray:
        """The leaders of `tokens`, int64: sim.coalescence."""
        varying = self._varying
        if not len(varying):
            return np.full(len(tokens), tokens[0])

        def thin(some: np.ndarray) -> np.ndarray:
            ranks = self._start.ranks
            columns = (self._table(d, self._cells)[ranks[some, d]] for d in varying[:_THIN])
            return row_hash.mixed(columns, len(some))

        def take(some: np.ndarray) -> np.ndarray:
            return _look_up(self._tables, self._start.ranks[some], varying)

        same = (self.format.storage.itemsize * len(varying), self.format, _BLOCK_BYTES)
        return coalesce(
            tokens,
            [thin, lambda some: row_hash.hashes(take, some, *same)],
            lambda a, b: row_hash.equal(take, a, b, *same),
        )

    @cached_property
    def _varying(self) -> np.ndarray:
        """The dimensions with more than one value, those with most first, int64."""
        sizes = self._front.sizes
        falling = np.argsort(-sizes, kind="stable")
        return falling[sizes[falling] > 1]

    @cached_property
    def _codes(self) -> np.ndarray:
        """Of every class, in the storage type."""
        return self.format.code_in_place(self._front.values)

    @cached_property
    def _cells(self) -> np.ndarray:
        """The same with -0 as +0."""
        return row_hash.merged(self._codes, self.format)

    @cached_property
    def _tables(self) -> np.ndarray:
        """The code of every initial rank in every dimension, (dims, ranks)."""
        return np.stack([self._table(dim, self._codes) for dim in range(self.shape[1])])

    def _table(self, dim: int, of_class: np.ndarray) -> np.ndarray:
        """What `of_class` says of each initial rank in a dimension, (ranks,)."""
        here = slice(*self._front.bounds[dim : dim + 2])
        first = self._start.class_rank[self._front.start[here]]
        first[0] = 0  # nobody has a lower rank than the first class
        return np.repeat(of_class[here], np.diff(first, append=len(self._start.places)))


def _look_up(tables: np.ndarray, ranks: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """What `tables` (all dims, ranks) say of `ranks` (tokens, all dims), (tokens, dims)."""
    out = np.empty((len(ranks), len(dims)), tables.dtype)
    for at in range(0, len(dims), _STRIP):
        some = dims[at : at + _STRIP]
        found = np.empty((len(some), len(ranks)), tables.dtype)
        for dim, column, codes in zip(some, transposed(ranks[:, some]), found, strict=True):
            np.take(tables[dim], column, out=codes, mode="clip")
        out[:, at : at + _STRIP] = found.T
    return out
