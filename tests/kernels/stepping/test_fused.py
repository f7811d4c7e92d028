"""The fused kernel, interpreted: the same bits as the oracle and as the plain paths."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import (
    BFLOAT16,
    FLOAT8_E4M3FN,
    FLOAT32,
    Arithmetic,
)
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping import fused as module
from drift.kernels.stepping import fused_gpu, fused_tpu
from drift.kernels.stepping.block import NO_MOVE, step_block
from drift.kernels.stepping.fused import Fused, fused
from drift.kernels.stepping.step import Steps, Tokens
from tests.support import oracle
from tests.support.kernel_cases import ARITHMETICS, FEWER, name, safe_codes

ROWS, DIMS, BLOCK = 33, 520, 6
"""No tile of either form divides them."""

EACH_FORM = pytest.mark.parametrize("form", ["gpu", "tpu"])
STOCHASTIC = Arithmetic(BFLOAT16, BFLOAT16, "stochastic")
move = jax.jit(fused, static_argnames=("arithmetic", "path"))


def cloud(arithmetic, rows, dims, rng):
    """Codes of values of every binade that a drift can hold and that stay in range."""
    seen = arithmetic.view
    magnitudes = rng.integers(0, seen.largest_magnitude, (rows, dims))
    values = seen.value(magnitudes)
    small = max(seen.smallest_drawn, arithmetic.state.smallest_drawn)
    values[(values < small) | (values > seen.largest / 4)] = 0
    return arithmetic.state.code(np.where(rng.random((rows, dims)) < 0.5, -values, values))


def block(arithmetic, codes, rng):
    """Displacements of a few parts of a cell of some row, often exactly on a tie."""
    steps = rng.integers(len(codes), size=(BLOCK, codes.shape[1]))
    some = arithmetic.state.value(np.take_along_axis(codes, steps, 0))
    part = rng.choice([0.5, -0.5, 1.5, -1.5, 0.125, -0.375, 1.0, 0.3], some.shape)
    c = (part * arithmetic.view.ulp(some)).astype(np.float32)
    c[(np.abs(c) < 2.0**-103) | (np.abs(c) > arithmetic.view.largest / 16)] = 0
    return c


def surroundings(arithmetic, codes, seed=0, first_dim=None):
    """Tokens and steps for the codes."""
    rng = np.random.default_rng(seed)
    rows = len(codes)
    strength = np.ones(rows, np.float32)
    if arithmetic.jitter:
        strength += (rng.standard_normal(rows) * 0.3).astype(np.float32)
    numbers = rng.integers(0, 2**32, rows, dtype=np.uint32)
    keys = rng.integers(0, 2**32, (BLOCK, 2), dtype=np.uint32)
    steps = Steps(block(arithmetic, codes, rng), keys, np.int32(BLOCK), np.uint32(0))
    if first_dim is not None:
        steps = steps._replace(first_dim=np.uint32(first_dim))
    return Tokens(numbers, strength, np.ones(rows, bool)), steps


def walked(arithmetic, codes, tokens, steps, count):
    """What the oracle makes of the codes."""
    held = arithmetic.state.name
    x = codes.view(oracle.dtype(held))
    token, dim = np.indices(codes.shape).astype(np.uint32)
    for c, key in zip(steps.displacements[:count], steps.keys, strict=False):
        if arithmetic.jitter:
            c = oracle.small_to_zero(c * tokens.strength[:, None])
        words = None
        if arithmetic.rounding == "stochastic":
            key = int(key[0]) | int(key[1]) << 32
            words = oracle.threefry(key, tokens.number[token], dim + (steps.first_dim or 0))
        x = oracle.quantise(x.astype(np.float32) + c, held, arithmetic.rounding, words)
    return oracle.bits(x)


def check(arithmetic, form, rows, dims, counts, seed=0, first_dim=None):
    codes = cloud(arithmetic, rows, dims, np.random.default_rng(seed))
    tokens, steps = surroundings(arithmetic, codes, seed, first_dim)
    for count in counts:
        expected = walked(arithmetic, codes, tokens, steps, count)
        found = move(codes, tokens, steps, np.int32(count), arithmetic, Fused(form, interpret=True))
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == arithmetic.state.storage
    return codes, expected


@pytest.mark.slow
@pytest.mark.parametrize("arithmetic", sorted({*ARITHMETICS}, key=name), ids=name)
def test_a_gpus_takes_the_steps_of_the_oracle(arithmetic, monkeypatch):
    if arithmetic not in FEWER:  # rows of a tile only repeat each other, and take long to compile
        monkeypatch.setattr(fused_gpu, "height", lambda arithmetic: 1)
    codes, last = check(arithmetic, "gpu", ROWS, DIMS, [0, 1, BLOCK])
    assert np.mean(codes != last) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("arithmetic", FEWER, ids=name)
def test_a_tpus_takes_the_steps_of_the_oracle(arithmetic):
    codes, last = check(arithmetic, "tpu", ROWS, DIMS, [0, 1, BLOCK])
    assert np.mean(codes != last) > 0.3


@pytest.mark.slow
@EACH_FORM
@pytest.mark.parametrize(("shape", "first_dim"), [((1, 1), None), ((2, 513), 1280)])
def test_it_fits_any_shape_wherever_its_dims_begin(form, shape, first_dim):
    check(STOCHASTIC, form, *shape, [BLOCK], first_dim=first_dim)


@pytest.mark.slow
@EACH_FORM
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, BLOCK))
def test_it_takes_any_codes_and_any_number_of_steps(form, seed, count):
    check(Arithmetic(), form, ROWS, DIMS, [count], seed)


@pytest.mark.slow
@EACH_FORM
def test_staying_changes_no_bit(form):
    codes = np.resize(safe_codes(), (4, ROWS, DIMS))
    tokens, steps = surroundings(Arithmetic(), codes[0])
    steps = steps._replace(displacements=np.full_like(steps.displacements, NO_MOVE))
    for some in codes:
        path = Fused(form, interpret=True)
        found = move(some, tokens, steps, np.int32(BLOCK), Arithmetic(), path)
        np.testing.assert_array_equal(found, some)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["memory", Fused("gpu", True)])
def test_every_path_of_advance_gives_and_sees_the_same(path):
    arithmetic = Arithmetic(FLOAT32, BFLOAT16, jitter=True)
    codes = cloud(arithmetic, 12, 40, np.random.default_rng(3))
    tokens, steps = surroundings(arithmetic, codes)
    tiled = Tokens(*(column.reshape(3, 4) for column in tokens))
    for taken in (1, 2, BLOCK):
        steps = steps._replace(taken=np.int32(taken))
        arguments = (codes.reshape(3, 4, 40), tiled, steps, weights(40), np.float32(2.0**-110))
        plain = step_block(*arguments, arithmetic=arithmetic)
        other = step_block(*arguments, arithmetic=arithmetic, path=path)
        jax.tree.map(np.testing.assert_array_equal, other, plain)
        expected = walked(arithmetic, codes, tokens, steps, taken)
        np.testing.assert_array_equal(np.asarray(other.codes).reshape(12, 40), expected)


@pytest.mark.slow
def test_what_is_too_large_for_one_call_is_halved(monkeypatch):
    arithmetic = Arithmetic(FLOAT8_E4M3FN, FLOAT8_E4M3FN, "stochastic")
    codes = cloud(arithmetic, 5, 7, np.random.default_rng(0))
    tokens, steps = surroundings(arithmetic, codes)
    calls = []

    def call(rows, dims, *rest):
        calls.append(rows)
        return original(rows, dims, *rest)

    original = fused_tpu.call
    monkeypatch.setattr(fused_tpu, "call", call)
    monkeypatch.setattr(module, "MOST_CODES", 20)
    path = Fused("tpu", interpret=True)
    found = fused(codes, tokens, steps, np.int32(BLOCK), arithmetic, path)
    np.testing.assert_array_equal(found, walked(arithmetic, codes, tokens, steps, BLOCK))
    assert calls == [2, 1, 2]


def test_only_accelerators_have_a_fused_path():
    assert [module.fused_path(each) for each in ("cpu", "gpu", "tpu")] == [
        None,
        Fused("gpu"),
        Fused("tpu"),
    ]
