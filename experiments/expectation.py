"""What is to be expected of the drifts that a figure shows: sim.prediction, at its price.

asked   a drift, and the steps at which it is looked at
motion  what the tables are moved by: drifts that differ in sigma and seed share one
price   roughly how long all that is asked for takes. Beyond what a figure may take,
        nothing is predicted unless it is insisted on
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from experiments.figures import plain
from sim.direction import direction
from sim.errors import BadInput
from sim.obstacles import ROWS, obstacle
from sim.prediction import Expected, expect, onsets
from sim.spec import Drift

_MOST_SECONDS = 15.0
_KIND, _FOLLOWED, _LAW = 7e-4, 2e-6, 1e-6
"""Seconds that a coordinate of u takes: its tables, a step of what has none, a sigma at a step."""
_LETTERS = 120
"""Of what stands in the way."""


class Asked(NamedTuple):
    """A drift and steps of it, rising."""

    drift: Drift | None
    """None where the cloud is a checkpoint's rows"""
    steps: Sequence[int]
    used: str | None
    """the SHA-256 of the direction that was used, where a file held it"""


def expected(asked: Sequence[Asked], insisted: bool) -> tuple[list[list[Expected]], list[str]]:
    """What is expected of each that is asked, at its steps; nothing where, and why, it is not
    predicted."""
    found: list[list[Expected]] = [[] for _ in asked]

    def answer(drift: Drift, which: list[int]) -> None:
        steps = sorted({step for k in which for step in asked[k].steps})
        sigmas = sorted({_sigma(asked[k]) for k in which})
        for sigma, row in zip(sigmas, expect(drift, steps, sigmas), strict=True):
            at = {each.step: each for each in row}
            for k in which:
                if _sigma(asked[k]) == sigma:
                    found[k] = [at[step] for step in asked[k].steps]

    return found, _answered(asked, insisted, answer)


def onset(asked: Sequence[Asked], insisted: bool) -> tuple[list[float | None], list[str]]:
    """The sigma of one pair after the only step of each that is asked; NaN where it is not
    predicted, None where there is none. Why not."""
    found: list[float | None] = [math.nan] * len(asked)

    def answer(drift: Drift, which: list[int]) -> None:
        steps = sorted({step for k in which for step in asked[k].steps})
        at = dict(zip(steps, onsets(drift, steps), strict=True))
        for k in which:
            found[k] = at[asked[k].steps[0]]

    return found, _answered(asked, insisted, answer)


def note(whys: list[str], some: bool) -> list[str]:
    """What a caption says of what is not predicted, where all is or, else, `some` is."""
    return [f"{'some is ' if some else ''}not predicted: {'; '.join(whys)}"] if whys else []


def _answered(
    asked: Sequence[Asked], insisted: bool, answer: Callable[[Drift, list[int]], None]
) -> list[str]:
    """Answer what can be, one motion after the other; why the others can't."""
    whys: dict[str, None] = {}
    motions: dict[Drift, list[int]] = {}
    for k, each in enumerate(asked):
        if why := _obstacle(each):
            whys[why] = None
        elif each.drift is not None:
            motions.setdefault(_motion(each.drift), []).append(k)
    price = sum(_price(drift, [asked[k] for k in which]) for drift, which in motions.items())
    if price > _MOST_SECONDS and not insisted:
        whys[f"it would take about {price:,.0f} seconds, with --prediction"] = None
        return list(whys)
    for drift, which in motions.items():
        try:
            answer(drift, which)
        except BadInput as error:
            whys[plain(str(error), _LETTERS)] = None
    return list(whys)


def _obstacle(asked: Asked) -> str:
    """Why there is no prediction; empty where nothing is known to be in its way."""
    drift = asked.drift
    if drift is None or obstacle(drift):
        return f"no exact form is implemented for {ROWS if drift is None else obstacle(drift)}"
    if asked.used is None:
        return ""
    try:
        u = direction(drift.direction, drift.dims)
    except BadInput as error:
        return plain(str(error), _LETTERS)
    if hashlib.sha256(u.tobytes()).hexdigest() != asked.used:
        return f"{plain(drift.direction)} has changed since"
    return ""


def _motion(drift: Drift) -> Drift:
    """The drift that stands for all of its motion."""
    seed = drift.direction_seed if drift.direction == "random" else 0
    return replace(
        drift, sigma=1.0, seed=0, direction_seed=seed, records=1, at=None, snapshots="none"
    )


def _price(drift: Drift, asked: Sequence[Asked]) -> float:
    """Seconds, roughly."""
    kinds = 2 if drift.direction in ("axis", "diagonal") else drift.dims
    followed = drift.steps if drift.schedule != "constant" or drift.master != "none" else 0
    laws = len(set(map(_sigma, asked))) * max(len(each.steps) for each in asked)
    return kinds * (_KIND + _FOLLOWED * followed + _LAW * laws)


def _sigma(asked: Asked) -> float:
    assert asked.drift is not None, "rows of a checkpoint are not predicted"
    assert asked.drift.sigma is not None, "so it is drawn"
    return asked.drift.sigma
