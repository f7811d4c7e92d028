"""Values and codes by NumPy and ml_dtypes: what they say is how a format rounds.

Arrays may have any shape. -0 keeps its sign, NaN stays NaN; beyond the largest value is
whatever the format has there: an infinity, NaN, or, in float4, its largest value.
"""

import ml_dtypes
import numpy as np

from drift.kernels.formats import Format


def dtype(target: Format) -> np.dtype:
    """The NumPy or ml_dtypes type of a format."""
    return np.dtype(getattr(ml_dtypes, target.name, None) or target.name)


def values(codes: np.ndarray, source: Format) -> np.ndarray:
    """float32 values of `codes`, exact."""
    return codes.view(dtype(source)).astype(np.float32)


def nearest(values: np.ndarray, target: Format) -> np.ndarray:
    """Codes of the float32 `values` rounded to `target`, ties to even."""
    with np.errstate(over="ignore"):
        return values.astype(dtype(target)).view(target.storage)


def beyond(values: np.ndarray, target: Format) -> np.ndarray:
    """Which of the float32 `values` round beyond the largest of `target`, bool."""
    edge = np.float64(target.largest + target.ulp(np.array(target.largest)) / 2)
    size = np.abs(values)
    # A tie goes to the even code, of the largest and what would follow it.
    return size >= edge if target.largest_magnitude % 2 else size > edge
