"""Where the cells of a component are drawn, and how large: a disc's area is by its population.

Distances on paper follow lattice distances as well as a plane allows it: the stress,
the squared relative error summed over all pairs, is made small by majorization
(Gansner, Koren and North, Graph Drawing 2004). Then discs that overlap push each
other apart.

place   the centre of a cell's disc, in points (1/72 inch)
reach   a disc's radius, in points, with half of the gap to the next one
"""

import math
from dataclasses import dataclass

import numpy as np

DOT = 1.3
"""Radius of a cell of one token, in points."""
_LEAST = 1.7
"""Radius of the smallest disc that is told from a dot."""
_MOST = 36.0
"""Radius of the largest disc."""
_EACH = 3.5
"""Radius of a black hole's share for one token, at most."""
_INK = 36_000.0
"""Area of all discs together at most, square points: they are to fit on a page."""

_ROUND = [n * 10**k for k in range(12) for n in (1, 2, 5)][1:]


@dataclass(frozen=True)
class DiscSizes:
    """A scale of discs."""

    one: float
    """radius of the area of one token, points"""

    @classmethod
    def fitting(cls, populations: np.ndarray) -> "DiscSizes":
        """The scale at which discs of these populations, int64 (black holes,), fit."""
        if not len(populations):
            return cls(_EACH)
        largest = _MOST / math.sqrt(populations.max())
        together = math.sqrt(_INK / (math.pi * populations.sum()))
        return cls(min(_EACH, largest, together))

    def radius(self, populations: np.ndarray) -> np.ndarray:
        """float64, of the shape of `populations`; those of one token are dots."""
        return np.where(populations > 1, np.maximum(self.one * np.sqrt(populations), _LEAST), DOT)

    @property
    def least(self) -> int:
        """The population from which on areas are in proportion; smaller discs are as large."""
        return max(2, math.ceil((_LEAST / self.one) ** 2))

    @staticmethod
    def examples(largest: int) -> list[int]:
        """Round populations for a legend, falling, a decade apart: small ones do."""
        first = max([n for n in _ROUND if 3 * n <= largest], default=largest)
        return [n for n in (first // 10**k for k in range(3)) if n > 1]


_MOVES = 100
"""Rounds of majorization, each of which makes the stress smaller; so many make it small."""
_COVERED = 0.4
"""How much of the room a component takes its discs may cover, before they push."""
_ROUNDS = 200
"""Pushes between two stretches."""
_STRETCH = 1.05
_CLOSE = 0.05
"""Points by which discs may still overlap: less than the gap between them."""
_TINY = 1e-9


def layout(distance: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """The places, float64 (cells, 2), of cells at these distances, int64 (cells, cells).

    `reach` float64 (cells,). The same input gives the same places; their smallest
    coordinates are those of the reach of a disc at the edge: a box begins at 0, 0.
    """
    positions = _turned(_relaxed(distance.astype(float)))
    positions = _apart(positions * _scale(positions, distance, reach), reach)
    return np.round(positions - (positions - reach[:, None]).min(axis=0), 2)


def pack_in_rows(
    sizes: list[tuple[float, float]], width: float, gap: float
) -> tuple[np.ndarray, float]:
    """The top left corners, float64 (boxes, 2), of boxes (width, height), and the height of all.

    They stand from left to right in rows of `width` at most, or of one box that is wider,
    `gap` apart.
    """
    corners, x, y, high = [], 0.0, 0.0, 0.0
    for wide, tall in sizes:
        if x and x + wide > width:
            x, y, high = 0.0, y + high + gap, 0.0
        corners.append((x, y))
        x, high = x + wide + gap, max(high, tall)
    return np.array(corners).reshape(-1, 2), y + high


def _relaxed(distance: np.ndarray) -> np.ndarray:
    """Places of little stress, in lattice steps."""
    positions = _start(distance)
    length = np.maximum(distance, 1)  # that to itself weighs nothing
    weight = length**-2 - np.eye(len(length))
    laplacian = np.diag(weight.sum(axis=1)) - weight
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    for _ in range(_MOVES):
        pull = weight * length / np.maximum(_lengths(positions[:, None] - positions), _TINY)
        positions = inverse @ (pull.sum(axis=1)[:, None] * positions - pull @ positions)
    return positions


def _start(distance: np.ndarray) -> np.ndarray:
    """Classical scaling: the plane that shows most of the squared distances.

    Cells that coincide there are told apart by a small spiral.
    """
    count = len(distance)
    squared = distance**2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    plane = (vectors * np.sqrt(np.maximum(values, 0)))[:, :-3:-1]
    turn = np.arange(count) * (np.pi * (3 - np.sqrt(5)))  # no two in one direction
    spiral = np.sqrt(np.arange(count) / count) * np.array([np.cos(turn), np.sin(turn)])
    return plane + 0.1 * spiral.T


def _turned(positions: np.ndarray) -> np.ndarray:
    """Centred, its longest extent across the page, and of mirror images always the same."""
    centred = positions - positions.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1]
    farthest = turned[np.abs(turned).argmax(axis=0), [0, 1]]
    return turned * np.where(farthest < 0, -1.0, 1.0)


def _scale(positions: np.ndarray, distance: np.ndarray, reach: np.ndarray) -> float:
    """Points of a unit: discs have room, and of adjacent ones half do not overlap."""
    room = 2 * np.mean(np.sum(positions**2, axis=1))  # the squared radius of a full circle
    by_area = np.sqrt(np.sum(reach**2) / (_COVERED * room))
    a, b = np.nonzero(np.triu(distance == 1))
    between = np.maximum(_lengths(positions[a] - positions[b]), _TINY)
    return float(max(by_area, np.median((reach[a] + reach[b]) / between)))


def _apart(positions: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Push overlapping discs apart, and stretch all where pushing alone takes too long."""
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
