"""What of the observed structure runs of a drift show, feature by feature.

like       a run is like what was observed where it has as many black holes with as many tokens
           in them, within a factor: near the onset there are as many, but of two tokens each
feature    a number that tells of the structure; a range over the runs that are like
shown      where the observed number lies within that range, widened by the same factor
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    """The features of a run's structure: experiments.study.lying."""
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


def like(
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
