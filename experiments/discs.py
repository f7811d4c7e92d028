"""How large a black hole is drawn: its disc's area is in proportion to its population."""

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
class Discs:
    """A scale of discs."""

    one: float
    """radius of the area of one token, points"""

    @classmethod
    def fitting(cls, populations: np.ndarray) -> "Discs":
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
