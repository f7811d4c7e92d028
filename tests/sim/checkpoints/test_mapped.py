"""Codes in a file: what is read equals the array, and pages are given back."""

import resource

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints import mapped
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.mapped import MappedCodes
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.errors import BadInput
from drift.sim.structures.compare import compare
from drift.sim.structures.scan import scan
from drift.sim.structures.structure import structure_of
from tests.support.builders import matrix, write

CODES = np.random.default_rng(3).integers(0, 1 << 14, (300, 700)).astype(np.uint16)
KEYS = {
    "all": slice(None),
    "rows": slice(7, 250),
    "columns": (slice(None), slice(3, 7)),
    "a column": (slice(None), 5),
    "some": np.array([3, 1, 299]),
    "some columns": (np.array([3, 1]), slice(0, 9)),
    "a block": (np.array([[3], [1]]), [4, 2]),
    "a row": 7,
    "a code": (7, 3),
    "none": slice(0, 0),
    "no rows, some columns": (slice(0, 0), slice(0, 4)),
}


@pytest.mark.parametrize("most", [1, 1 << 14, 1 << 28])
@pytest.mark.parametrize("name", KEYS)
def test_what_is_taken_equals_the_array(tmp_path, monkeypatch, name, most):
    monkeypatch.setattr(mapped, "_MOST_TOUCHED", max(most, mapped._PAGE))
    file = tmp_path / "codes"
    file.write_bytes(b"head " + CODES.tobytes())
    codes = MappedCodes.of(file, np.dtype("<u2"), 5, CODES.shape)
    first = codes[10:20]
    taken = codes[KEYS[name]]
    assert np.array_equal(taken, CODES[KEYS[name]])
    assert not isinstance(taken, MappedCodes)
    for start in range(0, 300, 10):
        assert np.array_equal(codes[start : start + 10], CODES[start : start + 10])
    assert np.array_equal(first, CODES[10:20])  # a view stays right when pages are given back


@pytest.mark.slow
def test_pages_are_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "_MOST_TOUCHED", 1 << 24)
    file, shape = tmp_path / "codes", (1 << 17, 2048)
    with file.open("wb") as hole:
        hole.truncate(2 * shape[0] * shape[1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    codes = MappedCodes.of(file, np.dtype("<u2"), 0, shape)
    assert not any(codes[start : start + 1024].any() for start in range(0, shape[0], 1024))
    assert not codes[:, 1000:1004].any()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < 1 << 26  # of half a GiB


def write_hole(path, rows, dims):
    """A file that claims a matrix, and takes no room on the disk."""
    write(path, {"lm_head.weight": ("BF16", [0, dims], b"")})
    shape, length = [rows, dims], 2 * rows * dims
    raw = str({"lm_head.weight": {"dtype": "BF16", "shape": shape, "data_offsets": [0, length]}})
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw.replace("'", '"').encode())
        file.truncate(8 + len(raw) + length)
    return path


@pytest.mark.parametrize("shape", [(10**11, 8), (4, 10**11)])
def test_a_matrix_that_is_claimed_is_not_looked_at_before_there_is_memory(tmp_path, shape):
    path = write_hole(tmp_path / "model.safetensors", *shape)
    for look in (scan, lambda found: found.matrix(), lambda found: from_checkpoint(found.path)):
        with pytest.raises(BadInput, match=r"lm_head.weight' needs [\d,]+ GiB of memory; .* free$"):
            look(Checkpoint(path))


def test_a_drift_of_many_rows_is_refused_before_they_are_read(tmp_path):
    path = write_hole(tmp_path / "model.safetensors", 10**6, 10**5)
    assert from_checkpoint(path, radius=1.0).tokens == 10**6


def test_every_look_asks_for_its_own_memory(tmp_path, monkeypatch):
    path = write(tmp_path / "model.safetensors", {"lm_head.weight": matrix(CODES, BFLOAT16)})
    found = Checkpoint(path)
    rows, dims = CODES.shape
    free = 128 * rows + 256 * dims
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: free)
    opened = found.matrix()
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: free - 1)
    with pytest.raises(BadInput, match=r"lm_head.weight' needs"):
        found.matrix()
    with pytest.raises(
        BadInput, match=r"comparing model.safetensors, lm_head.weight with .* needs"
    ):
        compare(opened, opened)
    with pytest.raises(BadInput, match="needs"):
        structure_of(opened)
    monkeypatch.setattr(found.weights, "matrix", lambda name: opened)
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: 200 * rows - 1)
    with pytest.raises(BadInput, match="needs"):
        scan(found)
