"""Drawn clouds against the oracle, and their distribution."""

import hashlib
import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FORMATS
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.errors import BadInput
from drift.sim.sampling.normal import masses
from drift.sim.sampling.thresholds import Thresholds
from drift.sim.spec.drift import Drift
from tests.support import oracle


def drawn(sigma, seed, tokens, dims, start=0, **fields):
    drift = Drift(sigma=sigma, seed=seed, tokens=start + tokens, dims=dims, **fields)
    return draw_cloud(drift, start, start + tokens)


@settings(max_examples=150)
@given(
    st.sampled_from(list(FORMATS)),
    st.sampled_from(["none", "float32"]),
    st.floats(0, 1),
    st.integers(0, 2**64 - 1),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_it_is_the_rounded_inverse_of_the_normal_distribution(
    name, master, where, seed, tokens, dims
):
    lowest, highest = -99.9, math.log2(FORMATS[name].largest) - 4
    sigma = 2.0 ** (lowest + where * (highest - lowest))
    drift = Drift(sigma=sigma, seed=seed, tokens=tokens, dims=dims, format=name, master=master)
    np.testing.assert_array_equal(draw_cloud(drift, 0, tokens), oracle.bits(oracle.cloud(drift)))


def test_the_largest_values_of_the_smallest_format_are_drawn():
    drift = Drift(sigma=1.5, tokens=200, dims=50, format="float4_e2m1fn")
    codes = draw_cloud(drift, 0, 200)
    np.testing.assert_array_equal(codes, oracle.bits(oracle.cloud(drift)))
    assert {6.0, -6.0} < set(drift.target.value(codes).ravel().tolist())


def test_a_draw_beyond_the_largest_value_is_refused():
    for name, sigma in [
        ("bfloat16", 2e38),
        ("float4_e2m1fn", 4.0),
        ("float32", 2e38),
        ("bfloat16", 1e308),
    ]:
        with pytest.raises(BadInput, match=f"a drawn value exceeds {name}'s largest"):
            drawn(sigma, 0, 10, 10, format=name)


@given(st.integers(0, 99), st.integers(1, 50), st.integers(1, 50))
def test_rows_do_not_depend_on_where_drawing_begins(seed, start, tokens):
    whole = drawn(0.02, seed, start + tokens, 17)
    np.testing.assert_array_equal(drawn(0.02, seed, tokens, 17, start), whole[start:])


def test_pieces_larger_than_a_block_join_without_a_seam():
    whole = drawn(1e-9, 3, 300, 1001)
    np.testing.assert_array_equal(drawn(1e-9, 3, 7, 1001, 130), whole[130:137])


def test_the_bits_are_those_of_every_other_machine():
    digest = hashlib.sha256(drawn(1e-9, 1, 64, 2560).astype("<u2").tobytes()).hexdigest()
    assert digest[:16] == "30db76a7bc72acc1"


@pytest.mark.parametrize("sigma", [1e-9, 1.0, 2.0**-100, 3e37])
def test_lower_halves_are_asked_for_only_where_they_decide(sigma):
    table = Thresholds(sigma, BFLOAT16, 2.0**-119)
    # Upper halves at every threshold, where a lower half is needed, and beside it.
    edges = np.unique(table._ascending >> np.uint64(32)).astype(np.int64)
    highs = np.unique(np.clip([edges - 1, edges, edges + 1], 0, 2**31 - 1)).astype(np.uint32)
    lows = (np.arange(len(highs), dtype=np.uint32) * np.uint32(2654435761)).astype(np.uint32)
    whole = (highs.astype(np.uint64) << np.uint64(32)) | lows
    lazily = table.codes_lazily(highs, lambda positions: lows[positions])
    np.testing.assert_array_equal(lazily, table.codes(whole))


def test_every_code_is_drawn_as_often_as_its_mass_says():
    sigma, count = 0.02, 1 << 21
    codes = drawn(sigma, 5, count // 1024, 1024).ravel() & 0x7FFF
    found = np.bincount(codes, minlength=0x8000)
    likely = np.flatnonzero(found > 200)
    middle = (BFLOAT16.value(likely) + BFLOAT16.value(likely + 1)) / 2
    below = (BFLOAT16.value(likely) + BFLOAT16.value(likely - 1)) / 2
    mass = masses(middle / sigma)[0] - masses(below / sigma)[0]
    deviations = (found[likely] - count * mass) / np.sqrt(count * mass * (1 - mass))
    # The largest of n standard normal deviations exceeds 5.5 once in 40,000 for n = 700.
    assert len(likely) > 500
    assert np.max(np.abs(deviations)) < 5.5


def test_moments_are_those_of_the_normal_distribution():
    n = 1 << 20
    z = drawn(1.0, 11, n // 1024, 1024).view(ml_dtypes.bfloat16).astype(np.float64)
    # Rounding to 8 bits adds a relative variance below 2**-16 / 3, negligible here.
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / n) + 2**-16
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n) + 2**-13


def test_magnitudes_too_small_to_add_safely_become_zero():
    codes = drawn(2.0**-100, 2, 4096, 1024)
    magnitudes = codes & 0x7FFF
    assert np.all((codes == 0) | (BFLOAT16.value(magnitudes) >= 2.0**-119))
    # P(|Z| < 2**-19) is 1.5e-6: among four million some became zero, none of them -0.
    assert np.count_nonzero(codes == 0) > 0
    assert np.count_nonzero(codes == 0x8000) == 0


def test_a_word_at_a_threshold_belongs_to_the_smaller_magnitude():
    table = Thresholds(1.0, BFLOAT16, 2.0**-119)
    at = np.unique(table._ascending[table._ascending < 2**63])[1:-1]
    codes, beyond = table.codes(at), table.codes(at - np.uint64(1))
    assert np.all(beyond > codes)
