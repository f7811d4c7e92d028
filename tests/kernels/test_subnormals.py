"""No float32 subnormal ever arises: CPUs and GPUs treat them differently.

Whatever a drift starts from, 0 or 2**(p-127) and more for p significand bits, is
a multiple of 2**-126; so is every displacement, 0 or 2**-103 and more; so are
their sums, and what they are rounded to.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import FLOAT32, FORMATS
from tests.support import oracle

TINY = 2.0**-126


def every_binade(lowest, rng, shape):
    """Random float32 magnitudes of every binade from `lowest` up, signed, and zeros."""
    exponents = np.arange(lowest, 127)[:, None]
    mantissas = rng.integers(1 << 23, 1 << 24, (len(exponents), *shape)).astype(np.float64)
    mantissas[:, 0], mantissas[:, 1] = 1 << 23, (1 << 24) - 1
    values = np.ldexp(mantissas, exponents - 23)
    return np.concatenate([values.ravel(), -values.ravel(), [0.0]]).astype(np.float32)


def assert_no_subnormal(values):
    assert np.all((values == 0) | (np.abs(values.astype(np.float64)) >= TINY))


@pytest.mark.parametrize("name", FORMATS)
def test_sums_over_every_pair_of_binades(name):
    target, rng = FORMATS[name], np.random.default_rng(0)
    starts = every_binade(target.precision - 127, rng, (6,))
    if name != "float32":
        starts = starts[np.abs(starts) <= target.largest]
        starts = np.unique(oracle.quantise(starts, name, "nearest").astype(np.float32))
        starts = starts[(starts == 0) | (np.abs(starts) >= target.smallest_drawn)]
    displacements = every_binade(-103, rng, (6,))
    with np.errstate(over="ignore"):
        for some in np.array_split(displacements, 40):
            assert_no_subnormal(starts[:, None] + some)


@given(
    st.sampled_from([*FORMATS]),
    st.sampled_from(["nearest", "toward-zero", "stochastic"]),
    st.integers(-103, -80),
    st.integers(0, 2**32 - 1),
)
def test_walks_near_the_smallest_values(name, rounding, power, seed):
    target, rng = FORMATS[name], np.random.default_rng(seed)
    start = rng.integers(1 << 23, 1 << 24, 200) * 2.0 ** (rng.integers(-20, 3, 200) - 120.0)
    x = oracle.quantise(start.astype(np.float32), name, "nearest").astype(np.float32)
    x[np.abs(x) < target.smallest_drawn] = 0
    for _ in range(30):
        c = (rng.uniform(-2, 2, 200) * 2.0**power).astype(np.float32)
        c[np.abs(c) < 2.0**-103] = 0
        y = x + c
        assert_no_subnormal(y)
        words = rng.integers(0, 2**32, 200, dtype=np.uint32)
        x = oracle.quantise(y, name, rounding, words).astype(np.float32)
        if target is not FLOAT32:
            assert_no_subnormal(x)
