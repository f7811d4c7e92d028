"""The neighbour join: which rows are adjacent, at most one lattice step apart in every dimension.

partner   a row that may be adjacent to another, and comes after it

Rows are sorted by the dimension that parts most of them, and taken block by
block: the partners of a block are the later rows within one step of it there. Who
may be adjacent is kept as bits, 64 partners in a word. One dimension after another
parts pairs, the most separating ones first; it costs one comparison for every value
that occurs in the block, not for every row. Where few pairs are left, these are
compared whole. Where many are left (thousands of rows in one neighbourhood), the
other dimensions go on parting them, but for those that part no two rows of the
neighbourhood.

All is exact: a pair is dropped only for a dimension in which it is two steps apart.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from drift.kernels.formats import Format

_PER_ROW = 16
"""So few partners a row are sparse: comparing them whole is cheaper than a dimension more."""


def near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return whether ordinals `a` and `b`, unsigned, are equal or one apart, bool, broadcast."""
    one = a.dtype.type(1)
    # Modulo 2**n, but no finite value's ordinal is so near to either end.
    return a - b + one <= one + one


class Partners:
    """Each of `rows` rows with those of `others` partners that come after it."""

    def __init__(self, rows: int, others: int):
        self._others = others
        later = np.arange(others) > np.arange(rows)[:, None]
        self._words = _packed(later)

    @property
    def count(self) -> int:
        """The number of pairs."""
        return int(np.bitwise_count(self._words).sum())

    @property
    def sparse(self) -> bool:
        """True where there are few pairs for so many rows."""
        return self.count <= _PER_ROW * len(self._words)

    def take_away(self, rows: np.ndarray, others: np.ndarray) -> None:
        """Part the pairs whose ordinals, of one dimension, are two apart or more."""
        # One comparison for every value that occurs, not for every row.
        values, which = np.unique(rows, return_inverse=True)
        self._words &= _packed(near(values[:, None], others))[which]

    def keep_paired(self) -> tuple[np.ndarray, np.ndarray]:
        """Forget rows and partners in no pair; return the positions, int64, of those that stay."""
        rows = np.flatnonzero(self._words.any(axis=1))
        words = self._words[rows]
        others = np.flatnonzero(_unpacked(np.bitwise_or.reduce(words)[None], self._others))
        self._words = np.empty((len(rows), -(-len(others) // 64)), np.uint64)
        for k, row in enumerate(words):
            self._words[k] = _packed(_unpacked(row[None], self._others)[:, others])
        self._others = len(others)
        return rows, others

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions, int64, of the rows and of the partners of all pairs."""
        rows = np.flatnonzero(self._words.any(axis=1))
        found = [np.flatnonzero(_unpacked(self._words[row][None], self._others)) for row in rows]
        paired = np.repeat(rows, [len(others) for others in found])
        return paired, np.concatenate([np.zeros(0, np.int64), *found])


def _packed(bits: np.ndarray) -> np.ndarray:
    """Pack bool (rows, others) into uint64 (rows, words), the last word filled up with zeros."""
    octets = np.packbits(bits, axis=1)
    words = np.zeros((len(bits), -(-bits.shape[1] // 64)), np.uint64)
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    return words


def _unpacked(words: np.ndarray, others: int) -> np.ndarray:
    """Return the bits of packed words, 0 or 1, uint8 (rows, others)."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=others)


MOST_PAIRS = 20_000_000
"""More adjacent pairs than that are refused: they would not fit a graph."""
_SAMPLE = 512
"""Rows from which it is guessed how many pairs each dimension parts."""
_FIRST = 8
"""Dimensions that every block begins with."""
_BLOCK = 512
"""Rows joined at once."""
_STRIP = 64
"""Dimensions of a crowd compared at once."""
_FEW = 64
"""So few pairs of a block cost less to compare whole than one dimension more."""
_PAIRS = 1 << 11
"""Pairs compared at once."""

Progress = Callable[[int, int], None]
"""Called with the number of rows that are done, and of all rows."""


class Crowded(ValueError):
    """More adjacent pairs than its argument, which is the most that are accepted."""


def adjacent(
    codes: np.ndarray,
    rows: np.ndarray,
    target: Format,
    progress: Progress = lambda done, total: None,
    most: int = MOST_PAIRS,
) -> np.ndarray:
    """Return the adjacent pairs among distinct `rows`, int64 (rows,), of the matrix `codes`.

    They are int64 (pairs, 2), positions in `rows`, the smaller one first, sorted. Raises
    Crowded where there are more than `most`. Takes time in proportion to the rows
    where these lie apart; m rows that crowd into one neighbourhood cost m**2 / 128
    words for each dimension in which they differ by two steps or more.
    """
    if len(rows) < 2 or codes.shape[1] == 0:
        return np.zeros((0, 2), np.int64)
    join = _Join(codes, rows, target, most)
    found, count = [], 0
    blocks = [slice(k, min(k + _BLOCK, len(rows))) for k in range(0, len(rows), _BLOCK)]
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for block, pairs in zip(blocks, pool.map(join.block, blocks), strict=True):
            found.append(pairs)
            count += len(pairs)
            if count > most:
                raise Crowded(most)
            progress(block.stop, len(rows))
    finally:
        # Where there are too many pairs, blocks that are not begun never are.
        pool.shutdown(cancel_futures=True)
    pairs = np.sort(join.order[np.concatenate(found)], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


class _Join:
    """Rows sorted by the dimension that parts most of them."""

    def __init__(self, codes: np.ndarray, rows: np.ndarray, target: Format, most: int):
        self._codes, self._target, self._most = codes, target, most
        sample = rows[:: -(-len(rows) // _SAMPLE)]
        first = most_separating(target.ordinal(codes[sample]))[:_FIRST]
        columns = np.ascontiguousarray(target.ordinal(codes[rows[:, None], first]).T)
        self.order = np.argsort(columns[0], kind="stable")
        self._rows = rows[self.order]
        self._columns = columns[:, self.order]

    def block(self, block: slice) -> np.ndarray:
        """Return the pairs whose first row is in the block, by sorted position. Raises Crowded."""
        leading = self._columns[0]
        # Rows are sorted by the leading column: no partner lies beyond its next step.
        beyond = leading[block.stop - 1] + leading.dtype.type(1)
        stop = int(np.searchsorted(leading, beyond, side="right"))
        mine, others = np.arange(block.start, block.stop), np.arange(block.start, stop)
        partners = Partners(len(mine), len(others))
        for column in self._columns:
            partners.take_away(column[mine], column[others])
            if partners.count <= _FEW:
                break
        decided = False
        if not partners.sparse:
            rows, positions = partners.keep_paired()
            mine, others = mine[rows], others[positions]
            decided = self._part_crowd(partners, mine, others)
        if decided and partners.count > self._most:
            raise Crowded(self._most)
        rows, positions = partners.pairs()
        pairs = np.stack([mine[rows], others[positions]], axis=1)
        return pairs if decided else pairs[self._adjacent(pairs)]

    def _part_crowd(self, partners: Partners, mine: np.ndarray, others: np.ndarray) -> bool:
        """Take pairs away dimension by dimension; return whether every dimension was used."""
        everyone = np.union1d(mine, others)
        rows, positions = np.searchsorted(everyone, mine), np.searchsorted(everyone, others)
        for start in range(0, self._codes.shape[1], _STRIP):
            strip = self._codes[self._rows[everyone], start : start + _STRIP]
            strip = np.ascontiguousarray(self._target.ordinal(strip).T)
            # A dimension whose values span one step parts no rows.
            for column in strip[np.ptp(strip, axis=1) > 1]:
                partners.take_away(column[rows], column[positions])
            if partners.sparse:
                return False
        return True

    def _adjacent(self, pairs: np.ndarray) -> np.ndarray:
        """Return whether each pair is adjacent, bool: compared in every dimension."""
        same = np.empty(len(pairs), bool)
        for start in range(0, len(pairs), _PAIRS):
            part = slice(start, start + _PAIRS)
            a, b = (self._codes[self._rows[side]] for side in pairs[part].T)
            same[part] = near(self._target.ordinal(a), self._target.ordinal(b)).all(axis=1)
        return same


def most_separating(ordinals: np.ndarray) -> np.ndarray:
    """Return the dimensions of a sample, (rows, dims), from the one that parts most pairs.

    Of sorted values the pairs k apart in order, k a power of two, stand for 2k.
    """
    rising = np.sort(ordinals, axis=0)
    close = np.zeros(ordinals.shape[1], np.int64)
    apart = 1
    while apart < len(rising):
        close += apart * np.count_nonzero(rising[apart:] - rising[:-apart] <= 1, axis=0)
        apart *= 2
    return np.argsort(close, kind="stable")
