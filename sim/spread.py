"""A cloud whose tokens several processes hold, seen from each as one.

Every process asks the same in the same order, from one thread, and gets the same
answer: of rows, those that are asked for; of sums and fingerprints, all. With one
process nothing is copied or sent.
"""

from dataclasses import dataclass

import numpy as np

from kernels.formats import Format
from sim import hosts
from sim.chunks import Codes, Part
from sim.far import by_other


@dataclass(frozen=True)
class SpreadRows:
    """The codes of a cloud of which this process holds `part`, from token `first` on."""

    part: Part
    first: int
    tokens: int
    """of the whole cloud"""

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens, dims)"""
        return self.tokens, self.part.shape[1]

    @property
    def format(self) -> Format:
        """What they are codes of."""
        return self.part.format

    def span(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        codes = np.zeros((stop - start, self.shape[1]), self.format.storage)
        begin, end = max(start, self.first), min(stop, self.first + self.part.shape[0])
        if begin < end:
            codes[begin - start : end - start] = self.part.span(
                begin - self.first, end - self.first
            )
        return hosts.merge(codes)

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Codes (len(tokens), dims) with -0 as +0."""
        codes = np.zeros((len(tokens), self.shape[1]), self.format.storage)
        mine = self._mine(tokens)
        codes[mine] = self.part.take(tokens[mine] - self.first)
        return hosts.merge(codes)

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether tokens a[i] and b[i] are in one cell, for each i; no token is twice in a."""
        same = np.zeros(len(a), bool)
        mine = self._mine(a)
        for others, pairs, place in by_other(b, self.shape[1] * self.format.storage.itemsize):
            known, here = self.take(others), mine[pairs]
            tokens = a[pairs[here]] - self.first
            same[pairs[here]] = self.part.compare(tokens, known, place[here])
        return hosts.merge(same)

    def _mine(self, tokens: np.ndarray) -> np.ndarray:
        return (tokens >= self.first) & (tokens < self.first + self.part.shape[0])


def rows(part: Part, first: int, tokens: int) -> Codes:
    """The codes of all `tokens`, of which `part` holds some, from `first` on."""
    return part if hosts.count() == 1 else SpreadRows(part, first, tokens)


def joined(column: np.ndarray, tokens: int) -> np.ndarray:
    """One array (tokens,) from what each process has of its own tokens."""
    if hosts.count() == 1:
        return column
    bounds = hosts.bounds(tokens)
    mine = np.zeros(max(np.diff(bounds)), column.dtype)
    mine[: len(column)] = column
    parts = hosts.gather(mine)
    return np.concatenate([part[:n] for part, n in zip(parts, np.diff(bounds), strict=True)])


def added(number: np.ndarray) -> np.ndarray:
    """The sum, int64, over the processes of what each counted."""
    return hosts.gather(number).sum(axis=0)


def largest(number: np.ndarray) -> np.ndarray:
    """The largest that any process found, element by element."""
    return np.max(hosts.gather(number), axis=0)
