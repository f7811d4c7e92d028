import jax
import ml_dtypes
import numpy as np
import pytest

from kernels.advance import BLOCK, STAY, advance
from kernels.fingerprint import weights
from kernels.fixed_point import LIMBS

SMALLEST_VALUE, SMALLEST_DISPLACEMENT = 2.0**-119, np.float32(2.0**-103)


def safe_codes():
    """All codes a drift can hold: finite, and 0 or at least 2**-119."""
    codes = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):
        values = np.abs(codes.view(ml_dtypes.bfloat16).astype(np.float64))
    return codes[np.isfinite(values) & ((values == 0) | (values >= SMALLEST_VALUE))]


def move(codes, *displacements):
    """Advance one row of codes, each with its own displacement in each step."""
    dims = len(codes)
    block = np.zeros((BLOCK, dims), np.float32)
    block[: len(displacements)] = displacements
    done = advance(
        codes.reshape(1, 1, dims),
        np.ones((1, 1), bool),
        block,
        np.int32(len(displacements)),
        weights(dims),
        np.float32(1.0),
    )
    return np.asarray(done.codes).ravel(), int(done.stalled[0, 0])


def oracle(codes, *displacements):
    x = codes.view(ml_dtypes.bfloat16)
    for c in displacements:
        with np.errstate(over="ignore"):
            before, x = x, (x.astype(np.float32) + c).astype(ml_dtypes.bfloat16)
    same = (before.astype(np.float64) == x.astype(np.float64)) & (c != 0)
    return x.view(np.uint16), int(np.count_nonzero(same))


CODES = safe_codes()
VALUES = CODES.view(ml_dtypes.bfloat16).astype(np.float32)
EXPONENTS = np.frexp(np.where(VALUES == 0, 1, VALUES))[1]
HALF_ULP = np.maximum(np.ldexp(np.float32(1), EXPONENTS - 9), SMALLEST_DISPLACEMENT)

DISPLACEMENTS = {
    "zero": np.float32(0),
    "tiny": SMALLEST_DISPLACEMENT,
    "negative tiny": -SMALLEST_DISPLACEMENT,
    "half an ulp": HALF_ULP,
    "just below half an ulp": np.maximum(np.nextafter(HALF_ULP, 0), SMALLEST_DISPLACEMENT),
    "just above half an ulp": np.nextafter(HALF_ULP, np.inf),
    "minus half an ulp": -HALF_ULP,
    "an ulp and a half": 3 * HALF_ULP,
    "itself negated": np.where(np.abs(VALUES) >= SMALLEST_DISPLACEMENT, -VALUES, np.float32(0)),
    "a third of it": np.where(
        np.abs(VALUES) >= 4 * SMALLEST_DISPLACEMENT, VALUES / np.float32(3), np.float32(0)
    ),
    "ordinary": np.float32(3.71e-3),
    "negative": np.float32(-0.37),
    "huge": np.float32(1e38),
}


@pytest.mark.parametrize("name", DISPLACEMENTS)
def test_one_step_over_every_code_agrees_with_ml_dtypes(name):
    c = np.broadcast_to(DISPLACEMENTS[name], CODES.shape).astype(np.float32)
    moved, stalled = move(CODES, c)
    expected, expected_stalled = oracle(CODES, c)
    np.testing.assert_array_equal(moved, expected)
    assert stalled == expected_stalled


def test_a_block_of_steps_is_its_steps_one_by_one():
    rng = np.random.default_rng(1)
    displacements = (rng.standard_normal((BLOCK, len(CODES))) * 1e-2).astype(np.float32)
    moved, stalled = move(CODES, *displacements)
    expected, expected_stalled = oracle(CODES, *displacements)
    np.testing.assert_array_equal(moved, expected)
    assert stalled == expected_stalled


def test_staying_changes_no_bit_and_stalls_nothing():
    moved, stalled = move(CODES, np.full(len(CODES), STAY, np.float32))
    np.testing.assert_array_equal(moved, CODES)
    assert stalled == 0


def test_absent_rows_are_not_observed():
    codes = np.zeros((1, 2, 3), np.uint16)
    block = np.full((BLOCK, 3), 1.0, np.float32)
    present = np.array([[True, False]])
    done = advance(codes, present, block, np.int32(2), weights(3), np.float32(16))
    assert np.asarray(done.limbs).sum() == 3 * 2 * 16
    assert done.limbs.shape == (LIMBS, 3)


def test_steps_displacements_and_scale_compile_nothing_anew():
    advance.clear_cache()
    rng = np.random.default_rng(0)
    for steps in (1, 2, BLOCK):
        block = rng.standard_normal((BLOCK, 5)).astype(np.float32)
        codes = rng.integers(0, 0x4000, (2, 4, 5), dtype=np.uint16)
        scale = np.float32(2.0**steps)
        jax.block_until_ready(
            advance(codes, np.ones((2, 4), bool), block, np.int32(steps), weights(5), scale)
        )
    assert advance._cache_size() == 1
