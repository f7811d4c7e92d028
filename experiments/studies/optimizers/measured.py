"""Measurements of each drift of the study: its records, and how wide its cloud is at both ends.

spread  root mean square distance of the tokens from their mean
"""

from dataclasses import replace
from typing import Any

import numpy as np

from drift.sim import matrix
from drift.sim.spec.drift import Drift

_KEPT = ("step", "distinct", "black_holes", "black_hole_tokens", "largest", "radius", "moved")


def measured(drift: Drift, seeds: list[int]) -> list[dict[str, Any]]:
    """Return what a drift does for each of `seeds`, which are of its direction and its cloud."""
    return [_one(replace(drift, direction_seed=seed, seed=seed)) for seed in seeds]


def _one(drift: Drift) -> dict[str, Any]:
    from drift.sim.runs.simulate import simulate

    found = simulate(drift)
    records, asked, done = [], 0.0, 0.0
    for counts in found.records:
        told = counts.as_json()
        asked, done = asked + told["asked"], done + told["done"]
        records.append({**{name: told[name] for name in _KEPT}, "asked": asked, "done": done})
    ends = [_spread(found.snapshots[step], drift) for step in (0, drift.steps)]
    return {"seed": drift.seed, "records": records, "spread": ends}


def _spread(codes: np.ndarray, drift: Drift) -> float:
    values = matrix.values(codes, drift.target).astype(np.float64)
    apart = values - values.mean(axis=0)
    return float(np.sqrt((apart * apart).sum(axis=1).mean()))
