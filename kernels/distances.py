"""Distances between rows: the most lattice steps between them in any dimension.

They are taken of ordinals, so that they are right across binades, signs and zero.
Ordinals of every format are exact in float64, in which SciPy computes.
"""

import numpy as np

_WIDEST = 128
"""Dimensions that bound a distance from below."""
_ROWS = 256
"""Rows bounded at once."""


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the distances, int64 (n, m), from each row of `a` (n, dims) to each of `b` (m, dims).

    Both hold ordinals, unsigned.
    """
    if not len(a) or not len(b) or not a.shape[1]:
        return np.zeros((len(a), len(b)), np.int64)
    from scipy.spatial.distance import cdist  # which takes half a second to load

    return cdist(a, b, "chebyshev").astype(np.int64)


def count_by_distance(ordinals: np.ndarray) -> dict[int, int]:
    """Count the pairs of rows of `ordinals` (n, dims), unsigned, at each distance, rising."""
    if len(ordinals) < 2:
        return {}
    # Dimensions in which all rows agree add nothing to a largest difference.
    varying = ordinals[:, np.ptp(ordinals, axis=0) > 0]
    found: dict[int, int] = {}
    for start in range(0, len(varying), _ROWS):
        block = varying[start : start + _ROWS]
        distance = between(block, varying[start:])
        later = np.arange(len(varying) - start) > np.arange(len(block))[:, None]
        for value, count in zip(*np.unique(distance[later], return_counts=True), strict=True):
            found[int(value)] = found.get(int(value), 0) + int(count)
    return dict(sorted(found.items()))


def closest(a: np.ndarray, b: np.ndarray) -> int:
    """Return the smallest distance between any row of `a` (n, dims) and any of `b` (m, dims).

    Both hold ordinals, unsigned. Whole rows are compared only where the dimensions that vary
    most do not show already that a pair is farther apart than the best one known.
    """
    if len(a) * len(b) <= _ROWS:
        return int(between(a, b).min())
    spread = np.maximum(a.max(axis=0), b.max(axis=0)) - np.minimum(a.min(axis=0), b.min(axis=0))
    widest = np.argsort(spread)[::-1][:_WIDEST]
    others, best = b[:, widest], np.iinfo(np.int64).max
    for start in range(0, len(a), _ROWS):
        rows = a[start : start + _ROWS]
        least = between(rows[:, widest], others)
        for row, bound in zip(rows, least, strict=True):
            nearest = int(np.argmin(bound))
            if bound[nearest] >= best:
                continue
            best = min(best, int(between(row[None], b[nearest][None])[0, 0]))
            open_ = np.flatnonzero(bound < best)
            if len(open_):
                best = min(best, int(between(row[None], b[open_]).min()))
    return best
