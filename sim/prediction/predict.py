"""Expectations of a drift, exact and without simulating it: derivation.md says why.

Expectations are over random clouds, all seeds, with the drift's direction.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from drift.sim.devices.device import cores
from drift.sim.prediction.onset import onsets
from drift.sim.prediction.stalling import stall_steps
from drift.sim.prediction.supported import check_supported
from drift.sim.prediction.transport import Moments, Transport, TransportedClasses, total
from drift.sim.spec.drift import Drift


@dataclass(frozen=True)
class Expected:
    """Expectations of a drift at `step`, over clouds drawn anew."""

    step: int
    """after so many steps"""
    alive: int
    """tokens that are present then"""
    log_pair_probability: float
    """natural logarithm of the chance that two given tokens share a cell"""
    pairs: float
    """the expected number of coalesced pairs among the tokens alive then"""
    pairs_error: float
    """the standard deviation of that number"""
    radius: float
    """the component along u of the tokens' mean, in the units of sigma"""
    stalled: float
    """the share of coordinates that the last step left where they were: sim.counting.cells"""


def expect(drift: Drift, steps: Sequence[int], sigmas: Sequence[float]) -> list[list[Expected]]:
    """Return the expectations for each of `sigmas` after each of `steps`, rising: [sigma][step].

    The drift's own sigma is left aside; one transport serves all sigmas.
    Raises BadInput where no exact form is implemented, and for a sigma of which a
    drift would more likely than not leave the format's range.
    """
    check_supported(drift)
    for sigma in sigmas:
        replace(drift, sigma=sigma)  # which checks it
    transport = Transport(replace(drift, sigma=max(sigmas)))
    distributions = [transport.distribution(sigma) for sigma in sigmas]
    later = [step for step in steps if step > 0]
    with ThreadPoolExecutor(cores()) as pool:
        strips = [
            [
                list(pool.map(TransportedClasses.moments, strip, repeat(distribution)))
                for distribution in distributions
            ]
            for strip in transport.strips(later, pool)
        ]
    found = []
    for number, distribution in enumerate(distributions):
        at_start = _everywhere(transport.initial().moments(distribution), drift.dims)
        rows = zip(*(strip[number] for strip in strips), strict=True)
        moved = dict(zip(later, (_joined(row, transport.group) for row in rows), strict=True))
        found.append([_expected(drift, s, moved.get(s, at_start), transport.u) for s in steps])
    return found


def _joined(strips: Sequence[Moments], group: np.ndarray) -> Moments:
    """Return the moments of all dimensions; `group`, int64 (dims,), is the group of each."""
    return Moments(*(np.concatenate(parts)[group] for parts in zip(*strips, strict=True)))


def _everywhere(one: Moments, dims: int) -> Moments:
    """Return the moments of all dimensions from one, whose distribution is even."""
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


@dataclass(frozen=True)
class Point:
    """Expectations where the cloud is drawn from N(0, `sigma`)."""

    sigma: float
    """the standard deviation of the drawn cloud"""
    expected_pairs: float
    """coalesced pairs among the tokens that are present then"""
    pairs_error: float
    """the standard deviation of their number"""
    pair_probability: float
    """the chance that two given tokens share a cell; 0 where a float can't hold it"""
    log_pair_probability: float
    """its natural logarithm"""
    radius: float
    """the component along u of the tokens' mean, in the units of sigma"""
    stalled: float
    """the share of coordinates that the last step left where they were: sim.counting.cells"""


@dataclass(frozen=True)
class Predicted(Point):
    """Expectations of a drift after its last step, whose own sigma is `sigma`."""

    alive: int
    """tokens that are present after the last step"""
    onset_sigma: float | None
    """where one coalesced pair is expected; None where there is no such sigma"""
    stall_steps: list[int | None]
    """by dimension, the first step that leaves the image of 0 where it was; None for none"""
    curve: list[Point]
    """one for each sigma that was asked for"""

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def predict(drift: Drift, sigmas: Sequence[float] = ()) -> Predicted:
    """Return what is to be expected of `drift` after its last step, without simulating it.

    The `curve` is that of `sigmas`, or of the drift's own one where none are given; one
    transport serves all, so many cost little more than one. sim/prediction/derivation.md
    derives the formulas. Raises BadInput where no exact form is implemented
    (stochastic rounding, jitter, float32, a checkpoint's rows), and for a sigma of which a
    drift would more likely than not leave the format's range.

        >>> import drift
        >>> d = drift.Drift(sigma=1e-6, tokens=100, dims=32)
        >>> found = drift.predict(d, sigmas=[1e-7, 1e-6, 1e-5])
        >>> f"{found.expected_pairs:.1f} ± {found.pairs_error:.1f} pairs at {found.radius:.4f}"
        '387.1 ± 51.9 pairs at 0.3724'
        >>> f"one pair where sigma is {found.onset_sigma:.2g}"
        'one pair where sigma is 2e-05'
        >>> [round(point.expected_pairs, 1) for point in found.curve]
        [1954.5, 387.1, 16.9]
    """
    check_supported(drift)
    assert drift.sigma is not None, "drifts of a checkpoint's rows have no exact form"
    asked = list(sigmas) or [drift.sigma]
    every = sorted({drift.sigma, *asked})
    rows = expect(drift, [drift.steps], every)
    points = {sigma: _point(sigma, row[0]) for sigma, row in zip(every, rows, strict=True)}
    return Predicted(
        **asdict(points[drift.sigma]),
        alive=drift.alive(drift.steps),
        onset_sigma=onsets(drift, [drift.steps])[0],
        stall_steps=stall_steps(drift),
        curve=[points[sigma] for sigma in asked],
    )


def _point(sigma: float, expected: Expected) -> Point:
    return Point(
        sigma=sigma,
        expected_pairs=expected.pairs,
        pairs_error=expected.pairs_error,
        pair_probability=math.exp(expected.log_pair_probability),
        log_pair_probability=expected.log_pair_probability,
        radius=expected.radius,
        stalled=expected.stalled,
    )
