"""Which rows may be partners of which, as bits: 64 partners in a word.

A row and a partner are known by their places among those the bits were made for.
"""

import numpy as np

_PER_ROW = 16
"""So few partners a row are sparse: comparing them whole is cheaper than a dimension more."""


def near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether ordinals `a` and `b`, unsigned, are equal or one apart, bool, broadcast."""
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
        """How many pairs there are."""
        return int(np.bitwise_count(self._words).sum())

    @property
    def sparse(self) -> bool:
        """Whether there are few pairs for so many rows."""
        return self.count <= _PER_ROW * len(self._words)

    def take_away(self, rows: np.ndarray, others: np.ndarray) -> None:
        """Part those whose ordinals, of one dimension, are two apart or more."""
        values, which = np.unique(rows, return_inverse=True)
        self._words &= _packed(near(values[:, None], others))[which]

    def keep_paired(self) -> tuple[np.ndarray, np.ndarray]:
        """Forget rows and partners that are in no pair; the places, int64, of those that stay."""
        rows = np.flatnonzero(self._words.any(axis=1))
        words = self._words[rows]
        others = np.flatnonzero(_unpacked(np.bitwise_or.reduce(words)[None], self._others))
        self._words = np.empty((len(rows), -(-len(others) // 64)), np.uint64)
        for k, row in enumerate(words):
            self._words[k] = _packed(_unpacked(row[None], self._others)[:, others])
        self._others = len(others)
        return rows, others

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The places, int64, of the rows and of the partners of all pairs."""
        rows = np.flatnonzero(self._words.any(axis=1))
        found = [np.flatnonzero(_unpacked(self._words[row][None], self._others)) for row in rows]
        paired = np.repeat(rows, [len(others) for others in found])
        return paired, np.concatenate([np.zeros(0, np.int64), *found])


def _packed(bits: np.ndarray) -> np.ndarray:
    """bool (rows, others) as uint64 (rows, words), the last word filled up with zeros."""
    octets = np.packbits(bits, axis=1)
    words = np.zeros((len(bits), -(-bits.shape[1] // 64)), np.uint64)
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    return words


def _unpacked(words: np.ndarray, others: int) -> np.ndarray:
    """The bits again, 0 or 1, uint8 (rows, others)."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=others)
