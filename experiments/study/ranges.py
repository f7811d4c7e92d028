"""Values of a declared axis, spread evenly in the logarithm."""

import numpy as np


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """From `low` to `high`, of three digits each."""
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))
