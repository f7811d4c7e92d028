"""The rivals take the same steps as the reference, bit for bit, or say why they are not there."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest

from drift.experiments.bench import rivals
from drift.experiments.bench.rivals import CLoop, Missing, compiler_version
from drift.kernels.formats import BFLOAT16
from drift.sim.engines import reference

STEPS = 7


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(3) as threads:
        yield threads


def field(rows, dims):
    """Codes and displacements with ties, both zeros and many binades; what must come out."""
    random = np.random.default_rng(rows)
    values = np.ldexp(random.integers(-255, 256, (rows, dims)), random.integers(-20, 8, dims))
    codes = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    codes[0, ::2], codes[-1, ::3] = 0x8000, 0
    # Multiples of half a unit of some binade: many sums lie on the midpoint.
    c = np.ldexp(random.integers(-9, 10, (STEPS, dims)), random.integers(-22, 4, dims))
    c = c.astype(np.float32)
    expected = codes
    for displacement in c:
        expected = reference.step(expected, displacement, BFLOAT16, "nearest")
    return codes, c, expected


SHAPES = [(48, 64), (51, 67), (300, 33)]


@pytest.mark.parametrize("shape", SHAPES)
def test_numpy(pool, shape):
    codes, c, expected = field(*shape)
    np.testing.assert_array_equal(rivals.numpy_loop(codes, c, pool, 3), expected)


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    try:
        return CLoop(tmp_path_factory.mktemp("c"))
    except Missing as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_c(pool, loop, shape, workers):
    codes, c, expected = field(*shape)
    moved = np.full_like(codes, 0x7FC0)
    assert loop(codes, moved, c, pool, workers) is moved
    np.testing.assert_array_equal(moved, expected)


def test_a_compiler_that_is_not_there_or_fails_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", str(tmp_path / "nocc"))
    with pytest.raises(Missing, match=r"no C compiler: .*nocc: No such file"):
        CLoop(tmp_path)
    assert compiler_version() is None
    monkeypatch.setenv("CC", shutil.which("false"))
    with pytest.raises(Missing, match="false fails: it says nothing"):
        CLoop(tmp_path)


def test_torch_is_the_same_update_where_it_is(pool):
    pytest.importorskip("torch")
    codes, c, expected = field(48, 64)
    loop = rivals.TorchLoop("cpu", 2, codes, c)
    np.testing.assert_array_equal(loop.codes(loop()), expected)
    with pytest.raises(Missing, match="has no tpu"):
        rivals.torch("tpu", 2)


def test_no_torch_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Missing, match="torch is not installed"):
        rivals.torch("cpu", 2)
