"""Expected counts in the cells of n tokens, over clouds: derivation.md.

The occupancy of a cell of probability p is Binomial(n, p). Every sum over cells is taken over the
law of log p (sim.prediction.cells.law), of what vanishes where nothing is shared; and beside it
stands the top cell, exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from drift.sim.prediction.cells.binomial import choose, log_rest, power, upper_tail
from drift.sim.prediction.cells.law import Law, LawGrid

LEAST_PAIRS = 1e-9
"""Expected pairs below which cells of three tokens and more have no weight."""
QUANTILES = (0.05, 0.5, 0.95)
_SERIES = 0.02
"""Expected tokens of a cell below which its terms are summed as a series: they cancel."""
_ORDER = 9
_NEGLIGIBLE = 1e-13
_WIDTHS, _MORE = 9.0, 40
"""Widths of the top cell's occupancy in which the largest is sought, and tokens beyond."""
_SURE = 1 - 1e-16


@dataclass(frozen=True, kw_only=True)
class Occupancy:
    """Expected counts of n tokens, over clouds."""

    distinct: float
    """occupied cells"""
    distinct_error: float
    """the standard deviation of their number"""
    singletons: float
    """cells of one token"""
    black_holes: float
    """cells of two tokens or more"""
    black_hole_tokens: float
    """tokens in them"""
    largest: int
    """the median of the tokens in the fullest cell; it takes cells for independent"""
    largest_5: int
    """their quantile of 5 %, likewise"""
    largest_95: int
    """their quantile of 95 %, likewise"""
    grid_error: float
    """how far distinct cells, singletons or black holes may be off by the grid: what half as many
    points change"""


def occupancy(law: Law, tokens: int) -> Occupancy:
    """Return the expected counts of `tokens` tokens."""
    found = [_Sums.over(law, k, tokens) for k in range(len(law.grids))]
    sums, rough = (_means(law, each, tokens) for each in found)
    low, median, high = largest(law, tokens)
    return Occupancy(
        distinct=sums.distinct,
        distinct_error=math.sqrt(max(0.0, sums.variance)),
        singletons=sums.singletons,
        black_holes=sums.black_holes,
        black_hole_tokens=tokens - sums.singletons,
        largest=median,
        largest_5=low,
        largest_95=high,
        grid_error=max(abs(a - b) for a, b in zip(sums[:3], rough[:3], strict=True)),
    )


def rarely_shared(pairs: float, tokens: int) -> Occupancy:
    """Return the expected counts where hardly a pair is expected: black holes are pairs then."""
    return Occupancy(
        distinct=tokens - pairs,
        distinct_error=math.sqrt(pairs),
        singletons=tokens - 2 * pairs,
        black_holes=pairs,
        black_hole_tokens=2 * pairs,
        largest=1,
        largest_5=1,
        largest_95=1,
        grid_error=0.0,
    )


class _Means(NamedTuple):
    """Means of one grid."""

    distinct: float
    singletons: float
    black_holes: float
    variance: float


class _Sums(NamedTuple):
    """Sums over all cells but the top one, of each term of `_terms`."""

    shared: float
    holes: float
    spread: float
    cells_of: np.ndarray

    @classmethod
    def over(cls, law: Law, k: int, tokens: int) -> "_Sums":
        """Return the sums over the grid `k` of the law."""
        terms = _terms(law.grids[k], tokens)
        shared, holes, spread, *cells = (terms @ law.weights[k]).tolist()
        return cls(shared, holes, spread, np.maximum(cells, 0.0))


def _means(law: Law, sums: _Sums, tokens: int) -> _Means:
    """Return the means, and the variance of distinct cells.

    Its two sums are nearly equal: the one over cells is near n where few are shared, and so is
    what the pairs of cells take from it, E_1**2 / n to leading order. Both are written as what is
    left of them, so that nothing cancels but a few of the same order.
    """
    n, p = tokens, math.exp(law.log_top)
    rest, log_others = -math.expm1(law.log_top), float(log_rest(-law.log_top))
    none = float(power(log_others, n))
    one = n * p * float(power(log_others, n - 1))
    holes = max(0.0, sums.holes + 1 - none - one)
    singletons = one + max(0.0, n * rest - sums.shared)
    shared = n - singletons
    spread = sums.spread + none - one
    orders = 2 + np.arange(len(sums.cells_of))
    top = np.exp(choose(n, orders) + orders * law.log_top) * power(log_others, n - orders)
    cells_of = sums.cells_of + top
    # Beyond the orders kept here only a cell of p near 1 counts, and cancels with this:
    if p <= 0.5 or len(orders) + 1 == n:
        spread -= (1 - 2 * p) ** n
    signs = np.where(orders % 2, -1.0, 1.0)
    pairs_of_cells = float(np.sum(signs * cells_of**2 * np.exp(-choose(n, orders))))
    variance = spread + singletons * shared / n + pairs_of_cells
    return _Means(singletons + holes, singletons, holes, variance)


def _orders(tokens: int) -> int:
    """Return the largest occupancy that the variance has to know."""
    order = 2
    while order < tokens and 2 * math.log(tokens / order) > (
        float(choose(tokens, np.array([order]))[0]) + math.log(_NEGLIGIBLE)
    ):
        order += 1
    return order


@lru_cache(maxsize=64)
def _terms(grid: LawGrid, tokens: int) -> np.ndarray:
    """Return what is summed over cells, divided by p**2, (terms, points).

    shared  tokens in black holes, n p (1 - (1-p)**(n-1))
    holes   1 - (1-p)**n - n p (1-p)**(n-1)
    spread  (1-p)**n - (1-2p)**n - n p (1-p)**(n-1)
    and the expected cells of 2, 3, ... tokens, as many as the variance has to know
    """
    n, p = tokens, np.exp(-grid.minus_log)
    rest, square = log_rest(grid.minus_log), p * p
    none, one = power(rest, n), n * p * power(rest, n - 1)
    shared = n * -np.expm1((n - 1) * rest) / p if n > 1 else np.zeros_like(p)
    with np.errstate(divide="ignore"):
        both = np.exp(n * np.log(np.abs(1 - 2 * p))) * np.where(p > 0.5, (-1) ** (n % 2), 1)
    small = n * p < _SERIES
    holes = np.where(small, _series(n, p, lambda k: k - 1), (1 - none - one) / square)
    spread = np.where(small, _series(n, p, lambda k: 1 - 2.0**k + k), (none - both - one) / square)
    cells = [
        np.exp(choose(n, np.array([k])) - (k - 2) * grid.minus_log) * power(rest, n - k)
        for k in range(2, _orders(n) + 1)
    ]
    return np.stack([shared, holes, spread, *cells])


def _series(n: int, p: np.ndarray, factor: Callable[[int], float]) -> np.ndarray:
    """Return sum over k >= 2 of factor(k) C(n, k) (-p)**k, divided by p**2."""
    found = np.zeros_like(p)
    for k in range(min(_ORDER, n), 1, -1):
        found = found * -p + factor(k) * math.comb(n, k)
    return found


def largest(law: Law, tokens: int) -> tuple[int, ...]:
    """Return the quantiles of the tokens in the fullest cell: QUANTILES.

    P(largest < K) is taken for the product over cells of the chance of fewer than K tokens, as if
    cells were independent: an approximation.
    """
    minus_log, cells = law.cells(-1)  # half as many points are enough for whole numbers
    top = tokens * math.exp(law.log_top)
    # The top cell alone is hardly below the one, and none is thought to be above the other.
    low = max(1, int(top - _WIDTHS * math.sqrt(top) - _WIDTHS))
    end = min(tokens, int(top + _WIDTHS * math.sqrt(top) + _MORE))

    @cache
    def log_below(count: int) -> float:
        tail = upper_tail(count, tokens, minus_log)
        with np.errstate(divide="ignore"):
            return float(cells @ np.log1p(-np.minimum(tail, _SURE)))

    found = []
    for quantile in QUANTILES:
        high = end
        while low < high:
            middle = (low + high) // 2
            if log_below(middle + 1) >= math.log(quantile):
                high = middle
            else:
                low = middle + 1
        found.append(low)
    return tuple(found)
