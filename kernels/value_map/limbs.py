"""The limbs of the values of a format, for sums over classes: kernels.exact_sum has their words."""

from functools import lru_cache

import numpy as np

from drift.kernels.exact_sum import LIMB_BITS, limbs_of
from drift.kernels.formats import Format


@lru_cache(maxsize=8)
def limbs_by_rank(target: Format, exponent: int) -> np.ndarray:
    """Return the limbs of every rank's value, int64 (LIMBS, ranks); 0 for values off the grid."""
    ranks = np.arange(1 << target.width).astype(target.storage)
    values = target.value(target.code_of_rank(ranks))
    inside = np.abs(values) <= min(target.largest, np.ldexp(1.0, LIMB_BITS - exponent))
    on_grid = np.where(inside, values, 0).astype(np.float32)
    return limbs_of(on_grid, np.float32(np.ldexp(1.0, exponent)))
