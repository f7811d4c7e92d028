"""Selections against a brute force over Python integers."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FORMATS
from drift.sim.checkpoints import selection
from drift.sim.checkpoints.selection import select
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from tests.support.brute_force import selected_ids, value_type


@st.composite
def matrices(draw):
    """Rows near to one another, now and then equal, some with any code at all."""
    target = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    rows, dims = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 5, 40, 300]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cells = rng.normal(0, 10.0 ** draw(st.sampled_from([-40, -2, 0])), (max(1, rows // 2), dims))
    if draw(st.booleans()):
        cells[:, 1:] = cells[:1, 1:]
    values = cells[rng.integers(0, len(cells), rows)]
    codes = values.astype(value_type(target)).view(target.storage)
    wild = rng.random(codes.shape) < draw(st.sampled_from([0, 0.5 / dims]))
    edge = target.largest_magnitude + rng.integers(0, 2, len(codes)) & (target.sign - 1)
    anything = rng.integers(0, 1 << target.width, codes.shape)
    codes[wild] = np.where(rng.random(codes.shape) < 0.5, anything, edge[:, None])[wild]
    codes[(codes == 0) & (rng.random(codes.shape) < 0.2)] = target.sign
    ids = np.cumsum(rng.integers(1, 3, rows)) - 1
    return Matrix(codes, target, "m.safetensors, w", ids.astype(np.int64))


@given(matrices(), st.sampled_from(["largest", "first"]), st.integers(0, 12) | st.just(300))
def test_the_selected_are_those_of_a_brute_force(matrix, near, exponents):
    if near != "largest":
        near = str(matrix.token_ids[0])
    expected = selected_ids(matrix, near, exponents)
    if expected is None:
        with pytest.raises(BadInput, match=r"share a cell; name a token id|is not finite"):
            select(matrix, near, exponents)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_BLOCK_BYTES", 100)
        found = select(matrix, near, exponents)
    assert found.token_ids.tolist() == expected
    where = np.isin(matrix.token_ids, expected)
    np.testing.assert_array_equal(found.codes, matrix.codes[where])
    assert (found.format, found.label) == (matrix.format, matrix.label)


def test_a_group_far_from_the_rest_is_found_in_a_file(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1e-2, (5000, 600)).astype(ml_dtypes.bfloat16)
    centre = rng.normal(0, 1e-2, 600).astype(ml_dtypes.bfloat16)
    values[700:760] = centre
    values[900:930] = centre * ml_dtypes.bfloat16(3.0)
    np.save(tmp_path / "codes.npy", values.view(np.uint16))
    codes = np.load(tmp_path / "codes.npy", mmap_mode="r")
    matrix = Matrix.whole(codes, BFLOAT16, "m")
    found = select(matrix, "largest", 5)
    assert found.token_ids.tolist() == [*range(700, 760), *range(900, 930)]
    assert select(matrix, 910, 0).token_ids.tolist() == list(range(900, 930))
    assert select(matrix, "700", 10**30) is matrix


SMALL = Matrix(
    np.array([[1, 0x7F80], [1, 2], [1, 0xFFC0], [1, 0xFFC0], [3, 4]], np.uint16),
    BFLOAT16,
    "m.safetensors, w",
    np.array([2, 3, 5, 7, 8]),
)


@pytest.mark.parametrize(
    ("near", "exponents", "message"),
    [
        ("3", -1, "exponents is -1; it must be 0 or more"),
        ("largest", 5, "near is largest, but no two tokens of m.safetensors, w share a cell; name"),
        ("widest", 5, "near is 'widest'; it must be largest or a token id"),
        ("-3", 5, "near is '-3'; it must be largest or a token id"),
        ("²", 5, "near is '²'; it must be largest or a token id"),
        ("", 5, "near is ''; it must be largest or a token id"),
        ("4", 5, r"near is 4; m.safetensors, w has no such token; its ids are 2 \.\.\. 8"),
        ("9", 5, "near is 9; m.safetensors, w has no such token"),
        ("9" * 5000, 5, "has no such token"),
        ("2", 5, "near is 2; that row of m.safetensors, w is not finite"),
        (5, 5, "near is 5; that row of m.safetensors, w is not finite"),
    ],
)
def test_what_selects_nothing_is_named(near, exponents, message):
    with pytest.raises(BadInput, match=message):
        select(SMALL, near, exponents)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_matrix_is_refused(shape):
    matrix = Matrix.whole(np.zeros(shape, np.uint16), BFLOAT16, "m")
    with pytest.raises(BadInput, match="m is empty; nothing can be selected"):
        select(matrix, "largest", 5)
