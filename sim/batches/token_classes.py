"""The cells of one cloud at every record, from the classes of its tokens.

label  a number of a token at a record, equal for tokens of one cell and for no others: the places
       of its classes among those of their dimensions that are apart, as the digits of one number

Cells only ever merge. So where the last record finds a token alone in its cell every other one
does, and only the tokens that share one at last are looked at again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_THIN = 8
"""Dimensions that tell most tokens apart, where that many can."""
_LARGEST = 1 << 62
"""Labels are smaller."""
_AT_ONCE = 1 << 16
"""Digits of labels that are looked up at a time."""


@dataclass(frozen=True)
class TokenClasses:
    """The classes of the tokens of a cloud in its open dimensions, those with several classes."""

    tokens: np.ndarray
    """int64 (dims, tokens): in each dimension, its tokens by their values"""
    counts: np.ndarray
    """int64 (classes,): the tokens of each class, dimension after dimension"""
    bounds: np.ndarray
    """int64 (dims + 1,): dimension d has the classes bounds[d] ... bounds[d + 1] - 1"""
    ranks: np.ndarray
    """(records, classes): the rank of each class at each record; they rise in a dimension"""

    def together(self, everyone: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Give some records at a time, the last ones first, and the tokens that may share cells.

        Each time come the records, those of `everyone`, the tokens, int64 (n,), rising, and their
        labels, int64 (records, n). All other tokens are alone in their cells at those records.
        """
        among, stop = np.arange(everyone), len(self.ranks)
        apart = self._apart(stop - 1)
        if len(apart) > _THIN:
            few = apart[:: -(-len(apart) // _THIN)]
            among = among[_shared(self._labels(few, among, slice(stop - 1, stop))[0])]
        # Going back, fewer tokens share a cell, and more dimensions tell them apart.
        while stop:
            start = 0
            if len(self._apart(0)) * len(among) * stop > _AT_ONCE:
                start = stop // 2 if stop < len(self.ranks) else 3 * stop // 4
            records = slice(start, stop)
            labels = self._labels(self._apart(start), among, records)
            yield records, among, labels
            among, stop = among[_shared(labels[0])] if start else among, start

    def _apart(self, record: int) -> np.ndarray:
        """Return the dimensions that tell some tokens apart at a record."""
        ranks = self.ranks[record]  # they rise: the outermost ones tell
        return np.flatnonzero(ranks[self.bounds[:-1]] != ranks[self.bounds[1:] - 1])

    def _labels(self, dims: np.ndarray, tokens: np.ndarray, records: slice) -> np.ndarray:
        """Return the labels of `tokens` in `dims` at `records`, int64 (records, tokens)."""
        ranks = self.ranks[records]
        if not len(dims) or not len(tokens):
            return np.zeros((len(ranks), len(tokens)), np.int64)
        classes = ranges(self.bounds[dims], self.bounds[dims + 1])
        sizes = self.bounds[dims + 1] - self.bounds[dims]
        ends = np.cumsum(sizes)
        digits, radices = _digits(ranks[:, classes], ends - sizes, ends)
        groups, weights = _weights(radices)
        digits *= np.repeat(weights, sizes)
        class_of = np.empty((len(dims), self.tokens.shape[1]), np.int64)
        by_value = np.repeat(np.arange(len(classes)), self.counts[classes])
        rows = np.arange(len(dims))[:, None]
        class_of[rows, self.tokens[dims]] = by_value.reshape(class_of.shape)
        class_of = class_of[:, tokens]
        found = np.empty((len(ranks), len(groups), len(tokens)), np.int64)
        step = max(1, _AT_ONCE // class_of.size)
        for start in range(0, len(ranks), step):
            of_dims = digits[start : start + step].take(class_of, axis=1)
            np.add.reduceat(of_dims, groups, axis=1, out=found[start : start + step])
        return found[:, 0] if len(groups) == 1 else np.stack([_as_one(each) for each in found])


def _digits(
    ranks: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each class among those of its dimension that are apart, and how many are.

    The places are int64, of the shape of `ranks` (records, classes); dimension d has the classes
    starts[d] ... ends[d] - 1, and int64 (dims,) places at most.
    """
    places = np.zeros(ranks.shape, np.int64)
    np.cumsum(ranks[:, 1:] != ranks[:, :-1], axis=1, out=places[:, 1:])
    places -= np.repeat(places[:, starts], ends - starts, axis=1)
    return places, places[:, ends - 1].max(axis=0) + 1


def _weights(radices: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return what the digits of each dimension count for, and where another number begins."""
    groups, weights, size = [0], [], 1
    for dim, radix in enumerate(radices.tolist()):
        if size * radix >= _LARGEST:
            groups.append(dim)
            size = 1
        weights.append(size)
        size *= radix
    return groups, np.array(weights, np.int64)


def _as_one(numbers: np.ndarray) -> np.ndarray:
    """Return a label for each column of `numbers`, int64 (groups, tokens)."""
    found = numbers[0]
    for more in numbers[1:]:
        (_, one), (there, other) = (np.unique(each, return_inverse=True) for each in (found, more))
        found = one * len(there) + other
    return found


def _shared(labels: np.ndarray) -> np.ndarray:
    """Return whether each label occurs more than once, bool."""
    order = np.argsort(labels)
    rising = labels[order]
    same = np.zeros(len(labels) + 1, bool)
    same[1:-1] = rising[1:] == rising[:-1]
    found = np.empty(len(labels), bool)
    found[order] = same[1:] | same[:-1]
    return found


def ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the numbers starts[i] ... ends[i] - 1 of every i, one range after another, int64."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)


def cell_counts(
    labels: np.ndarray, present: np.ndarray, alone: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the counts of the cells at each record, int64 (records,), by their names in the JSON.

    labels   int64 (records, n), of the tokens that may share a cell
    present  bool (records, n), or (1, n) for all records: which of them are counted
    alone    int64 (records,): how many others are, each in a cell of its own
    """
    rows, width = labels.shape
    if not width:
        nobody = np.zeros(rows, np.int64)
        none = dict.fromkeys(("black_holes", "black_hole_tokens", "pairs"), nobody)
        return {"distinct": alone, "singletons": alone, "largest": np.minimum(alone, 1), **none}
    order = np.argsort(labels, axis=1)
    rising = np.take_along_axis(labels, order, axis=1)
    new = np.ones(labels.shape, bool)
    new[:, 1:] = rising[:, 1:] != rising[:, :-1]
    there = np.take_along_axis(np.broadcast_to(present, labels.shape), order, axis=1)
    starts = np.flatnonzero(new)
    occupancy = np.add.reduceat(there.ravel(), starts, dtype=np.int64)
    firsts = np.searchsorted(starts, np.arange(rows) * width)
    hole, single = occupancy > 1, occupancy == 1

    def total(numbers: np.ndarray) -> np.ndarray:
        return np.add.reduceat(numbers, firsts, dtype=np.int64)

    holes, singles = total(hole), total(single) + alone
    return {
        "distinct": holes + singles,
        "black_holes": holes,
        "black_hole_tokens": total(occupancy * hole),
        "singletons": singles,
        "largest": np.maximum(np.maximum.reduceat(occupancy, firsts), np.minimum(alone, 1)),
        "pairs": total(occupancy * (occupancy - 1) // 2),
    }
