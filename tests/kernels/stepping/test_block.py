"""A block of steps, compiled, against NumPy and ml_dtypes step by step."""

import re

import jax
import ml_dtypes
import numpy as np
import pytest

from drift.kernels.exact_sum import LIMBS
from drift.kernels.formats import FLOAT32, Arithmetic
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import BLOCK, NO_MOVE, step_block
from drift.kernels.stepping.step import Steps, Tokens
from tests.support.kernel_cases import safe_codes

SMALLEST_DISPLACEMENT = np.float32(2.0**-103)


def tokens(tiles, rows, present=True):
    number = np.arange(tiles * rows, dtype=np.uint32).reshape(tiles, rows)
    return Tokens(
        number, np.ones((tiles, rows), np.float32), np.broadcast_to(present, (tiles, rows))
    )


def block(*displacements):
    """Steps by these displacements."""
    padded = np.zeros((BLOCK, displacements[0].shape[-1]), np.float32)
    padded[: len(displacements)] = displacements
    keys = np.arange(2 * BLOCK, dtype=np.uint32).reshape(BLOCK, 2)
    return Steps(padded, keys, np.int32(len(displacements)), np.uint32(0))


def move(codes, *displacements):
    """Advance one row of codes, each with its own displacement in each step."""
    done = step_block(
        codes.reshape(1, 1, -1),
        tokens(1, 1),
        block(*displacements),
        weights(len(codes)),
        np.float32(1.0),
        arithmetic=Arithmetic(),
    )
    return np.asarray(done.codes).ravel(), int(np.sum(done.stalled))


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


@pytest.mark.slow
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
    moved, stalled = move(CODES, np.full(len(CODES), NO_MOVE, np.float32))
    np.testing.assert_array_equal(moved, CODES)
    assert stalled == 0


def test_absent_rows_are_not_observed():
    codes = np.zeros((1, 2, 3), np.uint16)
    here = tokens(1, 2, np.array([True, False]))
    steps = block(*np.ones((2, 3), np.float32))
    done = step_block(codes, here, steps, weights(3), np.float32(16), arithmetic=Arithmetic())
    assert np.asarray(done.limbs).sum() == 3 * 2 * 16
    assert done.limbs.shape == (LIMBS, 3)


def test_without_observation_codes_and_stalls_are_the_same_and_the_rest_is_zero():
    rng = np.random.default_rng(3)
    codes = rng.integers(0x3C00, 0x3F00, (2, 4, 5), dtype=np.uint16)
    steps = block(*(rng.standard_normal((7, 5)) * 1e-4).astype(np.float32))
    given = tokens(2, 4), steps, weights(5), np.float32(2.0**10)
    seen = step_block(codes, *given, arithmetic=Arithmetic())
    unseen = step_block(
        codes, given[0], steps._replace(observed=np.False_), *given[2:], arithmetic=Arithmetic()
    )
    np.testing.assert_array_equal(unseen.codes, seen.codes)
    np.testing.assert_array_equal(unseen.stalled, seen.stalled)
    assert np.any(seen.fingerprints)
    assert np.any(seen.limbs)
    assert not np.any(unseen.fingerprints)
    assert not np.any(unseen.limbs)


@pytest.mark.slow
def test_the_naive_product_of_jitter_is_fused_and_ours_is_not():
    """On a CPU XLA contracts x + c * g; the barrier of kernels.stepping.step has to stop it."""
    rng = np.random.default_rng(2)
    dims = 4096
    codes = rng.integers(0x3C00, 0x3F00, (1, 8, dims), dtype=np.uint16)
    c = (rng.standard_normal(dims) * 1e-2).astype(np.float32)
    g = (1 + rng.standard_normal(8) * 0.3).astype(np.float32)
    x = codes[0].view(ml_dtypes.bfloat16).astype(np.float32)
    product = c[None, :] * g[:, None]
    right = x + product

    def naive(x, c, g):
        return x + c[None, :] * g[:, None]

    assert np.any(np.asarray(jax.jit(naive)(x, c, g)) != right), "the trap is gone"

    here = Tokens(np.arange(8, dtype=np.uint32)[None], g[None], np.ones((1, 8), bool))
    float32s = x.view(np.uint32)[None]
    arithmetic = Arithmetic(FLOAT32, FLOAT32, jitter=True)
    arguments = (float32s, here, block(c), weights(dims), np.float32(1))
    done = step_block(*arguments, arithmetic=arithmetic)
    np.testing.assert_array_equal(np.asarray(done.codes)[0], right.view(np.uint32))
    compiled = step_block.lower(*arguments, arithmetic=arithmetic).compile().as_text()
    assert re.search(r"f32\[[0-9,]*\]\S* multiply\(", compiled)
    assert re.search(r"u32\[[0-9,]*\]\S* xor\(", compiled)


def test_jittered_displacements_too_small_to_add_safely_are_zero():
    g = np.float32([0.5, 1.0, -0.25, 1.5])
    here = Tokens(np.arange(4, dtype=np.uint32)[None], g[None], np.ones((1, 4), bool))
    start = np.full((1, 4, 2), 2.0**-119, np.float32).view(np.uint32)
    c = np.float32([2.0**-103, -(2.0**-103)])
    arithmetic = Arithmetic(FLOAT32, FLOAT32, jitter=True)
    done = step_block(start, here, block(c), weights(2), np.float32(1), arithmetic=arithmetic)
    product = g[:, None] * c
    product[np.abs(product) < 2.0**-103] = 0
    expected = np.float32(2.0**-119) + product
    np.testing.assert_array_equal(np.asarray(done.codes)[0], expected.view(np.uint32))


@pytest.mark.slow
def test_staying_changes_no_bit_whatever_the_strength():
    codes = np.tile(safe_codes()[:: 1 << 6], (4, 1))[None]
    codes[..., :2] = 0x8000, 0
    strength = np.float32([[0.5, 1.0, -0.25, 0.0]])
    here = tokens(1, 4)._replace(strength=strength)
    stay = block(np.full(codes.shape[2], NO_MOVE, np.float32))
    given = stay, weights(codes.shape[2]), np.float32(2.0**-113)
    for arithmetic in (Arithmetic(), Arithmetic(jitter=True)):
        done = step_block(codes, here, *given, arithmetic=arithmetic)
        np.testing.assert_array_equal(done.codes, codes)
