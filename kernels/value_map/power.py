"""Many equal steps at once: the table of one step, and its powers by squaring.

With the constant schedule a dimension's step is one function T from the lattice
to itself. Its image S = T(lattice) is far smaller than the lattice, and T maps S
into S; so T is kept as the table of S into itself, and

    T^k = T^(2^a) o T^(2^b) o ...    for the binary digits of k,

each power the square of the one before. T is monotone, so it has no cycles but
its fixed points, and squaring ends where it changes nothing: every value has come
to rest, and all higher powers are the same.
"""

from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np

from drift.kernels.formats import Arithmetic, Format, Rounding
from drift.kernels.stepping import host
from drift.kernels.value_map.classes import ValueClasses, same_value

Span = tuple[int, int]
"""The lowest and the highest rank that any value can reach."""
_STRIP = 32
"""Dimensions that share a table."""


class PowerMap:
    """Equal steps of `displacements`, float32 (dims,), from `classes` at the step `origin`."""

    def __init__(
        self,
        classes: ValueClasses,
        displacements: np.ndarray,
        origin: int,
        target: Format,
        rounding: Rounding,
        span: Span,
        pool: Executor,
    ):
        self._classes, self._pool = classes, pool
        self._table = partial(_StepTable, target=target, rounding=rounding, span=span)
        self._displacements, self._storage = displacements, target.storage
        self._origin = self._step = origin
        self._last = classes, classes
        self._elements = np.zeros(0, np.int32)
        """int32 (classes,): the element of its table that each is, once a step is taken"""
        self._strips = range(0, len(displacements), _STRIP)
        self._tables: dict[int, _StepTable] = {}
        """those of strips that have moved and are not at rest, by their first dimensions"""
        self._resting: set[int] = set()
        """the first dimensions of the strips that are"""

    def to(self, step: int) -> tuple[ValueClasses, ValueClasses]:
        """Move on to `step`, a later one; return the classes of ranks there, and those stalled.

        Each of the former is made of some of the latter, whose values, bool, are true where the
        last step left them where they were though its displacement is not 0.
        Where a step moved nothing no later one does.
        """
        if len(self._resting) == len(self._strips):
            return self._last
        first = self._step == self._origin
        # All steps but the last go by one power; the last is taken alone, to tell what it stalls.
        more = step - 1 - self._step - first
        before, elements = self._classes, self._elements
        after = np.empty(len(before.values), np.int32)
        ranks, stalled = np.empty(len(after), self._storage), np.empty(len(after), bool)

        def one(start: int) -> None:
            ends = before.bounds[start : start + _STRIP + 1]
            here = slice(ends[0], ends[-1])
            dims = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
            displacements = self._displacements[start : start + _STRIP]
            if start in self._resting:
                after[here], ranks[here] = elements[here], before.values[here]
                stalled[here] = displacements[dims] != 0
                return
            # Made here, and kept while it moves something: most are soon done with.
            table = self._tables.pop(start, None)
            if table is None:
                table = self._table(dims, before.values[here], displacements)
            at, rests = table.first if first else elements[here], False
            if step == self._origin + 1:
                after[here], stalled[here] = at, table.first_stalled
            else:
                last = table.power(more, at)
                after[here], stalled[here] = table.power(1, last), table.stalled[last]
                rests = np.array_equal(after[here], last)
            ranks[here] = table.ranks[after[here]]
            if rests:
                self._resting.add(start)
            else:
                table.forget_first()
                self._tables[start] = table

        list(self._pool.map(one, self._strips))
        self._step = step
        self._classes, self._elements = before.moved(ranks), before.moved(after).values
        self._last = self._classes, replace(before, values=stalled)
        return self._last


class _StepTable:
    """The table of one step of a strip of dimensions, over the ranks S that it leads to.

    `dims` and `ranks` (classes,) are those of the initial classes. S of all the strip's dimensions
    stands in one row, and is numbered along it.
    """

    def __init__(
        self,
        dims: np.ndarray,
        ranks: np.ndarray,
        displacements: np.ndarray,
        target: Format,
        rounding: Rounding,
        span: Span,
    ):
        lowest, _ = span
        image = _image(displacements, target, rounding, span)
        # Images rise with ranks, so equal ones are neighbours, and S is numbered by counting.
        new = np.ones(image.shape, bool)
        new[:, 1:] = image[:, 1:] != image[:, :-1]
        number = np.cumsum(new.ravel(), dtype=np.int32).reshape(image.shape) - 1
        of, at = np.nonzero(new)
        moving = displacements != 0
        self.ranks = image[of, at]
        """(S,): the ranks, in the storage type"""
        self._step = number[of, self.ranks.astype(np.int64) - lowest]
        self.stalled = moving[of] & same_value(self.ranks, self.ranks[self._step], target)
        """bool (S,): true where the displacement leaves the value where it is, and is not 0"""
        self.first = number[dims, ranks.astype(np.int64) - lowest]
        """int32 (classes,): the element of S to which the first step takes each initial class"""
        self.first_stalled = moving[dims] & same_value(ranks, self.ranks[self.first], target)
        self._powers: dict[int, np.ndarray] = {}

    def forget_first(self) -> None:
        """Give up what the first step alone needs."""
        self.first = self.first_stalled = np.zeros(0, np.int32)

    def power(self, steps: int, at: np.ndarray) -> np.ndarray:
        """Return the elements of S to which `steps` take the elements `at` of S."""
        if steps < 2:
            return self._step[at] if steps else at
        if steps not in self._powers:
            # Records are evenly spaced, up to one step: two powers serve nearly all of them.
            if len(self._powers) > 1:
                self._powers.pop(next(iter(self._powers)))
            self._powers[steps] = self._composed(steps)
        return self._powers[steps][at]

    def _composed(self, steps: int) -> np.ndarray:
        """Return the elements of S to which `steps`, 1 or more, take each element of S."""
        square, done = self._step, None
        while True:
            if steps & 1:
                done = square if done is None else square[done]
            steps >>= 1
            if not steps:
                assert done is not None, "a power of at least 1"
                return done
            before, square = square, square[square]
            if np.array_equal(before, square):  # at rest: all higher powers are the same
                return square if done is None else square[done]


def _image(displacements: np.ndarray, target: Format, rounding: Rounding, span: Span) -> np.ndarray:
    """Return the ranks, (dims, ranks), to which one step takes every rank of the span."""
    lowest, highest = span
    ranks = np.arange(lowest, highest + 1).astype(target.storage)
    arithmetic = Arithmetic(target, target, rounding)
    by = _by_numpy if host.supports(arithmetic) else _by_kernel
    # Only values that no token has can leave the span; they must not leave the table.
    return np.clip(by(ranks, displacements, arithmetic), lowest, highest)


def _by_numpy(ranks: np.ndarray, displacements: np.ndarray, arithmetic: Arithmetic) -> np.ndarray:
    """Return where one step of each of `displacements` takes `ranks`, (dims, ranks)."""
    target = arithmetic.state
    codes = target.code_of_rank(ranks)[None]
    image = np.empty((len(displacements), len(ranks)), target.storage)
    for to, displacement in zip(image, displacements, strict=True):
        step = np.broadcast_to(displacement, codes.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = host.step_rows(codes, step, None, None, arithmetic)
        to[...] = target.rank_of(moved.codes[0])
    return image


def _by_kernel(ranks: np.ndarray, displacements: np.ndarray, arithmetic: Arithmetic) -> np.ndarray:
    """Return what `_by_numpy` does, where it can't round as is asked."""
    from drift.kernels.value_map.iterate import BLOCK, TILES, WIDTH, iterate

    target, rounding = arithmetic.state, arithmetic.rounding
    run = TILES // _STRIP * WIDTH  # ranks of each dimension that are moved in one call
    block = np.zeros((_STRIP, BLOCK), np.float32)
    block[: len(displacements), 0] = displacements
    # Each dimension has the same number of tiles in a call.
    block = np.repeat(block, TILES // _STRIP, axis=0)
    image = np.empty((len(displacements), len(ranks)), target.storage)
    for at in range(0, len(ranks), run):
        every = np.resize(ranks[at : at + run], run)
        tiles = np.tile(every.reshape(-1, WIDTH), (_STRIP, 1))
        done = iterate(tiles, block, np.int32(1), target=target, rounding=rounding)
        part = image[:, at : at + run]
        part[...] = np.asarray(done.after).reshape(_STRIP, run)[: len(part), : part.shape[1]]
    return image
