"""The gradient that all tokens share: its size and its direction at each step.

size       A_t: a number times its decay to the power t - 1, or a table's: sim.displacements.sizes
direction  u_t: that of the drift at first, then, with an autocorrelation below 1, a walk on the
           unit sphere, u <- rho u + sqrt(1 - rho**2) e, e uniform among the unit vectors at right
           angles to u. The e of a step is drawn from direction seed and step alone

The gradient is Q(float32(-A_t u_t)) in the format of the values: the cloud moves along u.
"""

import math
from collections.abc import Iterator

import numpy as np

from drift.sim.displacements.sizes import SizeTable
from drift.sim.sampling.normal import exp, gaussian, log
from drift.sim.sampling.philox import Stream, words64
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import power


def sizes(drift: Drift, first: int, last: int) -> np.ndarray:
    """Return the sizes A_t of steps `first` ... `last`, float64 (steps,)."""
    t = np.arange(first, last + 1, dtype=np.float64)
    if isinstance(drift.gradient, SizeTable):
        return _interpolated(drift.gradient, t)
    assert isinstance(drift.gradient, float), "an optimizer has a gradient"
    if drift.gradient_decay == 1:
        return np.full(len(t), drift.gradient)
    return drift.gradient * power(drift.gradient_decay, t - 1)


def _interpolated(table: SizeTable, t: np.ndarray) -> np.ndarray:
    steps, values = (np.array(column) for column in zip(*table.rows, strict=True))
    at = np.clip(np.searchsorted(steps, t, side="right") - 1, 0, len(steps) - 1)
    after = np.minimum(at + 1, len(steps) - 1)
    low, high = log(steps[at]), log(steps[after])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(high > low, (log(np.maximum(t, steps[at])) - low) / (high - low), 0.0)
    # Down from the larger of the two: exponents are then no larger than 0.
    rise = log(values[after]) - log(values[at])
    found = np.where(
        rise > 0,
        values[after] * exp(np.maximum(-(1 - share) * np.abs(rise), -700)),
        values[at] * exp(np.maximum(-share * np.abs(rise), -700)),
    )
    # A row's own step has its size itself, and so has all beyond the ends.
    return np.where((t <= steps[at]) | (at == after), values[at], found)


def directions(drift: Drift, u: np.ndarray, first: int, last: int) -> Iterator[np.ndarray]:
    """Give the directions of steps `first` ... `last`, float64 (dims,), from `u` at `first`."""
    rho = drift.autocorrelation
    across = math.sqrt(1 - rho * rho)
    for step in range(first, last + 1):
        yield u
        if rho != 1 and step < last:
            u = walked(u, step + 1, drift.direction_seed, rho, across)


def walked(u: np.ndarray, step: int, seed: int, rho: float, across: float) -> np.ndarray:
    """Return the direction at `step` from the one before it, `u`."""
    drawn = gaussian(words64(seed, Stream.WALK, step * len(u), len(u)))
    beside = drawn - _sum(drawn * u) * u
    length = math.sqrt(_sum(beside * beside))
    if length == 0:  # in one dimension nothing is at right angles
        return u
    turned = rho * u + (across / length) * beside
    return turned / math.sqrt(_sum(turned * turned))


def _sum(values: np.ndarray) -> float:
    """Return the sum of float64 (n,), added in halves: the same bits on every machine."""
    while len(values) > 1:
        half = (len(values) + 1) // 2
        folded = values[:half].copy()
        folded[: len(values) - half] += values[half:]
        values = folded
    return float(values[0])
