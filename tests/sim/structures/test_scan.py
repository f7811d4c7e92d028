"""Scans beside slow, independent counting: sets of rows, exact fractions, sorted lattices."""

import math
from collections import Counter
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT32
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE
from drift.sim.structures.scan import scan
from tests.support.builders import matrix, write

NAME = "lm_head.weight"
DTYPES = {
    "BF16": ml_dtypes.bfloat16,
    "F16": np.float16,
    "F32": np.float32,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("scans") / "model.safetensors"


def scanned(path, codes, target, padding=0):
    write(path, {NAME: matrix(codes, target)}, padding=padding)
    (found,) = scan(Checkpoint(path))
    return found


def values_of(codes, dtype):
    with np.errstate(invalid="ignore"):  # of a NaN
        return codes.view(DTYPES[dtype]).astype(np.float64)


def lattice(codes, dtype):
    """All finite values, rising, or for float32 those next to the values of `codes`."""
    every = np.arange(2 ** (8 * codes.itemsize) if dtype != "F32" else 0).astype(codes.dtype)
    if dtype == "F32":
        here = codes.view(np.float32)
        with np.errstate(over="ignore"):
            above, below = (np.nextafter(here, np.float32(end)) for end in (np.inf, -np.inf))
        every = np.concatenate([here, above, below], axis=None).view(np.uint32)
    values = values_of(every, dtype)
    return np.unique(values[np.isfinite(values)])  # which has one zero


def is_mean(row, others, points):
    """Whether `row` is within one cell and some slack of the mean of `others`, exactly."""
    n = len(others) + 1
    for x, column in zip(row, np.transpose(others), strict=True):
        mean = sum(map(Fraction, column.tolist())) / len(column)
        all_ = np.append(column, x)
        spread = all_.std()
        slack = 2.0**-24 * (4 * abs(math.fsum(all_)) / math.sqrt(n) + 16 * spread)
        slack = Fraction(slack + (6 * math.sqrt(1e-9) * spread if len(row) >= 8 else 0))
        at = int(np.searchsorted(points, x))
        if at > 0 and mean < Fraction(points[at - 1]) - slack:
            return False
        if at + 1 < len(points) and mean > Fraction(points[at + 1]) + slack:
            return False
    return True


@st.composite
def matrices(draw):
    """Rows that crowd around one point, some of them alike, all zero, or not finite."""
    dtype = draw(st.sampled_from(list(DTYPES)))
    target = FORMATS_BY_DTYPE[dtype]
    rows, dims = draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 3, 9, 65, 70]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    one = int(target.code(np.float64(1)))
    # In a column all values are of one size, so that float64 sums of them are exact.
    spread = draw(st.sampled_from([0, 1, 2]))
    last = target.largest_magnitude - spread
    centre = rng.choice([0, one, -one, last, -last], dims, p=[0.3, 0.2, 0.2, 0.2, 0.1])
    codes = target.code_at(centre + rng.integers(-spread, spread + 1, (rows, dims)))
    codes[(codes == 0) & (rng.random(codes.shape) < 0.2)] = target.sign
    for row in range(rows):
        kind = rng.choice(
            ["as it is", "like another", "zero", "not finite"], p=[0.5, 0.3, 0.1, 0.1]
        )
        if kind == "like another":
            codes[row] = codes[rng.integers(rows)]
        elif kind == "zero":
            codes[row] = rng.choice([0, target.sign], dims)
        elif kind == "not finite":
            top = 2 * target.sign - 1 if dtype == "F8_E4M3" else target.largest_magnitude + 1
            codes[row, rng.integers(dims)] = top
    return dtype, codes


@pytest.mark.slow
@settings(max_examples=200)
@given(matrices())
def test_a_scan_agrees_with_slow_counting(path, drawn):
    dtype, codes = drawn
    values = values_of(codes, dtype)
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    cells = {}
    for row in finite.tolist():
        cells.setdefault((values[row] + 0.0).tobytes(), []).append(row)
    holes = sorted((c for c in cells.values() if len(c) > 1), key=lambda c: (-len(c), c[0]))
    points = lattice(codes, dtype)
    told = finite[(values[finite] != 0).any(axis=1)]  # zero rows are padding
    mean = [
        row
        for row in told.tolist()
        if len(told) > 1 and is_mean(values[row], values[told[told != row]], points)
    ]

    found = scanned(path, codes, FORMATS_BY_DTYPE[dtype])
    assert [hole.tolist() for hole in found.black_holes] == holes
    assert found.zero.tolist() == np.flatnonzero((values == 0).all(axis=1)).tolist()
    assert found.mean.tolist() == mean
    assert found.nonfinite.tolist() == [r for r in range(len(codes)) if r not in finite]
    assert found.as_json() == {
        "name": NAME,
        "shape": list(codes.shape),
        "dtype": dtype,
        "distinct": len(cells),
        "black_holes": len(holes),
        "black_hole_tokens": sum(map(len, holes)),
        "populations": sorted(map(len, holes), reverse=True),
        "zero_rows": len(found.zero),
        "mean_rows": len(mean),
        "nonfinite_rows": len(codes) - len(finite),
    }


def counts(found):
    kinds = (found.zero, found.mean, found.nonfinite)
    return found.distinct, found.populations, *map(len, kinds)


def test_one_row_all_rows_equal_and_rows_of_nan(path):
    rng = np.random.default_rng(1)
    row = rng.integers(0x3F00, 0x4000, (1, 300)).astype(np.uint16)
    assert counts(scanned(path, row, BFLOAT16)) == (1, [], 0, 0, 0)
    assert counts(scanned(path, row.repeat(50, axis=0), BFLOAT16)) == (1, [50], 0, 50, 0)
    assert counts(scanned(path, row * 0, BFLOAT16)) == (1, [], 1, 0, 0)
    zeros = np.where(rng.random((40, 300)) < 0.5, 0, 0x8000).astype(np.uint16)
    assert counts(scanned(path, zeros, BFLOAT16)) == (1, [40], 40, 0, 0)
    assert counts(scanned(path, np.full((9, 3), 0x7FC0, np.uint16), BFLOAT16)) == (0, [], 0, 0, 9)
    mixed = row.repeat(4, axis=0)
    mixed[1, 299], mixed[2, 0] = 0x7F80, 0xFFFF
    assert counts(scanned(path, mixed, BFLOAT16)) == (1, [2], 0, 2, 2)


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_rows_are_found_wherever_the_file_puts_them(path, padding):
    """In several blocks, from bytes that are not aligned, beside a NaN or two."""
    rng = np.random.default_rng(padding)
    values = rng.standard_normal((3000, 900)).astype(np.float32)
    values[700] = values[2900] = np.float32(0.25)
    values[11, 899] = values[2999, 0] = np.nan
    values[1500] = -0.0
    made = np.array([30, 2000, 2998])
    others = [r for r in range(3000) if r not in {30, 2000, 2998, 11, 2999}]
    values[made] = values[others].mean(axis=0, dtype=np.float64)
    found = scanned(path, values.view(np.uint32), FLOAT32, padding)
    assert [hole.tolist() for hole in found.black_holes] == [made.tolist(), [700, 2900]]
    assert found.mean.tolist() == made.tolist()
    assert found.zero.tolist() == [1500]
    assert found.nonfinite.tolist() == [11, 2999]


def test_a_row_two_cells_from_the_mean_in_one_dimension_is_not_the_mean(path):
    codes = np.full((5, 100), 0x3F80, np.uint16)
    for dim in (0, 7, 8, 63, 64, 99):
        for apart, mean in ((1, 5), (2, 4)):
            moved = codes.copy()
            moved[3, dim] += apart
            assert len(scanned(path, moved, BFLOAT16).mean) == mean


def test_embedding_and_unembedding_are_both_listed_and_read_once_if_alike(path):
    codes = np.arange(12, dtype=np.uint16).reshape(4, 3)
    codes[2] = codes[0]
    one, other = matrix(codes, BFLOAT16), matrix(np.repeat(codes[:2], 3, axis=0), BFLOAT16)
    names = ["model.embed_tokens.weight", NAME]
    alike = scan(Checkpoint(write(path, dict.fromkeys(names, one))))
    assert [each.name for each in alike] == names
    assert alike[1].black_holes is alike[0].black_holes
    apart = scan(Checkpoint(write(path, {names[0]: one, NAME: other, "x": other})))
    assert [(each.name, each.populations) for each in apart] == [(names[0], [2]), (NAME, [3, 3])]
    (named,) = scan(Checkpoint(path), "x")
    assert Counter(named.as_json()) == Counter(apart[1].as_json() | {"name": "x"})


MADE = {
    "summed in float64": lambda old, rng: old.astype(np.float64).mean(0)[None].repeat(8, 0),
    "summed pairwise in float32": lambda old, rng: old.mean(0, dtype=np.float32)[None].repeat(8, 0),
    "summed one by one in float32": lambda old, rng: (
        np.add.accumulate(old, dtype=np.float32)[-1:].repeat(8, 0) / np.float32(len(old))
    ),
    "drawn around the mean": lambda old, rng: rng.multivariate_normal(
        old.astype(np.float64).mean(0), 1e-9 * np.cov(old.T.astype(np.float64)), 8
    ),
}


@pytest.mark.parametrize("padding", [0, 100])
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("how", MADE)
def test_rows_that_tools_make_of_the_mean_are_found(path, how, dtype, padding):
    rng = np.random.default_rng(7)
    old = rng.normal(1e-3, 0.02, (20_000, 64)).astype(DTYPES[dtype]).astype(np.float32)
    made = MADE[how](old, rng)
    rows = np.vstack([old, made, np.zeros((padding, 64))]).astype(DTYPES[dtype])
    target = FORMATS_BY_DTYPE[dtype]
    found = scanned(path, rows.view(target.storage), target)
    assert found.mean.tolist() == list(range(20_000, 20_008))
    assert len(found.zero) == padding


@pytest.mark.parametrize("dims", [2, 8, 64])
def test_no_row_of_a_normal_cloud_is_taken_for_the_mean(path, dims):
    rows = np.random.default_rng(dims).normal(0, 0.02, (150_000, dims)).astype(np.float32)
    assert len(scanned(path, rows.view(np.uint32), FLOAT32).mean) == 0
