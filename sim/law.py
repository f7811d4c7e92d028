"""The law of a coordinate of a drawn cloud: which values are drawn, and how probably.

outcome   a value that may be drawn; outcomes are numbered from the lowest, with 0
          in the middle
boundary  the number k stands for the midpoint below outcome k; below the first and
          above the last one is nothing

A coordinate is Q(sigma * Z), Z standard normal (sim.cloud), so an interval of
outcomes has the mass of Z between two boundaries over sigma. Each difference is
taken of the probabilities that are small there, P(Z < z) in the lower tail,
P(Z > z) in the upper one and P(0 < Z < z) between them, so it never cancels.
"""

import numpy as np

from drift.sim.normal import masses

_FARTHEST = 30.0
"""In sigmas: what is beyond has no mass that a float64 sum could see."""
_TAIL = 0.25


class Law:
    """For one sigma; `midpoints`, rising and positive, are those below each magnitude drawn."""

    def __init__(self, sigma: float, midpoints: np.ndarray):
        with np.errstate(over="ignore"):
            inside, outside = masses(np.minimum(midpoints / sigma, _FARTHEST))
        half = np.array([0.5])
        self._inner = np.concatenate([-half, -inside[::-1] / 2, inside / 2, half])
        self._below = np.concatenate([[0.0], outside[::-1] / 2, (1 + inside) / 2, [1.0]])
        self._above = self._below[::-1]

    def of(self, first: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The masses of outcomes first ... stop - 1, and of all others, float64 (intervals,)."""
        under, over = self._below[first], self._above[stop]
        above, below = self._above[first], self._below[stop]
        inner = self._inner[stop] - self._inner[first]
        mass = np.where(below < _TAIL, below - under, inner)
        return np.where(above < _TAIL, above - over, mass), under + over
