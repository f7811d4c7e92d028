"""What is to be expected of the drifts that a figure shows: sim.prediction.predict, at its price.

asked   a drift, and the steps at which it is looked at
motion  what the tables are moved by: drifts that differ in sigma and seed share one
price   roughly how long all that is asked for takes. Beyond what a figure may take,
        nothing is predicted unless it is insisted on
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
    from drift.sim.prediction.predict import Expected

_MOST_SECONDS = 15.0
_KIND, _FOLLOWED, _LAW = 7e-4, 2e-6, 1e-6
"""Seconds that a coordinate of u takes: its tables, a step of what has none, a sigma at a step."""
_LETTERS = 120
"""Of what stands in the way."""


class PairsRequest(NamedTuple):
    """A drift and steps of it, rising."""

    drift: Drift | None
    """None where the cloud is a checkpoint's rows"""
    steps: Sequence[int]
    used: str | None
    """the SHA-256 of the direction that was used, where a file held it"""


class ExpectedPairs:
    """What is expected of the drifts of a figure, or of all the figures of a page.

    `wanted` says whether it is; None is where that is cheap. No drift is predicted twice.
    """

    def __init__(self, wanted: bool | None = None):
        self.wanted = wanted
        self.missing: Counter[str] = Counter()
        """of how many drifts something is not predicted, by why"""
        self._known: dict[object, dict[int, Expected]] = {}

    def expected(self, asked: Sequence[PairsRequest]) -> "tuple[list[list[Expected]], list[str]]":
        """What is expected of each that is asked, at its steps; nothing where, and why, it is
        not predicted."""

        def answer(drift: Drift, some: list[PairsRequest]) -> None:
            from drift.sim.prediction.predict import expect

            steps = sorted({step for each in some for step in each.steps})
            sigmas = sorted(set(map(_sigma, some)))
            rows = dict(zip(sigmas, expect(drift, steps, sigmas), strict=True))
            for each in some:
                found = {row.step: row for row in rows[_sigma(each)]}
                self._known.setdefault(_cloud(each), {}).update(found)

        def known(each: PairsRequest) -> "list[Expected]":
            there = self._known.get(_cloud(each), {}) if each.drift is not None else {}
            return [there[step] for step in each.steps] if there.keys() >= set(each.steps) else []

        whys = self._answered([each for each in asked if not known(each)], answer)
        return list(map(known, asked)), whys

    def onset(self, asked: Sequence[PairsRequest]) -> tuple[list[float | None], list[str]]:
        """The sigma of one pair after the only step of each that is asked; NaN where it is not
        predicted, None where there is none. Why not."""
        found: dict[int, float | None] = {}

        def answer(drift: Drift, some: list[PairsRequest]) -> None:
            from drift.sim.prediction.onset import onsets

            steps = sorted({step for each in some for step in each.steps})
            at = dict(zip(steps, onsets(drift, steps), strict=True))
            found.update((id(each), at[each.steps[0]]) for each in some)

        whys = self._answered(asked, answer)
        return [found.get(id(each), math.nan) for each in asked], whys

    def _answered(
        self, asked: Sequence[PairsRequest], answer: Callable[[Drift, list[PairsRequest]], None]
    ) -> list[str]:
        """Answer what can be, one motion after the other; why the others can't."""
        if self.wanted is False:
            return []
        whys: Counter[str] = Counter()
        motions: dict[Drift, list[PairsRequest]] = {}
        for each in asked:
            if why := _obstacle(each):
                whys[why] += 1
            elif each.drift is not None:
                motions.setdefault(_motion(each.drift), []).append(each)
        price = sum(_price(drift, some) for drift, some in motions.items())
        if price > _MOST_SECONDS and not self.wanted:
            why = f"it would take about {price:,.0f} seconds, with --prediction"
            whys[why] = sum(map(len, motions.values()))
            motions = {}
        if motions:
            _make_ready()
        for drift, some in motions.items():
            try:
                answer(drift, some)
            except BadInput as error:
                whys[figure_text(str(error), _LETTERS)] += len(some)
        self.missing += whys
        return list(whys)


def note(whys: list[str], some: bool) -> list[str]:
    """What a caption says of what is not predicted, where all is or, else, `some` is."""
    return [f"{'some is ' if some else ''}not predicted: {'; '.join(whys)}"] if whys else []


def _make_ready() -> None:
    """Load JAX, which a figure without prediction can do without; it needs no accelerator."""
    from drift.sim.devices import cache, device

    cache.turn_on()
    device.only_cpu()


def _obstacle(asked: PairsRequest) -> str:
    """Why there is no prediction; empty where nothing is known to be in its way."""
    drift = asked.drift
    if drift is None or unsupported_reason(drift):
        missing = ROWS if drift is None else unsupported_reason(drift)
        return f"no exact form is implemented for {missing}"
    if asked.used is None:
        return ""
    try:
        u = direction(drift.direction, drift.dims)
    except BadInput as error:
        return figure_text(str(error), _LETTERS)
    if hashlib.sha256(u.tobytes()).hexdigest() != asked.used:
        return f"{figure_text(drift.direction)} has changed since"
    return ""


def _motion(drift: Drift) -> Drift:
    """The drift that stands for all of its motion."""
    seed = drift.direction_seed if drift.direction == "random" else 0
    return replace(
        drift, sigma=1.0, seed=0, direction_seed=seed, records=1, at=None, snapshots="none"
    )


def _cloud(asked: PairsRequest) -> object:
    """What tells apart, of drifts, those of which something else is expected."""
    assert asked.drift is not None, "rows of a checkpoint are not predicted"
    return _motion(asked.drift), _sigma(asked), asked.used


def _price(drift: Drift, asked: Sequence[PairsRequest]) -> float:
    """Seconds, roughly."""
    kinds = 2 if drift.direction in ("axis", "diagonal") else drift.dims
    followed = drift.steps if drift.schedule != "constant" or drift.master != "none" else 0
    laws = len(set(map(_sigma, asked))) * max(len(each.steps) for each in asked)
    return kinds * (_KIND + _FOLLOWED * followed + _LAW * laws)


def _sigma(asked: PairsRequest) -> float:
    assert asked.drift is not None, "rows of a checkpoint are not predicted"
    assert asked.drift.sigma is not None, "so it is drawn"
    return asked.drift.sigma
