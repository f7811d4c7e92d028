"""Expectations of a drift at some of its steps, for some sigmas, from one motion of its values.

A transport's dimensions come strip by strip; of each the moments are kept, and the law of log p is
summed on, until hardly a pair is left to be expected.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from drift.sim.devices.device import cores
from drift.sim.prediction.cells.law import LawGrid, LawSum
from drift.sim.prediction.cells.occupancy import LEAST_PAIRS, Occupancy, occupancy, rarely_shared
from drift.sim.prediction.cells.spectrum import Spectrum, rarely, spectrum
from drift.sim.prediction.masses import Distribution, Moments, TransportedClasses, total
from drift.sim.prediction.supported import check_supported
from drift.sim.prediction.transport import Transport
from drift.sim.spec.drift import Drift

_LAW_BYTES = 512 << 20
"""Bytes of all laws that are summed at once."""


@dataclass(frozen=True, kw_only=True)
class Expected(Occupancy):
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
    spectrum: Spectrum
    """expected cells of every number of tokens; empty where it was not asked for"""


def expect(
    drift: Drift,
    steps: Sequence[int],
    sigmas: Sequence[float],
    spectra: bool = False,
    transport: Transport | None = None,
) -> list[list[Expected]]:
    """Return the expectations for each of `sigmas` after each of `steps`, rising: [sigma][step].

    The drift's own sigma is left aside; one transport serves all sigmas, that of the largest of
    them where none is given. Spectra are empty unless `spectra`. Raises BadInput where no exact
    form is implemented, and for a sigma of which a drift would more likely than not leave the
    format's range.
    """
    check_supported(drift)
    for sigma in sigmas:
        replace(drift, sigma=sigma)  # which checks it
    transport = transport or Transport(replace(drift, sigma=max(sigmas)))
    size = 24 * LawGrid.fit(drift.tokens).points * len(steps)
    together = max(1, _LAW_BYTES // size)
    found: list[list[Expected]] = []
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(sigmas), together):
            some = sigmas[start : start + together]
            found += _expect(drift, transport, steps, some, spectra, pool)
    return found


def _expect(
    drift: Drift,
    transport: Transport,
    steps: Sequence[int],
    sigmas: Sequence[float],
    spectra: bool,
    pool: ThreadPoolExecutor,
) -> list[list[Expected]]:
    """Return the expectations for as many sigmas as fit into memory together."""
    rows = [
        [_Row(drift, transport.distribution(sigma), step, spectra) for step in steps]
        for sigma in sigmas
    ]
    later = [step for step in steps if step > 0]
    if len(later) < len(steps):
        for repeats, strip in transport.initial():
            for row in rows:
                row[0].add(strip, repeats)
    tasks = [each for row in rows for each in row[len(steps) - len(later) :]]
    for repeats, moved_strip in transport.strips(later, pool):
        moved = [*moved_strip] * len(sigmas)
        list(pool.map(partial(_Row.add, repeats=repeats), tasks, moved))
    return [
        list(pool.map(partial(_Row.expected, u=transport.u, group=transport.group), row))
        for row in rows
    ]


class _Row:
    """The expectations of one step and one sigma, as they become known strip by strip."""

    def __init__(self, drift: Drift, distribution: Distribution, step: int, spectra: bool):
        self._drift, self._distribution, self._step = drift, distribution, step
        self._moments: list[Moments] = []
        self._spectra, self._alive = spectra, drift.alive(step)
        self._law: LawSum | None = LawSum(drift.tokens)

    def add(self, moved: TransportedClasses, repeats: np.ndarray) -> None:
        """Take a strip; each of its groups stands for `repeats` dimensions, int64 (groups,)."""
        masses = moved.masses(self._distribution)
        moments = moved.moments(self._distribution, masses)
        self._moments.append(moments)
        if self._law is not None:
            log_pair = self._law.log_pair + float(repeats @ moments.log_pair)
            if self._pairs(log_pair) < LEAST_PAIRS:
                self._law = None
            else:
                self._law.add(masses, repeats)

    def _pairs(self, log_pair: float) -> float:
        return self._alive * (self._alive - 1) / 2 * math.exp(log_pair)

    def expected(self, u: np.ndarray, group: np.ndarray) -> Expected:
        """Return the expectations once all strips are taken; `group` is that of each dimension."""
        moments, alive = self._joined(group), self._alive
        log_pair, log_triple = total(moments.log_pair), total(moments.log_triple)
        pairs = self._pairs(log_pair)
        # Of two pairs that share a token, the covariance of sharing a cell is r - p**2.
        triples = float(alive) * (alive - 1) * (alive - 2)
        shared = math.exp(log_triple) * -math.expm1(min(0.0, 2 * log_pair - log_triple))
        variance = pairs * -math.expm1(log_pair) + triples * shared
        counts, entries = self._counts(pairs)
        return Expected(
            **asdict(counts),
            step=self._step,
            alive=alive,
            log_pair_probability=log_pair,
            pairs=pairs,
            pairs_error=math.sqrt(variance),
            radius=total(u * moments.mean),
            stalled=total(moments.stalled) / self._drift.dims,
            spectrum=entries,
        )

    def _joined(self, group: np.ndarray) -> Moments:
        """Return the moments of all dimensions."""
        joined = [np.concatenate(parts) for parts in zip(*self._moments, strict=True)]
        # Without a centre one dimension stands for all at first, and its distribution is even.
        if not self._step and self._drift.centre is None:
            log_pair, log_triple, mean, stalled = (np.repeat(p, len(group)) for p in joined)
            return Moments(log_pair, log_triple, np.zeros_like(mean), stalled)
        return Moments(*(part[group] for part in joined))

    def _counts(self, pairs: float) -> tuple[Occupancy, Spectrum]:
        """Return what the law tells, and its spectrum."""
        if self._law is None or pairs < LEAST_PAIRS:
            few = rarely_shared(pairs, self._alive)
            return few, rarely(pairs, self._alive) if self._spectra else []
        law = self._law.law()
        self._law = None
        counts = occupancy(law, self._alive)
        entries = spectrum(law, self._alive, counts.singletons) if self._spectra else []
        return counts, entries
