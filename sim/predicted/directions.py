"""Means and spread of expectations over the seeds of random directions.

Which rounding boundaries fall into the cloud is a matter of the direction: it changes what is to
be expected by far more than the clouds along one direction differ.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drift.sim.prediction.expected import Expected

AVERAGED = (
    "distinct",
    "distinct_error",
    "singletons",
    "black_holes",
    "black_hole_tokens",
    "largest",
    "largest_5",
    "largest_95",
    "pairs",
    "pairs_error",
    "radius",
    "stalled",
)
"""The expectations whose mean is taken."""
QUANTILES = {"least": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "most": 1.0}


def over_directions(found: Sequence[Expected]) -> dict[str, dict[str, float]]:
    """Return of each expectation its mean over directions, its standard deviation and quantiles."""
    return {name: _spread([getattr(each, name) for each in found]) for name in AVERAGED}


def _spread(values: Sequence[float]) -> dict[str, float]:
    each = np.array(values, np.float64)
    spread: dict[str, Any] = {"mean": each.mean(), "deviation": each.std(ddof=len(each) > 1)}
    spread |= {name: np.quantile(each, share) for name, share in QUANTILES.items()}
    return {name: float(value) for name, value in spread.items()}
