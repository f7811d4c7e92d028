"""The programs of what is carried: they lower for CUDA and TPU, and sum and group exactly."""

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jax import export

from drift.kernels.exact_sum import limb_sums_of
from drift.kernels.exact_sum_jax import (
    MOST_TOKENS,
    limbs_of_parts,
    most_counted,
    part_bits,
    part_sums,
    parts_of,
)
from drift.kernels.formats import BFLOAT16, FLOAT32, Arithmetic
from drift.kernels.row_groups_jax import labels, leaders, read_labels
from drift.kernels.stepping.block import BLOCK, plain
from drift.kernels.stepping.carried import CarriedCodes, Carriers, move, observe, tiles_of
from drift.kernels.stepping.step import Held, Noise, Steps, Tokens

ROWS, DIMS, OPEN = 32, 256, 128
LOWERED = [
    Arithmetic(),
    Arithmetic(FLOAT32, BFLOAT16),
    Arithmetic(jitter=True, rounding="stochastic"),
    Arithmetic(kahan=True),
    Arithmetic(noise=True, kahan=True),
]


def arguments(arithmetic):
    shape = jax.ShapeDtypeStruct
    storage, columns = arithmetic.state.storage, DIMS if not arithmetic.shared else OPEN
    tokens = Tokens(*(shape((ROWS,), kind) for kind in (np.uint32, np.float32, np.int32)))
    held = [shape((ROWS, columns), storage), shape((1, DIMS), storage)]
    if arithmetic.kahan:
        held = [Held(each, each) for each in held]
    block = shape((BLOCK, DIMS), np.float32), shape((BLOCK, 2), np.uint32)
    numbers = shape((), np.int32), shape((), np.uint32), shape((), np.bool_)
    steps = Steps(*block, *numbers)
    if arithmetic.noise:
        table = shape((1 << 16,), np.float32)
        steps = steps._replace(noise=Noise(shape((BLOCK,), np.float32), block[1], table))
    return CarriedCodes(*held), Carriers(tokens, shape((columns,), np.int32)), steps


@pytest.mark.slow
@pytest.mark.parametrize("arithmetic", LOWERED, ids=str)
@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_it_lowers_for_cuda_and_tpu(arithmetic, platform):
    path = plain("gpu")
    shape, given_ = jax.ShapeDtypeStruct, arguments(arithmetic)
    more = shape((2, DIMS), np.uint32), shape((), np.float32)
    for program, each in ((move, given_), (observe, (*given_, *more))):
        kernel = jax.jit(partial(program, arithmetic=arithmetic, path=path), donate_argnums=0)
        text = export.export(kernel, platforms=[platform])(*each).mlir_module()
        assert "stablehlo.add" in text
        # Nothing that a compiler may take for excess precision and drop; codes are written over.
        assert "xbf16>" not in text
        assert "tf.aliasing_output" in text or "jax.buffer_donor" in text
        # Where kernels are fused the device decides nothing that the host would have to wait for.
        assert "stablehlo.case" not in text
        assert "stablehlo.if" not in text


def some_prints(count):
    return st.lists(st.tuples(*[st.integers(0, 2)] * 2), min_size=count, max_size=count)


@given(st.sampled_from([1, 2, 5, 12]).flatmap(some_prints))  # each number is compiled
@settings(max_examples=20)
@example([(2**32 - 1, 0), (0, 2**32 - 1), (2**32 - 1, 0)])
def test_a_leader_is_the_first_row_of_its_fingerprint(prints):
    found = np.asarray(leaders(np.array(prints, np.uint32))).tolist()
    assert found == [prints.index(each) for each in prints]


def test_labels_tell_what_was_put_into_them():
    leader, cell = np.array([0, 0, 2, 1 << 28], np.int32), np.array([True, True, False, True])
    state = np.array([True, False, False, True])
    found = read_labels(np.asarray(labels(leader, cell, state)))
    for each, expected in zip(found, (leader, cell, state), strict=True):
        np.testing.assert_array_equal(each, expected)


@pytest.mark.parametrize("most", [1, 1000, *(most_counted(bits) // 2 - 1 for bits in (8, 4, 2))])
def test_sums_of_parts_are_those_of_limbs_however_many_tokens_a_row_is(most):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=(2, 7)), np.full((1, 7), -1.0), np.ones((1, 7))])
    values = values.astype(np.float32).clip(-1, 1)
    counts = np.array([0, 1, most, most], np.int32)
    scale = np.float32(2.0**15)  # the largest limb that there is
    bits = part_bits(int(counts.sum()))
    sums = np.stack(part_sums(values, counts, scale, bits))
    assert len(sums) == parts_of(bits)
    found = limbs_of_parts(sums)
    expected = limb_sums_of(values.copy(), counts.astype(np.float64), scale)
    np.testing.assert_array_equal(found, expected)


def test_parts_are_as_wide_as_their_tokens_allow():
    tokens = (1, 1 << 23, (1 << 23) + 1, 1 << 27, 1 << 29)
    assert [part_bits(each) for each in tokens] == [8, 8, 4, 4, 2]
    with pytest.raises(ValueError, match="are too many to be summed"):
        part_bits(MOST_TOKENS + 1)


@pytest.mark.parametrize("rows", [8, 152_096, 151_984, 1 << 18])
def test_tiles_are_equal_and_not_too_large(rows):
    assert tiles_of(rows, 2560, "cache") * 8 == rows
    tiles = tiles_of(rows, 2560, "memory")
    assert rows % tiles == 0
    assert rows // tiles * 2560 <= 1 << 26
