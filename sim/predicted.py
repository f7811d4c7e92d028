"""What is to be expected of one drift after its last step, in the words of `drift predict`.

Expectations are over clouds drawn anew with the same direction: sim.prediction.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from drift.sim.obstacles import check
from drift.sim.onset import onsets
from drift.sim.prediction import Expected, expect
from drift.sim.spec import Drift
from drift.sim.stall import stall_steps


@dataclass(frozen=True)
class Point:
    """What is expected where the cloud is drawn from N(0, `sigma`)."""

    sigma: float
    expected_pairs: float
    """coalesced pairs among the tokens that are present then"""
    pairs_error: float
    """the standard deviation of their number"""
    pair_probability: float
    """the chance that two given tokens share a cell; 0 where a float can't hold it"""
    log_pair_probability: float
    """its natural logarithm"""
    radius: float
    stalled: float
    """the share of coordinates that the last step left where they were: sim.counts"""


@dataclass(frozen=True)
class Predicted(Point):
    """What is expected of a drift, whose own sigma is `sigma`."""

    alive: int
    """tokens that are present after the last step"""
    onset_sigma: float | None
    """where one coalesced pair is expected; None where there is no such sigma"""
    stall_steps: list[int | None]
    """by dimension, the first step that leaves the image of 0 where it was; None for none"""
    curve: list[Point]
    """one for each sigma that was asked for"""

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


def predict(drift: Drift, sigmas: Sequence[float] = ()) -> Predicted:
    """What is to be expected of `drift` after its last step, exactly, without simulating it.

    The `curve` is that of `sigmas`, or of the drift's own one where none are given; one
    motion of its tables serves all, so many cost little more than one. sim/prediction.md
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
    check(drift)
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
