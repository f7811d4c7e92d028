"""The similarity of simulated clouds to the observed one, feature by feature.

feature     a number that describes the structure: black holes, singletons, distances …
similar     a run in which the features BY are the observed ones within a factor of FACTOR: near
            the onset there are as many black holes, but of two tokens each
reproduced  a feature whose observed value lies within its range over the similar runs, widened
            by the same factor
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FACTOR = 2.0
BY = ("black_holes", "held")
"""Features that make a run similar to the observed cloud."""
LARGE = 100
"""Tokens from which a black hole is called large."""

_FEATURES = {
    "black holes": "black_holes",
    "tokens in the largest black hole": "largest",
    "tokens in black holes": "held",
    f"black holes of {LARGE} tokens or more": "large",
    "singletons": "singletons",
    "isolated cells": "isolated",
    "components": "components",
    "largest distance between black holes": "farthest",
    "share of adjacent pairs of cells": "adjacent",
}


@dataclass(frozen=True)
class Feature:
    """A feature of the observed cloud, and its range over the runs that are similar to it."""

    what: str
    """its name, as the page writes it"""
    key: str
    """its name in the features of a run"""
    observed: float
    """its value in the observed cloud"""
    least: float
    """minimum over the similar runs"""
    most: float
    """maximum over the similar runs"""

    @property
    def reproduced(self) -> bool:
        """True where drift alone reproduces it."""
        return self.least / FACTOR <= self.observed <= self.most * FACTOR


def features(digest: dict[str, Any]) -> dict[str, Any]:
    """Return the features of a run, from the digest of its structure (.plan)."""
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


def observed_features(published: dict[str, Any]) -> dict[str, Any]:
    """Return the same features of the observed cloud, from experiments.observed."""
    cells, holes = published["selection"]["cells"], published["black_hole_populations"]
    return {
        "cells": cells,
        "black_holes": len(holes),
        "largest": max(holes),
        "held": sum(holes),
        "large": sum(tokens >= LARGE for tokens in holes),
        "singletons": published["selection"]["singletons"],
        "isolated": published["components"]["isolated"]["nodes"],
        "components": len(published["components"]["rows"]),
        "farthest": max(map(max, published["black_hole_distance"]["matrix"])),
        "adjacent": published["pairs_at_distance"]["1"] / (cells * (cells - 1) // 2),
    }


def similar(
    runs: Sequence[dict[str, Any]], seen: dict[str, Any], keys: Sequence[str] = BY
) -> list[dict[str, Any]]:
    """Return the runs in which the features `keys` are the observed ones, within the factor."""

    def near(run: dict[str, Any]) -> bool:
        return all(seen[key] / FACTOR <= run[key] <= seen[key] * FACTOR for key in keys)

    return [run for run in runs if near(run)]


def compare(runs: Sequence[dict[str, Any]], seen: dict[str, Any]) -> list[Feature]:
    """Return every observed feature beside its range over `runs`; none without runs."""
    found = []
    for what, key in _FEATURES.items() if runs else ():
        values = [run[key] for run in runs]
        found.append(Feature(what, key, seen[key], min(values), max(values)))
    return found
