"""A small checkpoint whose rows have all that matters to a drift, and a drift of them."""

import numpy as np

from drift.kernels.formats import BFLOAT16
from tests.support import builders, oracle

NAME = "lm_head.weight"
DRIFT = {"radius": 0.05, "steps": 30, "records": 6, "snapshots": "records"}
NEAR = {"near": "largest", "exponents": 3}


def codes(seed=0):
    """A black hole, tokens about it, tokens farther away; zeros of both signs, small values."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.02, 24) * (1 + rng.normal(0, 0.01, (50, 24)))
    values[30:] *= 2.0**8
    values[:, 5], values[1:50:4, 5] = -0.0, 0.0
    values[::2, 6], values[1::2, 6] = 2.0**-121, -(2.0**-110)
    values[8:28:4] = values[4]
    return oracle.bits(values.astype(oracle.dtype("bfloat16")))


def write(path, seed=0):
    """A file of it, whose data begin at an odd place."""
    tensors = {"model.embed_tokens.weight": ("BF16", [1, 1], b"\0\0")}
    tensors[NAME] = builders.matrix(codes(seed), BFLOAT16)
    return builders.write(path, tensors, padding=1)
