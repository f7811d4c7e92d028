"""The onset: the sigma at which one coalesced pair is expected.

The larger sigma is, the fewer tokens meet. Where the tables have been moved for one
sigma they serve all smaller ones, so a bracket is sought downwards from a first
guess, and only where that was too small are they moved again for a larger one.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from drift.sim.clouds.centre import centre_of
from drift.sim.clouds.direction import direction
from drift.sim.devices.device import cores
from drift.sim.errors import BadInput
from drift.sim.motions.make import motion_of
from drift.sim.prediction.masses import TransportedClasses, total
from drift.sim.prediction.supported import check_supported
from drift.sim.prediction.transport import Transport
from drift.sim.spec.drift import SMALLEST_SIGMA, Drift
from drift.sim.spec.schedule import share

_TOLERANCE = 1e-7
"""The bisection ends where its bounds are that close, relatively; three digits are right then."""
_DOWN, _UP = 4.0, 64.0
"""Factors between the sigmas tried, downwards and upwards."""


def onsets(
    drift: Drift, steps: Sequence[int], moved: Transport | None = None
) -> list[float | None]:
    """Return the sigma at which one coalesced pair is expected after each of `steps`, rising.

    It is right to three digits and more; None where there is none between the smallest
    sigma and the largest with which the drift is likely to stay inside the format's
    range. The drift's own sigma is left aside; `moved` is a transport that may serve. Raises
    BadInput as sim.prediction.predict does.
    """
    check_supported(drift)
    found: dict[int, float | None] = {}
    left = [step for step in steps if drift.alive(step) > 2]  # a lone pair is expected nowhere
    least, top = SMALLEST_SIGMA, enough(drift, left)
    with ThreadPoolExecutor(cores()) as pool:
        while left:
            if moved is not None and moved.sigma >= top and moved.keeps(left):
                transport: Transport | None = moved
            else:
                transport = transport_in_range(drift, least, top)
            if transport is None:
                break
            pairs, least = _Pairs(drift, transport, left, pool), min(top, transport.sigma)
            for step in left:
                if pairs.log(step, least) < 0:
                    found[step] = _below(least, partial(pairs.log, step))
            left = [step for step in left if step not in found]
            top = least * _UP
    return [found.get(step) for step in steps]


class _Pairs:
    """The pairs to be expected at each of `steps`, for any sigma that `transport` serves."""

    def __init__(self, drift: Drift, transport: Transport, steps: Sequence[int], pool: Executor):
        self._drift, self._transport, self._pool = drift, transport, pool
        later = [step for step in steps if step]
        self._kept: dict[int, list[TransportedClasses]] = {step: [] for step in later}
        for _, strip in transport.strips(later, pool):
            for step, moved in zip(later, strip, strict=True):
                # Without what is stalled, which is not asked for and may be large.
                self._kept[step].append(replace(moved, stalled=moved.classes))

    def log(self, step: int, sigma: float) -> float:
        """Return the logarithm of their expected number."""
        distribution, alive = self._transport.distribution(sigma), self._drift.alive(step)
        if step:
            parts = self._pool.map(
                lambda moved: moved.masses(distribution).log_pair, self._kept[step]
            )
            one = total(np.concatenate(list(parts))[self._transport.group])
        else:
            one = sum(
                float(repeats @ strip.masses(distribution).log_pair)
                for repeats, strip in self._transport.initial()
            )
        return math.log(alive * (alive - 1) / 2) + one


def enough(drift: Drift, steps: Sequence[int]) -> float:
    """Return a sigma whose transport is likely to serve the onsets after `steps`."""
    several = [step for step in steps if drift.alive(step) > 2]  # a lone pair is expected nowhere
    return max((_guess(drift, step) for step in several), default=0.0) * _DOWN


def transport_in_range(drift: Drift, least: float, sigma: float) -> Transport | None:
    """Return the transport for `sigma`, or a smaller one in range; None at `least` and below."""
    while sigma > least:
        try:
            return Transport(replace(drift, sigma=sigma))
        except BadInput:
            sigma /= 2
    return None


def _guess(drift: Drift, step: int) -> float:
    """Return a sigma near the onset, by the spacing of the lattice where the cloud will be.

    Tokens whose coordinates differ by x part with a chance of x over the spacing, and
    the mean of x is 2 sigma over the root of pi.
    """
    u, alive = direction(drift.direction, drift.dims, drift.direction_seed), drift.alive(step)
    there = drift.radius * np.abs(u) * share(drift, step)
    if drift.motion != "straight":
        there = motion_of(drift).reach * (step / drift.steps)
    if (centre := centre_of(drift)) is not None:
        there = np.abs(centre + np.copysign(there, u))
    spacing = drift.target.ulp(there[there > 0] if np.any(there) else there)
    parting = float(np.sum(2 / math.sqrt(math.pi) / spacing))
    return max(math.log(alive * (alive - 1) / 2) / parting, SMALLEST_SIGMA)


def _below(top: float, log_pairs: Callable[[float], float]) -> float | None:
    """Return the onset below `top` from the logarithm of the pairs at a sigma; None for none."""
    upper, lower = top, top / _DOWN
    while log_pairs(lower) < 0:
        if lower <= SMALLEST_SIGMA:
            return None
        upper, lower = lower, max(lower / _DOWN, SMALLEST_SIGMA)
    while upper > lower * (1 + _TOLERANCE):
        middle = math.sqrt(lower * upper)
        if log_pairs(middle) < 0:
            upper = middle
        else:
            lower = middle
    return math.sqrt(lower * upper)
