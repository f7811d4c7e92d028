"""The expected counts that a figure, or a page of figures, shows beside those of clouds.

request     a drift, and the steps at which its expected counts are wanted
motion      what the displacements move: drifts that differ only in sigma and seed share one
cost        about how many seconds all predictions of a figure take. Above a limit nothing is
            predicted, unless predictions were asked for
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from drift.experiments.figures.style import figure_text
from drift.sim.clouds.direction import direction
from drift.sim.errors import BadInput
from drift.sim.prediction.supported import ROWS, unsupported_reason
from drift.sim.spec.drift import Drift

if TYPE_CHECKING:
    from drift.sim.prediction.expected import Expected

_MOST_SECONDS = 15.0
_PER_COORDINATE, _PER_STEP, _PER_SIGMA = 5e-5, 2e-7, 1e-6
"""Seconds for a distinct coordinate of u: its first step, a later one, a sigma at a step."""
_LEAST_STEP = 2e-5
"""Seconds for a step of few coordinates."""
_PER_LAW = 0.01
"""Seconds for what is counted at a step for a sigma."""
_MOST_EQUAL = 1536
"""Equal steps after which nothing moves any more, usually."""
_LETTERS = 120
"""Characters of a reason for which there is no prediction."""


class PairsRequest(NamedTuple):
    """A drift whose expected counts are wanted at some steps."""

    drift: Drift | None
    """None where the cloud is a checkpoint's rows"""
    steps: Sequence[int]
    """rising"""
    direction_sha256: str | None
    """SHA-256 of the direction that was used, where it was read from a file"""


class ExpectedPairs:
    """The expected counts of the drifts in a figure, or in all figures of a page.

    `wanted` is True where predictions are asked for, False where they are unwanted, and None
    where they are wanted if they are quick. No drift is predicted twice.
    """

    def __init__(self, wanted: bool | None = None):
        self.wanted = wanted
        self.missing: Counter[str] = Counter()
        """for each reason, the number of drifts that are not predicted"""
        self._known: dict[object, dict[int, Expected]] = {}

    def at_steps(
        self, requests: Sequence[PairsRequest], spectra: bool = False
    ) -> "tuple[list[list[Expected]], list[str]]":
        """Return the expectation of each request at its steps, and the reasons for missing ones.

        A request that is not predicted has an empty list; expectations have spectra if `spectra`.
        """

        def missing(each: PairsRequest) -> list[int]:
            found = self._known.get(_key(each), {})
            return [s for s in each.steps if s not in found or (spectra and not found[s].spectrum)]

        def predict(drift: Drift, some: list[PairsRequest]) -> None:
            from drift.sim.prediction.expected import expect

            steps = sorted({step for each in some for step in missing(each)})
            sigmas = sorted(set(map(_sigma, some)))
            rows = dict(zip(sigmas, expect(drift, steps, sigmas, spectra), strict=True))
            for each in some:
                found = {row.step: row for row in rows[_sigma(each)]}
                self._known.setdefault(_key(each), {}).update(found)

        def known(each: PairsRequest) -> "list[Expected]":
            if each.drift is None or missing(each):
                return []
            found = self._known[_key(each)] if each.steps else {}
            return [found[step] for step in each.steps]

        reasons = self._predict([each for each in requests if not known(each)], predict)
        return list(map(known, requests)), reasons

    def onsets(self, requests: Sequence[PairsRequest]) -> tuple[list[float | None], list[str]]:
        """Return the sigma of one expected pair after the only step of each request, and reasons.

        The sigma is NaN where it is not predicted, and None where no sigma gives one pair.
        """
        found: dict[int, float | None] = {}

        def predict(drift: Drift, some: list[PairsRequest]) -> None:
            from drift.sim.prediction.onset import onsets

            steps = sorted({step for each in some for step in each.steps})
            at = dict(zip(steps, onsets(drift, steps), strict=True))
            found.update((id(each), at[each.steps[0]]) for each in some)

        reasons = self._predict(requests, predict)
        return [found.get(id(each), math.nan) for each in requests], reasons

    def _predict(
        self,
        requests: Sequence[PairsRequest],
        predict: Callable[[Drift, list[PairsRequest]], None],
    ) -> list[str]:
        """Predict what can be predicted, motion by motion; return why the others cannot be."""
        if self.wanted is False:
            return []
        reasons: Counter[str] = Counter()
        motions: dict[Drift, list[PairsRequest]] = {}
        for each in requests:
            if reason := _unsupported(each):
                reasons[reason] += 1
            elif each.drift is not None:
                motions.setdefault(_motion(each.drift), []).append(each)
        cost = sum(_cost(drift, some) for drift, some in motions.items())
        if cost > _MOST_SECONDS and not self.wanted:
            # The command says so. A figure has nothing to do with options and waiting.
            reason = f"it would take about {cost:,.0f} seconds; --prediction asks for it"
            self.missing[reason] += sum(map(len, motions.values()))
            motions = {}
        if motions:
            _load_jax()
        for drift, some in motions.items():
            try:
                predict(drift, some)
            except BadInput as error:
                reasons[_without_options(error)] += len(some)
        self.missing += reasons
        return list(reasons)


def not_predicted(reasons: list[str], partly: bool) -> list[str]:
    """Return a caption's note on missing predictions; `partly` is True where others are there."""
    what = "no prediction for some runs" if partly else "no prediction"
    return [f"{what}: {'; '.join(reasons)}"] if reasons else []


def _without_options(error: BadInput) -> str:
    """Return why something is not predicted, without advice on options: figures are published."""
    parts = str(error).split("; ")
    return figure_text("; ".join(each for each in parts if "--" not in each) or parts[0], _LETTERS)


def _load_jax() -> None:
    """Load JAX for CPUs alone; a figure without predictions does without it."""
    from drift.sim.devices import device

    device.configure("cpu")


def _unsupported(request: PairsRequest) -> str:
    """Return why there is no prediction; empty where no reason is known."""
    drift = request.drift
    if drift is None or unsupported_reason(drift):
        missing = ROWS if drift is None else unsupported_reason(drift)
        return f"no exact form is implemented for {missing}"
    if request.direction_sha256 is None:
        return ""
    try:
        u = direction(drift.direction, drift.dims)
    except BadInput as error:
        return _without_options(error)
    if hashlib.sha256(u.tobytes()).hexdigest() != request.direction_sha256:
        return f"{figure_text(drift.direction)} has changed since the run"
    return ""


def _motion(drift: Drift) -> Drift:
    """Return the drift that represents all drifts of its motion."""
    seed = drift.direction_seed if drift.direction == "random" else 0
    return replace(
        drift, sigma=1.0, seed=0, direction_seed=seed, records=1, at=None, snapshots="none"
    )


def _key(request: PairsRequest) -> object:
    """Return what determines the expectation, beside the step."""
    assert request.drift is not None, "rows of a checkpoint are not predicted"
    return _motion(request.drift), _sigma(request), request.direction_sha256


def _cost(drift: Drift, requests: Sequence[PairsRequest]) -> float:
    """Return about how many seconds the requests of one motion take."""
    # Coordinates of u that are equal share their tables.
    coordinates = 2 if drift.direction in ("axis", "diagonal") else drift.dims
    equal = drift.schedule == "constant" and drift.master == "none"
    stepped = min(drift.steps, _MOST_EQUAL) if equal else drift.steps
    sums = len(set(map(_sigma, requests))) * max(len(each.steps) for each in requests)
    one = max(_LEAST_STEP, coordinates * _PER_STEP)
    return coordinates * (_PER_COORDINATE + _PER_SIGMA * sums) + one * stepped + _PER_LAW * sums


def _sigma(request: PairsRequest) -> float:
    assert request.drift is not None, "rows of a checkpoint are not predicted"
    assert request.drift.sigma is not None, "a cloud that is drawn has one"
    return request.drift.sigma
