"""The law of the logarithm of a cell's probability, under the weights of coalesced pairs.

cell  a tuple of classes, one of each dimension; a token falls into it with the probability
      p = prod m, the product of their masses
law   the distribution of L = -log p over cells of weight p**2, divided by their sum P2. In every
      dimension a class has the weight m**2 / sum m**2, and dimensions are independent: the law is
      that of a sum of independent terms -log m, a convolution
top   the cell of the largest class in every dimension. It is left out of the grid and kept
      exactly, since nothing that is counted in a cell of p near 1 is smooth on a grid

A sum over cells of f(p) is P2 times the mean of f(p) / p**2 over the law: derivation.md.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from drift.sim.prediction.masses import DimensionMasses

_CERTAIN = 1e-17
"""Mass beside the largest class below which a dimension has one class."""
_NO_WEIGHT = 1e-24
"""Share of sum m**2 below which a class has none: it could not be seen in a float64 sum."""
_MERGED = 512
"""Terms that dimensions have together at most."""
_PERIOD = 48.0
"""Nats of the grid, beside 2 log n: what lies beyond wraps, e**-48 pairs at most."""
_FINEST, _COARSEST = 1024, 128
"""Points of a nat."""
_PER_WIDTH = 4.0
"""Points in the width, 1 / sqrt(n), of what n tokens count in a cell over log p."""
_ROUNDED = 1e-16
"""Share of the law at a point that is taken for what the transform rounded."""
_AT_ONCE = 1 << 17
"""Values of a block of dimensions that are transformed together."""


class LawGrid(NamedTuple):
    """A grid of -log p that wraps: `points` of `per_nat` points each nat."""

    points: int
    per_nat: int

    @classmethod
    def fit(cls, tokens: int) -> "LawGrid":
        """Return the grid for counts of up to `tokens` tokens."""
        wanted = math.ceil(math.log2(_PER_WIDTH * math.sqrt(tokens)))
        per_nat = min(max(1 << wanted, _COARSEST), _FINEST)
        # Sixteenths of a power of two have small prime factors: fast transforms.
        nats = 16 * math.ceil((_PERIOD + 2 * math.log(tokens)) / 16)
        return cls(nats * per_nat, per_nat)

    @property
    def halved(self) -> "LawGrid":
        """The grid of half as many points, to tell what its width costs."""
        return LawGrid(self.points // 2, self.per_nat // 2)

    @property
    def minus_log(self) -> np.ndarray:
        """The points, float64 (points,)."""
        return _minus_log(self)


@lru_cache(maxsize=8)
def _minus_log(grid: LawGrid) -> np.ndarray:
    return np.arange(grid.points) / grid.per_nat


@dataclass(frozen=True)
class Law:
    """The law of one step and one sigma."""

    log_pair: float
    """log P2, the logarithm of the chance that two tokens share a cell"""
    log_top: float
    """log p of the top cell"""
    grids: tuple[LawGrid, ...]
    """the grid, and the one of half as many points"""
    weights: tuple[np.ndarray, ...]
    """on each grid, float64 (points,): P2 times the law without the top cell"""

    def cells(self, grid: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return -log p and the number of cells there, float64 (points with cells,).

        The top cell is the last of them. What the transform rounds is left out.
        """
        weights, minus_log = self.weights[grid], self.grids[grid].minus_log
        there = np.abs(weights) > _ROUNDED * math.exp(self.log_pair)
        cells = weights[there] * np.exp(2 * minus_log[there])
        return np.append(minus_log[there], -self.log_top), np.append(cells, 1.0)


class LawSum:
    """The law of a sum, dimension after dimension: products of characteristic functions."""

    def __init__(self, tokens: int):
        fine = LawGrid.fit(tokens)
        self._grids = fine, fine.halved
        self._functions = [np.ones(grid.points // 2 + 1, complex) for grid in self._grids]
        self._tops = [function.copy() for function in self._functions]
        self.log_pair, self._log_top = 0.0, 0.0
        """the logarithm of the chance that two tokens share what was added so far"""

    def add(self, masses: DimensionMasses, repeats: np.ndarray) -> None:
        """Add dimensions; each of `masses` stands for as many as `repeats`, int64 (dims,), says."""
        each = masses.bounds[:-1]
        largest = np.maximum.reduceat(masses.mass, each)
        dim_of = np.repeat(np.arange(len(each)), np.diff(masses.bounds))
        is_top = masses.mass == largest[dim_of]
        # Of several that are largest the first one stands for them.
        top = np.flatnonzero(is_top)[np.unique(dim_of[is_top], return_index=True)[1]]
        logs = np.where(
            masses.mass < 0.5,
            np.log(np.maximum(masses.mass, 1e-300)),
            np.log1p(-np.minimum(masses.others, 0.75)),
        )
        log_pair = masses.log_pair
        self.log_pair += float(repeats @ log_pair)
        self._log_top += float(repeats @ logs[top])
        squares = np.exp(2 * logs - log_pair[dim_of])
        several = masses.others[top] > _CERTAIN
        kept = several[dim_of] & ((squares > _NO_WEIGHT) | is_top)
        number = np.cumsum(several) - 1
        terms = _Terms.merged(
            number[dim_of[kept]],
            -logs[kept],
            squares[kept],
            np.cumsum(kept)[top[several]] - 1,
            repeats[several],
        )
        for k, grid in enumerate(self._grids):
            self._functions[k] *= terms.characteristic(grid)
            self._tops[k] *= terms.tops.characteristic(grid)

    def law(self) -> Law:
        """Return the law of all that was added."""
        pair, weights = math.exp(self.log_pair), []
        for grid, function, top in zip(self._grids, self._functions, self._tops, strict=True):
            # The top cell goes as it came, split over the grid, and leaves nothing behind.
            weights.append(pair * np.fft.irfft(function - top, grid.points))
        return Law(self.log_pair, self._log_top, self._grids, tuple(weights))


class _Terms(NamedTuple):
    """The terms -log m of some dimensions, or their sums over a few dimensions together."""

    dim: np.ndarray
    """int64 (terms,): the number of the dimension of each, or of its group, rising"""
    at: np.ndarray
    """float64 (terms,)"""
    weight: np.ndarray
    """float64 (terms,); those of a dimension sum to 1, or less"""
    top: np.ndarray
    """int64 (groups,): the term of the top cell in each"""
    repeats: np.ndarray
    """int64 (groups,): how many dimensions have these terms"""

    @classmethod
    def merged(
        cls,
        dim: np.ndarray,
        at: np.ndarray,
        weight: np.ndarray,
        top: np.ndarray,
        repeats: np.ndarray,
    ) -> "_Terms":
        """Return the terms, dimensions of few classes put together: fewer are transformed."""
        starts = np.searchsorted(dim, np.arange(len(repeats) + 1))
        groups: list[tuple[np.ndarray, np.ndarray, int]] = []
        counts: list[int] = []
        for k, count in enumerate(repeats.tolist()):
            own = slice(starts[k], starts[k + 1])
            new = at[own], weight[own], int(top[k] - starts[k])
            if groups and counts[-1] == count == 1 and len(groups[-1][0]) * len(new[0]) <= _MERGED:
                groups[-1] = _sums(groups[-1], new)
            else:
                groups.append(new)
                counts.append(count)
        sizes = np.array([len(each) for each, _, _ in groups], np.int64)
        return cls(
            np.repeat(np.arange(len(groups)), sizes),
            np.concatenate([at[:0], *(each for each, _, _ in groups)]),
            np.concatenate([weight[:0], *(each for _, each, _ in groups)]),
            np.cumsum(sizes) - sizes + np.array([each for _, _, each in groups], np.int64),
            np.array(counts, np.int64),
        )

    @property
    def tops(self) -> "_Terms":
        """The terms of the top cell alone."""
        alone = np.arange(len(self.top))
        return _Terms(alone, self.at[self.top], self.weight[self.top], alone, self.repeats)

    def characteristic(self, grid: LawGrid) -> np.ndarray:
        """Return the product of the dimensions' characteristic functions, complex."""
        found = np.ones(grid.points // 2 + 1, complex)
        block = max(1, _AT_ONCE // grid.points)
        for start in range(0, len(self.repeats), block):
            counts = self.repeats[start : start + block]
            inside = slice(*np.searchsorted(self.dim, (start, start + len(counts))))
            split = self._split(grid, inside, start, len(counts))
            each = np.fft.rfft(split, axis=1)
            many = counts > 1
            if many.any():
                each[many] = each[many] ** counts[many, None]
            found *= each.prod(axis=0)
        return found

    def _split(self, grid: LawGrid, inside: slice, start: int, dims: int) -> np.ndarray:
        """Return the terms `inside` on the grid, (dims, points): each on its four neighbours."""
        place = self.at[inside] * grid.per_nat
        below = np.floor(place)
        t = place - below
        # Lagrange's weights keep the moments up to the third; linear ones need far finer grids.
        parts = (
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        )
        row = (self.dim[inside] - start) * grid.points
        found = np.zeros(dims * grid.points)
        for offset, part in enumerate(parts, -1):
            where = row + (below.astype(np.int64) + offset) % grid.points
            np.add.at(found, where, part * self.weight[inside])
        return found.reshape(dims, grid.points)


def _sums(
    one: tuple[np.ndarray, np.ndarray, int], other: tuple[np.ndarray, np.ndarray, int]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the terms of two groups of dimensions together, those without weight left out."""
    at = np.add.outer(one[0], other[0]).ravel()
    weight = np.multiply.outer(one[1], other[1]).ravel()
    top = one[2] * len(other[0]) + other[2]
    kept = weight > _NO_WEIGHT
    kept[top] = True
    return at[kept], weight[kept], int(np.count_nonzero(kept[:top]))
