"""What is to be expected of a drift, exactly, without simulating it: prediction.md says why.

Expectations are over clouds drawn anew with the same direction: over all seeds.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from drift.sim.device import cores
from drift.sim.fates import Fate, Fates, Moments, total
from drift.sim.obstacles import check, obstacle
from drift.sim.onset import onsets
from drift.sim.spec import Drift

__all__ = ["Expected", "expect", "obstacle", "onsets"]


@dataclass(frozen=True)
class Expected:
    """What is expected of a drift at `step`, over clouds drawn anew."""

    step: int
    alive: int
    log_pair_probability: float
    """natural logarithm of the chance that two given tokens share a cell"""
    pairs: float
    """the expected number of coalesced pairs among the tokens alive then"""
    pairs_error: float
    """the standard deviation of that number"""
    radius: float
    stalled: float
    """the share of coordinates that the last step left where they were: sim.counts"""


def expect(drift: Drift, steps: Sequence[int], sigmas: Sequence[float]) -> list[list[Expected]]:
    """What is expected for each of `sigmas` after each of `steps`, rising: [sigma][step].

    The drift's own sigma is left aside; one motion of its tables serves all sigmas.
    Raises BadInput where no exact form is implemented, and for a sigma of which a
    drift would more likely than not leave the format's range.
    """
    check(drift)
    for sigma in sigmas:
        replace(drift, sigma=sigma)  # which checks it
    fates = Fates(replace(drift, sigma=max(sigmas)))
    laws = [fates.law(sigma) for sigma in sigmas]
    later = [step for step in steps if step > 0]
    with ThreadPoolExecutor(cores()) as pool:
        strips = [
            [list(pool.map(Fate.moments, strip, repeat(law))) for law in laws]
            for strip in fates.strips(later, pool)
        ]
    found = []
    for number, law in enumerate(laws):
        at_start = _everywhere(fates.initial().moments(law), drift.dims)
        rows = zip(*(strip[number] for strip in strips), strict=True)
        moved = dict(zip(later, (_joined(row, fates.kind) for row in rows), strict=True))
        found.append([_expected(drift, s, moved.get(s, at_start), fates.u) for s in steps])
    return found


def _joined(strips: Sequence[Moments], kind: np.ndarray) -> Moments:
    """Those of all dimensions, whose kinds are `kind`, from those of strips of kinds."""
    return Moments(*(np.concatenate(parts)[kind] for parts in zip(*strips, strict=True)))


def _everywhere(one: Moments, dims: int) -> Moments:
    """Those of a dimension, of which the law is even, for all."""
    spread = Moments(*(np.repeat(part, dims) for part in one))
    return spread._replace(mean=np.zeros(dims))


def _expected(drift: Drift, step: int, moments: Moments, u: np.ndarray) -> Expected:
    alive, log_pair = drift.alive(step), total(moments.log_pair)
    pairs = alive * (alive - 1) / 2 * math.exp(log_pair)
    # Of two pairs that share a token, the covariance of sharing a cell is r - p**2.
    triples = float(alive) * (alive - 1) * (alive - 2)
    log_triple = total(moments.log_triple)
    shared = math.exp(log_triple) * -math.expm1(min(0.0, 2 * log_pair - log_triple))
    variance = pairs * -math.expm1(log_pair) + triples * shared
    return Expected(
        step=step,
        alive=alive,
        log_pair_probability=log_pair,
        pairs=pairs,
        pairs_error=math.sqrt(variance),
        radius=total(u * moments.mean),
        stalled=total(moments.stalled) / drift.dims,
    )
