"""The cells of many clouds at every record, from the sides of boundaries on which tokens are.

boundary  between two neighbouring classes of a dimension: a token is above it or below. At a record
          it is apart where the values on its sides differ, and it is never again once they are one
side      a bit, 1 above. Those of a token stand in words, of 64 boundaries of its cloud each

Two tokens share a cell at a record where no boundary that is apart there is between them: where the
words of both are equal under a mask. So the masked words of a token are hashed to one number, the
numbers of a record are sorted, and neighbours are compared word by word. No count rests on the
hash: where it took two tokens for one, the words themselves are sorted.

Cells only ever merge. So whoever is alone in its cell at the last record is so at every one.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from drift.kernels import row_hash
from drift.sim.batches.occupancies import Segments, cell_counts

_WORD = 64
"""Boundaries of a word."""
_THIN = 4
"""Words of boundaries that tell most tokens apart at the last record, where that many can."""
_SIDES, _MASKED = 1 << 22, 1 << 18
"""Sides that are found, and words that are masked, at a time."""
_MULTIPLIER = 0x9E3779B97F4A7C15
"""Words are hashed as the digits of a number to this base, modulo 2**64."""


class Boundaries(NamedTuple):
    """The boundaries of some clouds, cloud after cloud."""

    cloud: np.ndarray
    """int64 (n,), rising: the number of the cloud"""
    row: np.ndarray
    """int64 (n,): the row of its words, sim.clouds.sorted_words"""
    place: np.ndarray
    """int64 (n,): how many tokens of the row are below it"""
    apart: np.ndarray
    """bool (records, n): whether it is apart at each record"""

    def some(self, which: np.ndarray) -> "Boundaries":
        """Return some of them, by bool (n,)."""
        return Boundaries(*(each[..., which] for each in self))

    def numbered(self, clouds: int) -> tuple[np.ndarray, np.ndarray]:
        """Return how many each cloud has, int64 (clouds,), and their numbers there, int64 (n,)."""
        each = np.bincount(self.cloud, minlength=clouds)
        return each, np.arange(len(self.cloud)) - (np.cumsum(each) - each)[self.cloud]


class Sides(NamedTuple):
    """The sides of all tokens of some clouds, and what is apart at each record."""

    words: np.ndarray
    """uint64 (words, tokens), cloud after cloud"""
    masks: np.ndarray
    """uint64 (records, words)"""
    first: np.ndarray
    """int64 (clouds + 1,): cloud k has the words first[k] ... first[k + 1] - 1, at least one"""

    @classmethod
    def of(cls, boundaries: Boundaries, positions: np.ndarray, clouds: int) -> "Sides":
        """Find the sides of tokens by their `positions`, (rows, tokens), in each row."""
        each, within = boundaries.numbered(clouds)
        counts = np.maximum(1, -(-each // _WORD))
        first = np.concatenate([[0], np.cumsum(counts)])
        slots = first[boundaries.cloud] * _WORD + within
        apart = np.zeros((len(boundaries.apart), first[-1] * _WORD), bool)
        apart[:, slots] = boundaries.apart
        masks = np.packbits(apart, axis=1, bitorder="little").view(np.uint64)
        words = np.empty((first[-1], positions.shape[1]), np.uint64)
        place = boundaries.place.astype(positions.dtype)
        step = max(1, _SIDES // (_WORD * positions.shape[1]))
        for start in range(0, len(words), step):
            stop = min(start + step, len(words))
            here = slice(*np.searchsorted(slots, [start * _WORD, stop * _WORD]).tolist())
            above = np.zeros(((stop - start) * _WORD, positions.shape[1]), bool)
            above[slots[here] - start * _WORD] = (
                positions[boundaries.row[here]] >= place[here, None]
            )
            # Token by token first: across rows bits are packed at a quarter of the speed.
            of_token = np.packbits(np.ascontiguousarray(above.T), axis=1, bitorder="little")
            words[start:stop] = of_token.view(np.uint64).T
        return cls(words, masks, first)

    def fresh(self) -> np.ndarray:
        """Return at which records more has met than at the one before, bool (clouds, records)."""
        found = np.ones((len(self.masks), len(self.first) - 1), bool)
        changed = self.masks[1:] != self.masks[:-1]
        np.logical_or.reduceat(changed, self.first[:-1], axis=1, out=found[1:])
        return found.T


def count_cells(
    boundaries: Boundaries,
    positions: np.ndarray,
    clouds: int,
    alive: np.ndarray,
    leaving: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Return the counts of the cells of clouds at each record, int64 (clouds, records), by name.

    positions  (rows, tokens): how many tokens of its row are below each token
    alive      int64 (records,): the tokens that are present
    leaving    int64 (clouds, tokens): a token is there while its number is below that of `alive`;
               None where all stay
    """
    shared = _shared(boundaries, positions, clouds)
    together = np.any(shared, axis=1)
    sides = Sides.of(boundaries.some(together[boundaries.cloud]), positions, clouds)
    fresh = sides.fresh() & together[:, None]
    if leaving is not None:
        fresh[together] = True
    segments, alone = [], np.tile(alive, (clouds, 1))
    for k in np.flatnonzero(together).tolist():
        tokens, words = np.flatnonzero(shared[k]), slice(*sides.first[k : k + 2].tolist())
        there: np.ndarray | None = None
        if leaving is not None:
            there = np.less(leaving[k, tokens], alive[:, None])
        alone[k] -= len(tokens) if there is None else there.sum(axis=1)
        every = np.flatnonzero(fresh[k])
        mine, masks = sides.words[words][:, tokens], sides.masks[every, words]
        for part, order, new in _grouped(mine, masks):
            weights = None
            if there is not None:
                weights = np.take_along_axis(there[every[part]], order, axis=1)
            segments.append(Segments(new, weights))
    # A record at which nothing more met has the counts of the one before.
    latest = np.cumsum(fresh).reshape(fresh.shape) - 1
    found = cell_counts(segments)
    for name, counts in found.items():
        found[name] = np.append(counts, 0)[np.where(together[:, None], latest, -1)]
    found["singletons"] += alone
    found["distinct"] += alone
    np.maximum(found["largest"], alone > 0, out=found["largest"])
    return found


def _shared(boundaries: Boundaries, positions: np.ndarray, clouds: int) -> np.ndarray:
    """Return whether each token may share its cell at the last record, bool (clouds, tokens)."""
    last = boundaries.some(boundaries.apart[-1])
    each, within = last.numbered(clouds)
    stride = np.maximum(1, -(-each // (_THIN * _WORD)))
    sides = Sides.of(last.some(within % stride[last.cloud] == 0), positions, clouds)
    counts = np.diff(sides.first)
    powers = _powers(int(counts.max()))
    digits = (
        sides.words
        * powers[np.arange(len(sides.words)) - np.repeat(sides.first[:-1], counts)][:, None]
    )
    return row_hash.repeated(np.add.reduceat(digits, sides.first[:-1], axis=0))


def _grouped(
    words: np.ndarray, masks: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Give some records at a time with the tokens cell by cell, and where cells begin.

    `words` are those of the tokens, uint64 (words, tokens), `masks` (records, words). Tokens are
    given by their numbers, int64 (records, tokens), and beginnings are bool.
    """
    powers, step = _powers(len(words)), max(1, _MASKED // words.size)
    for start in range(0, len(masks), step):
        part = slice(start, start + step)
        masked = words & masks[part, :, None]
        hashed = masked[:, 0] if len(words) == 1 else (masked * powers[:, None]).sum(axis=1)
        keyed, low = row_hash.placed(hashed)
        order = (keyed & low).astype(np.intp)
        new = np.ones(order.shape, bool)
        new[:, 1:] = (keyed[:, 1:] ^ keyed[:, :-1]) > low
        by_cell = np.take_along_axis(masked, order[:, None], axis=2)
        differ = (by_cell[:, :, 1:] != by_cell[:, :, :-1]).any(axis=1)
        if not np.array_equal(differ, new[:, 1:]):
            order, new = _by_words(masked)
        yield part, order, new


def _by_words(masked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens cell by cell, and where cells begin, from all words of them."""
    order, new = np.empty(masked[:, 0].shape, np.intp), np.ones(masked[:, 0].shape, bool)
    for k, words in enumerate(masked):
        order[k] = np.lexsort(words)
        by_cell = words[:, order[k]]
        new[k, 1:] = (by_cell[:, 1:] != by_cell[:, :-1]).any(axis=0)
    return order, new


def _powers(count: int) -> np.ndarray:
    """Return the first powers of the base, uint64 (count,)."""
    return np.cumprod(np.full(count, _MULTIPLIER, np.uint64))
