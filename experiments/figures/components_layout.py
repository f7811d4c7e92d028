"""The layout of a component: positions of its cells, and sizes of their discs.

Distances on paper follow lattice distances as well as a plane allows it: the stress,
the squared relative error summed over all pairs, is made small by majorization
(Gansner, Koren and North, Graph Drawing 2004). Then discs that overlap push each
other apart.

position  the centre of a cell's disc, in points (1/72 inch)
reach     a disc's radius and half of the gap to the next one, in points
"""

import math
from dataclasses import dataclass

import numpy as np

DOT = 1.3
"""Radius of a cell of one token, in points."""
_LEAST = 1.7
"""Radius of the smallest disc that differs visibly from a dot, points."""
_MOST = 36.0
"""Radius of the largest disc, points."""
_EACH = 3.5
"""Largest radius of a disc whose area is that of one token, points."""
_INK = 36_000.0
"""Most area of all discs together, square points, so that they fit on a page."""

_ROUND = [n * 10**k for k in range(12) for n in (1, 2, 5)][1:]


@dataclass(frozen=True)
class DiscSizes:
    """The scale of discs: areas are in proportion to populations, down to a least size."""

    one: float
    """radius of a disc whose area is that of one token, points"""

    @classmethod
    def fitting(cls, populations: np.ndarray) -> "DiscSizes":
        """Return the largest scale at which discs of these populations, int64 (holes,), fit."""
        if not len(populations):
            return cls(_EACH)
        largest = _MOST / math.sqrt(populations.max())
        together = math.sqrt(_INK / (math.pi * populations.sum()))
        return cls(min(_EACH, largest, together))

    def radius(self, populations: np.ndarray) -> np.ndarray:
        """Return radii, points, float64 of the shape of `populations`; a single token is a dot."""
        return np.where(populations > 1, np.maximum(self.one * np.sqrt(populations), _LEAST), DOT)

    @property
    def least(self) -> int:
        """The smallest population whose area is in proportion; smaller ones are drawn as large."""
        return max(2, math.ceil((_LEAST / self.one) ** 2))

    @staticmethod
    def examples(largest: int) -> list[int]:
        """Return round populations up to about `largest` for a legend, falling, a decade apart."""
        first = max([n for n in _ROUND if 3 * n <= largest], default=largest)
        return [n for n in (first // 10**k for k in range(3)) if n > 1]


_MOVES = 100
"""Rounds of majorization, each of which reduces the stress; after so many it hardly changes."""
_COVERED = 0.4
"""Largest share of a component's area that its discs may cover before they are pushed apart."""
_ROUNDS = 200
"""Pushes before all positions are stretched."""
_STRETCH = 1.05
_CLOSE = 0.05
"""Points by which discs, gaps included, may still overlap."""
_TINY = 1e-9


def layout(distance: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return positions, float64 (cells, 2), of cells at these distances, int64 (cells, cells).

    `reach` is float64 (cells,). Equal input gives equal positions. They are shifted so that the
    box around all discs and half gaps begins at 0, 0.
    """
    positions = _turned(_relaxed(distance.astype(float)))
    positions = _apart(positions * _scale(positions, distance, reach), reach)
    return np.round(positions - (positions - reach[:, None]).min(axis=0), 2)


def pack_in_rows(
    sizes: list[tuple[float, float]], width: float, gap: float
) -> tuple[np.ndarray, float]:
    """Return the top left corners, float64 (boxes, 2), of boxes in rows, and the height of all.

    `sizes` are widths and heights. Rows are filled from left to right up to `width`, with `gap`
    between boxes and rows; a box that is wider has a row of its own.
    """
    corners, x, y, high = [], 0.0, 0.0, 0.0
    for wide, tall in sizes:
        if x and x + wide > width:
            x, y, high = 0.0, y + high + gap, 0.0
        corners.append((x, y))
        x, high = x + wide + gap, max(high, tall)
    return np.array(corners).reshape(-1, 2), y + high


def _relaxed(distance: np.ndarray) -> np.ndarray:
    """Return positions of little stress, in lattice steps."""
    positions = _start(distance)
    length = np.maximum(distance, 1)  # on the diagonal too, where the weight is 0
    weight = length**-2 - np.eye(len(length))
    laplacian = np.diag(weight.sum(axis=1)) - weight
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    for _ in range(_MOVES):
        pull = weight * length / np.maximum(_lengths(positions[:, None] - positions), _TINY)
        positions = inverse @ (pull.sum(axis=1)[:, None] * positions - pull @ positions)
    return positions


def _start(distance: np.ndarray) -> np.ndarray:
    """Return positions by classical scaling: in the plane that keeps most of the squared distances.

    A small spiral separates cells that coincide there, which majorization could not.
    """
    count = len(distance)
    squared = distance**2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    plane = (vectors * np.sqrt(np.maximum(values, 0)))[:, :-3:-1]
    turn = np.arange(count) * (
        np.pi * (3 - np.sqrt(5))
    )  # the golden angle: no two directions coincide
    spiral = np.sqrt(np.arange(count) / count) * np.array([np.cos(turn), np.sin(turn)])
    return plane + 0.1 * spiral.T


def _turned(positions: np.ndarray) -> np.ndarray:
    """Return positions centred, longest extent across, and of their mirror images always one."""
    centred = positions - positions.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1]
    farthest = turned[np.abs(turned).argmax(axis=0), [0, 1]]
    return turned * np.where(farthest < 0, -1.0, 1.0)


def _scale(positions: np.ndarray, distance: np.ndarray, reach: np.ndarray) -> float:
    """Return points per lattice step: discs have room, and half of the adjacent ones are apart."""
    room = 2 * np.mean(np.sum(positions**2, axis=1))  # the squared radius of a full circle
    by_area = np.sqrt(np.sum(reach**2) / (_COVERED * room))
    a, b = np.nonzero(np.triu(distance == 1))
    between = np.maximum(_lengths(positions[a] - positions[b]), _TINY)
    return float(max(by_area, np.median((reach[a] + reach[b]) / between)))


def _apart(positions: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Push overlapping discs apart, and stretch all positions where pushing takes too long."""
    wanted = reach[:, None] + reach
    np.fill_diagonal(wanted, 0)
    while True:
        for _ in range(_ROUNDS):
            between = positions[:, None] - positions
            length = np.maximum(_lengths(between), _TINY)
            overlap = np.maximum(wanted - length, 0)
            if overlap.max() < _CLOSE:
                return positions
            positions = positions + 0.25 * np.sum((overlap / length)[:, :, None] * between, axis=1)
        positions = positions * _STRETCH


def _lengths(arrows: np.ndarray) -> np.ndarray:
    return np.hypot(arrows[..., 0], arrows[..., 1])
