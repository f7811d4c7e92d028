"""σ and R of one drift counted in another format's spacing.

target   R/√D, the magnitude of a typical coordinate where the drift is to end
spacing  ulp(target), the distance between a format's values there

What rounding does to a cloud depends on σ / ulp(target). For a format f instead of g

    R' = R · 2^k                                    k the largest with 2 R' max|u| ≤ largest
    σ' = σ · ulp_f(R'/√D) / ulp_g(R/√D)

so that the target keeps its place within its binade, σ stays the same number of
spacings, and the target is as far above the smallest values as the range allows: a
format whose smallest value is far above σ' starts as a single cell. A step is R/X, and
in units of the spacing it shrinks with the precision; what it was in g it is in f after

    X' = X · 2^(p_f − p_g)                          p significant bits, X' at least 1

steps. With X steps a format of fewer bits stalls earlier.
"""

import math
from dataclasses import dataclass

import numpy as np

from drift.kernels.formats import FORMATS
from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import Drift


@dataclass(frozen=True)
class Scaled:
    """A drift's numbers in another format."""

    format: str
    radius: float
    sigma_factor: float
    """σ' / σ"""
    steps: int
    spacing: float
    """ulp of the format at the target"""
    smallest: float
    """its smallest positive value"""


def scaled(drift: Drift, name: str) -> Scaled:
    """The numbers of `drift` in the format `name`; in its own format they stay."""
    mine, other = drift.target, FORMATS[name]
    typical = drift.radius / math.sqrt(drift.dims)
    power = 0
    if mine != other:
        u = direction(drift.direction, drift.dims, drift.direction_seed)
        room = other.largest / (2 * drift.radius * float(np.max(np.abs(u))))
        power = math.floor(math.log2(room))
    factor = 2.0**power
    spacing = float(other.ulp(np.array([typical * factor]))[0])
    return Scaled(
        name,
        drift.radius * factor,
        spacing / float(mine.ulp(np.array([typical]))[0]),
        max(1, round(drift.steps * 2.0 ** (other.precision - mine.precision))),
        spacing,
        float(other.value(np.array([1]))[0]),
    )
