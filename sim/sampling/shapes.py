"""The shapes of a drawn cloud: distributions of mean 0 and standard deviation 1.

normal   sim.sampling.normal
laplace  P(|Z| > z) = exp(-z sqrt 2): most values are nearer to 0, and some much farther away

Both by +, -, *, / and sqrt alone, so that a cloud has the same bits on every machine.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from drift.sim.sampling.normal import exp, gaussian, log, masses

_RATE = math.sqrt(2)
_TERMS = 16


class Shape(NamedTuple):
    """A symmetric distribution of mean 0 and standard deviation 1."""

    masses: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    """P(|Z| < z) and P(|Z| > z) for z from 0 to `most`; the smaller to a relative error of 1e-13"""
    numbers: Callable[[np.ndarray], np.ndarray]
    """Z, float64, of uint64 words: a sign and 53 bits of a tail probability"""
    farthest: float
    """P(|Z| > farthest) < 2**-64: no word reaches beyond"""
    most: float
    """the largest argument of `masses`"""
    slope: float
    """of P(|Z| < z) at 0"""


def laplace_masses(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P(|Z| < z) and P(|Z| > z) of Laplace's distribution, for z in [0, 400]."""
    reached = _RATE * np.asarray(z, np.float64)
    outside = exp(-reached)
    # Near 0 by the series of 1 - exp(-x), since the difference would cancel.
    near = np.minimum(reached, 0.5)
    series = np.ones_like(near)
    for n in range(_TERMS, 1, -1):
        series = 1 - near / n * series
    return np.where(reached < 0.5, near * series, 1 - outside), outside


def laplace_numbers(words: np.ndarray) -> np.ndarray:
    """Return numbers of Laplace's distribution, float64, for uint64 `words`, any shape."""
    tails = ((words & np.uint64((1 << 63) - 1)) >> np.uint64(10)).astype(np.float64) + 0.5
    signs = np.where(words >> np.uint64(63), -1.0, 1.0)
    return signs * (-log(np.ldexp(tails, -53)) / _RATE)


SHAPES = {
    "normal": Shape(masses, gaussian, 9.2, 30.0, math.sqrt(2 / math.pi)),
    "laplace": Shape(laplace_masses, laplace_numbers, 31.5, 400.0, _RATE),
}
