"""Steps on the host against the definition of right, and their sums against one by one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.exact_sum import LIMBS, limb_sums_of, limbs_of, scale_exponent
from drift.kernels.formats import FORMATS, Arithmetic
from drift.kernels.stepping.host import step_rows, supports
from drift.sim.engines import reference
from drift.sim.engines.fused_trial import codes_of, displacements_of, fitting

SUPPORTED = [
    each
    for target in FORMATS.values()
    for rounding in ("nearest", "toward-zero", "stochastic")
    if supports(each := Arithmetic(target, target, rounding))
]


def test_what_depends_on_tokens_is_for_the_kernels_of_jax():
    assert {(each.state.name, each.rounding) for each in SUPPORTED} == {
        *((name, "nearest") for name in FORMATS),
        *((name, "toward-zero") for name in ("bfloat16", "float32")),
    }
    assert not supports(Arithmetic(jitter=True))


@pytest.mark.parametrize("arithmetic", SUPPORTED, ids=lambda each: f"{each[0].name} {each[2]}")
def test_a_step_is_that_of_numpy_and_ml_dtypes(arithmetic):
    state = arithmetic.state
    codes = codes_of(state)
    for wanted in displacements_of(state, codes, quick=True):
        c = fitting(state, codes, wanted)
        expected = reference.step(codes, c, state, arithmetic.rounding)
        found = step_rows(codes[None], c[None], None, None, arithmetic)
        np.testing.assert_array_equal(found.codes[0], expected)
        zeros = (codes & (state.sign - 1) == 0) & (expected & (state.sign - 1) == 0)
        stays = ((codes == expected) | zeros) & (c != 0)
        assert found.stalled == np.count_nonzero(stays)
        assert found.still == np.array_equal(stays, c != 0)


def test_several_steps_are_steps_one_after_another_and_only_the_last_one_stalls():
    rng = np.random.default_rng(0)
    codes = rng.integers(0x3000, 0x4000, (7, 5)).astype(np.uint16)
    block = rng.standard_normal((4, 5)).astype(np.float32)
    block[-1, 2] = 0
    found = step_rows(codes, block, None, None, Arithmetic())
    for displacement in block:
        before, codes = codes, reference.step(codes, displacement, Arithmetic().state, "nearest")
    np.testing.assert_array_equal(found.codes, codes)
    assert found.stalled == np.count_nonzero((before == codes)[:, block[-1] != 0])


def test_the_view_of_master_weights_is_rounded_once_and_summed():
    master = Arithmetic(FORMATS["float32"], FORMATS["bfloat16"])
    codes = np.array([[0x3F808001, 0x3F808000]], np.uint32)  # past a tie, and on it
    found = step_rows(codes, np.zeros((0, 2), np.float32), None, np.float32(1), master)
    assert found.view.tolist() == [[0x3F81, 0x3F80]]
    assert found.codes.tolist() == codes.tolist()
    assert (found.stalled, found.still) == (0, False)
    np.testing.assert_array_equal(found.limbs.sum(axis=0), [1 + (1 << 8), 1])


@given(
    st.lists(st.integers(0x0400, 0x7F7F), min_size=1, max_size=40),
    st.data(),
)
def test_sums_of_rows_that_count_several_times_are_exact(magnitudes, data):
    codes = np.array(magnitudes, np.uint16)[:, None]
    values = (codes.astype(np.uint32) << 16).view(np.float32)
    counts = data.draw(st.lists(st.integers(0, 1 << 20), min_size=len(codes), max_size=len(codes)))
    exponent = scale_exponent(float(values.max()))
    scale = np.float32(np.ldexp(1.0, exponent))
    expected = limbs_of(values[:, 0], scale) @ np.array(counts)
    found = limb_sums_of(values.copy(), np.array(counts, np.float64), scale)
    assert found.shape == (LIMBS, 1)
    np.testing.assert_array_equal(found[:, 0], expected)
    once = limb_sums_of(values.copy(), None, scale)[:, 0]
    np.testing.assert_array_equal(once, limbs_of(values[:, 0], scale).sum(axis=1))


def test_float32_sums_of_limbs_do_not_round_however_many_rows_there_are():
    values = np.full((5000, 2), np.float32(1), np.float32)
    found = limb_sums_of(values, None, np.float32(1 << 15))
    assert Fraction(int(found[0, 0])) == 5000 << 15
