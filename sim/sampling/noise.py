"""The noise of a step's coordinates: the table that the upper half of a random word looks up.

    T[i] = float32(F((i + 1/2) / 2**16)),  F the inverse of the normal distribution function

Made on the host, so that every device adds the same numbers. A coordinate's word is that of
kernels.threefry, by a key of the NOISE stream for each step (sim.spec.schedule).
"""

from functools import cache

import numpy as np

from drift.sim.sampling.normal import upper_quantile

_BITS = 16


@cache
def noise_table() -> np.ndarray:
    """Return T, float32 (2**16,), rising; read-only."""
    half = 1 << (_BITS - 1)
    tails = (np.arange(half) + 0.5) / (1 << _BITS)
    lower = -upper_quantile(tails).astype(np.float32)
    table = np.concatenate([lower, -lower[::-1]])
    table.setflags(write=False)
    return table
