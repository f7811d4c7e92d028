"""How far each step goes: the displacements c_t = float32((R * w_t) * u).

The constant schedule has w_t = 1/X. Products are taken in float64 and rounded to
float32 once. Displacements below 2**-103 in magnitude become +0, so that no
float32 subnormal ever arises (CPU and CUDA treat those differently).
"""

import numpy as np

from sim.spec import Drift

SMALLEST = 2.0**-103


def displacements(drift: Drift, u: np.ndarray, first: int, last: int) -> np.ndarray:
    """c_t for t = first ... last, float32 (last - first + 1, dims)."""
    lengths = np.full(last - first + 1, drift.radius * (1 / drift.steps))
    with np.errstate(under="ignore", over="ignore"):
        exact = lengths[:, None] * u
        rounded = exact.astype(np.float32)
    rounded[np.abs(rounded) < SMALLEST] = 0
    return rounded
