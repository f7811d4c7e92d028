"""Codes and arithmetics that kernels are tried with."""

from typing import get_args

import ml_dtypes
import numpy as np

from drift.kernels.formats import (
    BFLOAT16,
    FLOAT4_E2M1FN,
    FLOAT8_E4M3FN,
    FLOAT8_E5M2,
    FLOAT16,
    FLOAT32,
    FORMATS,
    Arithmetic,
    Rounding,
)

SMALLEST_VALUE = 2.0**-119

ARITHMETICS = [
    *(Arithmetic(f, f, rounding) for f in FORMATS.values() for rounding in get_args(Rounding)),
    Arithmetic(FLOAT32, BFLOAT16),
    Arithmetic(jitter=True),
]
"""Every kind of kernel, but for jitter in every format."""

FEWER = [
    Arithmetic(),
    Arithmetic(jitter=True),
    Arithmetic(BFLOAT16, BFLOAT16, "stochastic"),
    Arithmetic(BFLOAT16, BFLOAT16, "toward-zero"),
    Arithmetic(FLOAT32, BFLOAT16, jitter=True),
    Arithmetic(FLOAT16, FLOAT16),
    Arithmetic(FLOAT8_E4M3FN, FLOAT8_E4M3FN, "stochastic"),
    Arithmetic(FLOAT8_E5M2, FLOAT8_E5M2, "toward-zero"),
    Arithmetic(FLOAT4_E2M1FN, FLOAT4_E2M1FN),
]
"""One of each kind, since the fused kernel rounds as the plain ones do."""


def name(arithmetic):
    """What a test with it is called."""
    return "-".join(
        [arithmetic.state.name, arithmetic.view.name, arithmetic.rounding, str(arithmetic.jitter)]
    )


def safe_codes():
    """All codes a drift can hold: finite, and 0 or at least 2**-119."""
    codes = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):
        values = np.abs(codes.view(ml_dtypes.bfloat16).astype(np.float64))
    return codes[np.isfinite(values) & ((values == 0) | (values >= SMALLEST_VALUE))]


def finite(target):
    """All codes of finite values: for float32 some of every binade."""
    if target is FLOAT32:
        magnitudes = np.unique(
            (np.arange(255)[:, None] << 23) + np.array([0, 1, 2, 0x3FFFFF, 0x400000, 0x7FFFFF])
        )
    else:
        magnitudes = np.arange(target.largest_magnitude + 1)
    return np.concatenate([magnitudes, magnitudes | target.sign]).astype(target.storage)
