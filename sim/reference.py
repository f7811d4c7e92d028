"""Rounding and stepping in plain NumPy and ml_dtypes: the definition of right.

Slow and readable, and it shares nothing with the kernels but the formats and the
random words; a device is believed when it agrees with this, bit for bit.
"""

import ml_dtypes
import numpy as np

from kernels.formats import Format
from kernels.rounding import Rounding


def dtype(target: Format) -> np.dtype:
    """The NumPy or ml_dtypes type of a format."""
    return np.dtype(getattr(ml_dtypes, target.name, None) or target.name)


def round_to(
    values: np.ndarray, target: Format, rounding: Rounding, words: np.ndarray | None = None
) -> np.ndarray:
    """Codes of float32 `values` in `target`; `words` uint32 for stochastic rounding."""
    values = np.asarray(values, np.float32)
    with np.errstate(over="ignore"):
        nearest = values.astype(dtype(target)).view(target.storage)
    if rounding == "nearest":
        return nearest
    sign = nearest & target.sign
    magnitude = (nearest & (target.sign - 1)).astype(np.int64)
    exact = np.abs(values.astype(np.float64))
    magnitude = np.minimum(magnitude, target.largest_magnitude + 1)
    below = np.where(target.value(magnitude) > exact, magnitude - 1, magnitude)
    if rounding == "stochastic":
        assert words is not None
        low, high = target.value(below), target.value(below + 1)
        up = words < (exact - low) / (high - low) * 2.0**32
        below = np.minimum(below + up, target.largest_magnitude)
    return below.astype(target.storage) | sign


def step(
    codes: np.ndarray,
    displacement: np.ndarray,
    target: Format,
    rounding: Rounding,
    words: np.ndarray | None = None,
) -> np.ndarray:
    """Codes after one step by `displacement`, float32, broadcast against `codes`."""
    with np.errstate(over="ignore"):
        moved = codes.view(dtype(target)).astype(np.float32) + displacement
    return round_to(moved, target, rounding, words)
