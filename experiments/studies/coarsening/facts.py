"""What the page says, as plain values drawn from its stores.

like       a run is like what was observed where it has as many black holes with as many tokens
           in them, within a factor: near the onset there are as many, but of two tokens each
feature    a number that tells of the structure; a range over the runs that are like
shown      where the observed number lies within that range, widened by the same factor
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from drift.experiments import observed
from drift.experiments.studies import rescaling
from drift.experiments.studies.page import few
from drift.experiments.studies.parts import Made
from drift.experiments.studies.rows import Row, limits, mean, rows, values, where

FACTOR = 2.0
BY = ("black_holes", "held")
"""The features by which a run is like what was observed."""
LARGE = 100
"""Tokens of a black hole that is called large."""

_FEATURES = {
    "black holes": "black_holes",
    "tokens in the largest": "largest",
    "tokens in all of them": "held",
    f"black holes of {LARGE} tokens or more": "large",
    "singletons": "singletons",
    "isolated cells": "isolated",
    "components of two cells or more": "components",
    "greatest distance between black holes": "farthest",
    "adjacent pairs, of all pairs of cells": "adjacent",
}


@dataclass(frozen=True)
class Feature:
    """One of them, observed and in the runs that are like it."""

    what: str
    key: str
    observed: float
    least: float
    most: float

    @property
    def shown(self) -> bool:
        """Whether drift alone reproduces it."""
        return self.least / FACTOR <= self.observed <= self.most * FACTOR


def features(digest: dict[str, Any]) -> dict[str, Any]:
    """The features of a run's structure: experiments.studies.coarsening.plan."""
    holes, cells = digest["populations"], digest["cells"]
    return {
        "cells": cells,
        "black_holes": len(holes),
        "largest": max(holes, default=1),
        "held": sum(holes),
        "large": sum(tokens >= LARGE for tokens in holes),
        "singletons": digest["singletons"],
        "isolated": digest["isolated"]["nodes"],
        "components": len(digest["components"]),
        "farthest": max(map(int, digest["hole_pairs_at_distance"]), default=0),
        "adjacent": digest["edges"] / max(1, cells * (cells - 1) // 2),
    }


def observed_features(seen: dict[str, Any]) -> dict[str, Any]:
    """The same of what was observed: experiments.observed."""
    cells, holes = seen["selection"]["cells"], seen["black_hole_populations"]
    return {
        "cells": cells,
        "black_holes": len(holes),
        "largest": max(holes),
        "held": sum(holes),
        "large": sum(tokens >= LARGE for tokens in holes),
        "singletons": seen["selection"]["singletons"],
        "isolated": seen["components"]["isolated"]["nodes"],
        "components": len(seen["components"]["rows"]),
        "farthest": max(map(max, seen["black_hole_distance"]["matrix"])),
        "adjacent": seen["pairs_at_distance"]["1"] / (cells * (cells - 1) // 2),
    }


def similar(
    runs: Sequence[dict[str, Any]], seen: dict[str, Any], keys: Sequence[str] = BY
) -> list[dict[str, Any]]:
    """The runs of which these features are what was observed, within a factor."""

    def near(run: dict[str, Any]) -> bool:
        return all(seen[key] / FACTOR <= run[key] <= seen[key] * FACTOR for key in keys)

    return [run for run in runs if near(run)]


def compared(runs: Sequence[dict[str, Any]], seen: dict[str, Any]) -> list[Feature]:
    """Every feature of what was observed beside those of `runs`."""
    found = []
    for what, key in _FEATURES.items():
        values = [run[key] for run in runs]
        found.append(Feature(what, key, seen[key], min(values), max(values)))
    return found


MANY = 10.0
"""Pairs to be expected in all clouds together, from which a mean scatters about normally."""
_EXACT = 1e-9
"""A relative standard deviation below it is of a number that does not scatter."""


@dataclass(frozen=True)
class Facts:
    """All of it; each is read once."""

    made: Made

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What the study was asked."""
        found: dict[str, Any] = self.made.note("plan")
        return found

    @cached_property
    def seen(self) -> dict[str, Any]:
        """The features of what was observed."""
        return observed_features(observed.qwen3_4b())

    @cached_property
    def controls(self) -> list[Row]:
        """Of each control its sigma, its tokens, and its first and last counts."""
        found = []
        for name in self.plan["control"]:
            attrs = self.made.run(name).attrs
            kept = {key: attrs["final"][key] for key in ("distinct", "black_holes", "largest")}
            ended = {"reached": attrs["final"]["radius"], "stalled": attrs["final"]["stalled"]}
            spec = {
                key: attrs["spec"][key] for key in ("sigma", "tokens", "dims", "radius", "steps")
            }
            found.append({**spec, "start": attrs["initial"]["distinct"], **kept, **ended})
        return found

    @cached_property
    def transition(self) -> list[Row]:
        """Its cells."""
        return rows(self.made.sweep("transition"))

    @cached_property
    def onsets(self) -> list[Row]:
        """By steps: where everything is one, where black holes begin, and the expected onset."""
        found = []
        for steps in self.plan["steps"]:
            there = where(self.transition, steps=steps)
            least = where(there, sigma=min(values(there, "sigma")))
            expected = [
                self.made.note(f"expected-{direction}-{steps}")["onset"]
                for direction in self.plan["directions"]
            ]
            known = [each for each in expected if each is not None]
            found.append(
                {
                    "steps": steps,
                    "reached": mean(least, "reached"),
                    "stalled": mean(least, "stalled"),
                    **limits(there),
                    "onset_least": min(known, default=None),
                    "onset_most": max(known, default=None),
                }
            )
        return found

    @cached_property
    def clouds(self) -> list[Row]:
        """The kept runs with their features; `digest` is the whole note."""
        found = []
        for direction in self.plan["directions"]:
            for sigma in self.plan["kept"]:
                name = f"cloud-{direction}-{sigma:g}"
                digest = self.made.note(f"structure-{name}")
                own = {"name": name, "direction_seed": direction, "sigma": sigma}
                found.append({**own, **features(digest), "digest": digest})
        return found

    @cached_property
    def coalesced(self) -> list[Row]:
        """Those that have a black hole."""
        return [cloud for cloud in self.clouds if cloud["black_holes"]]

    @cached_property
    def like(self) -> list[Row]:
        """Those with about as many black holes and tokens in them as were observed."""
        return similar(self.clouds, self.seen)

    @cached_property
    def variants(self) -> list[tuple[str, list[Row]]]:
        """The transition under each arithmetic, a name and its cells."""
        drift = self.plan["drift"]
        first = {"direction_seed": self.plan["directions"][0], "seed": drift["seed"]}
        jitter = rows(self.made.sweep("jitter"))
        return [
            ("nearest", where(self.transition, steps=drift["steps"], **first)),
            ("float32 master", rows(self.made.sweep("master"))),
            *((f"jitter {few(j)}", where(jitter, jitter=j)) for j in values(jitter, "jitter")),
            ("stochastic", rows(self.made.sweep("stochastic"))),
        ]

    @cached_property
    def formats(self) -> list[Row]:
        """The cells of every format."""
        return rescaling.cells(self.made, self.plan["formats"])

    @cached_property
    def agreement(self) -> list[Row]:
        """Coalesced pairs, counted and expected: the repeats along one direction."""
        cells = rows(self.made.sweep("repeats"))
        return [_held(where(cells, sigma=one["sigma"]), one) for one in self._expected("expected")]

    @cached_property
    def agreement_everywhere(self) -> list[Row]:
        """The same for every direction, number of steps and sigma of the transition."""
        found = []
        for direction in self.plan["directions"]:
            for steps in self.plan["steps"]:
                cells = where(self.transition, direction_seed=direction, steps=steps)
                for one in self._expected(f"expected-{direction}-{steps}"):
                    what = {"direction_seed": direction, "steps": steps}
                    found.append({**what, **_held(where(cells, sigma=one["sigma"]), one)})
        return found

    def curve(self) -> list[Row]:
        """What is expected along the direction of the repeats, for every sigma it is known of."""
        first, steps = self.plan["directions"][0], self.plan["drift"]["steps"]
        return [*self._expected("expected"), *self._expected(f"expected-{first}-{steps}")]

    def _expected(self, name: str) -> list[Row]:
        curve: list[Row] = self.made.note(name)["curve"]
        return curve


def _held(cells: list[Row], expected: Row) -> Row:
    """Counted beside expected; `deviation` is in standard errors of the counted mean."""
    count, found = len(cells), mean(cells, "pairs")
    error = expected["pairs_error"] / math.sqrt(count)
    apart = found - expected["pairs"]
    scatters = error > _EXACT * expected["pairs"]
    still = 0.0 if abs(apart) <= _EXACT * expected["pairs"] else math.inf
    scatter = math.sqrt(sum((cell["pairs"] - found) ** 2 for cell in cells) / max(1, count - 1))
    return {
        "sigma": expected["sigma"],
        "clouds": count,
        "pairs": found,
        "expected": expected["pairs"],
        "standard_error": error,
        "deviation": apart / error if scatters else still,
        "counts": count * expected["pairs"] >= MANY,
        "pairs_scatter": scatter,
        "expected_scatter": expected["pairs_error"],
        "reached": mean(cells, "reached"),
        "expected_reached": expected["radius"],
    }
