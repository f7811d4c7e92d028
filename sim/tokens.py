"""What tells tokens apart beside their coordinates: their strength, and when they leave.

Both are fixed through the run and drawn from streams of their own.
"""

import numpy as np

from drift.sim.gaussian import draw
from drift.sim.spec import Drift
from drift.sim.streams import Stream, words64


def strengths(drift: Drift) -> np.ndarray:
    """g = float32(1 + jitter * xi), xi standard normal; float32 (tokens,)."""
    if drift.jitter == 0:
        return np.ones(drift.tokens, np.float32)
    xi = draw(drift.seed, Stream.JITTER, drift.tokens)
    return (1 + drift.jitter * xi).astype(np.float32)


def ranks(drift: Drift) -> np.ndarray:
    """The place of each token in a seeded permutation, int64 (tokens,).

    After step t the tokens of rank below drift.alive(t) are present.
    """
    if drift.survivors is None:
        return np.arange(drift.tokens)
    order = np.argsort(words64(drift.seed, Stream.SURVIVORS, 0, drift.tokens), kind="stable")
    place = np.empty(drift.tokens, np.int64)
    place[order] = np.arange(drift.tokens)
    return place
