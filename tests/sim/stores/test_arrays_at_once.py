"""Arrays made or written at once are those that zarr makes one by one; none hurts another."""

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from drift.kernels.formats import BFLOAT16
from drift.sim.stores import arrays_at_once, run_layout
from drift.sim.stores.local_files import LocalFiles

ARRAYS = {
    "step": run_layout.small("int64", {"record": 5}, "steps done"),
    "radius": run_layout.small("float64", {"record": 5}, "a radius"),
    "bits": run_layout.bits({"snapshot": 2, "token": 3, "dim": 4}, BFLOAT16),
    "present": run_layout.present({"snapshot": 2, "token": 3}),
}


def test_they_are_those_that_are_made_one_by_one():
    ours, theirs = {}, {}
    made = arrays_at_once.create(zarr.create_group(MemoryStore(ours)), ARRAYS)
    group = zarr.create_group(MemoryStore(theirs))
    one_by_one = {name: group.create_array(name, **each) for name, each in ARRAYS.items()}
    for arrays in (made, one_by_one):
        arrays["step"][:], arrays["radius"][:] = range(5), np.linspace(0, 1, 5)
    assert list(made) == list(ARRAYS)
    assert {key: each.to_bytes() for key, each in ours.items()} == {
        key: each.to_bytes() for key, each in theirs.items()
    }


def test_what_is_there_stays_unless_it_is_to_go():
    group = zarr.create_group(MemoryStore())
    arrays_at_once.create(group, ARRAYS)["step"][:] = range(5)
    with pytest.raises(zarr.errors.ContainsArrayError):
        arrays_at_once.create(group, ARRAYS)
    assert group["step"][:].tolist() == [0, 1, 2, 3, 4]
    arrays_at_once.create(group, ARRAYS, overwrite=True)
    assert group["step"][:].tolist() == [-1] * 5


def test_an_error_is_raised_once_the_others_are_written(tmp_path, monkeypatch):
    group = zarr.create_group(LocalFiles(tmp_path))
    made, write = arrays_at_once.create(group, ARRAYS), LocalFiles.set

    async def full(store, key, value):
        if key.startswith("step/"):
            raise OSError(28, "No space left on device")
        await write(store, key, value)

    monkeypatch.setattr(LocalFiles, "set", full)
    values = [(made[name], np.arange(5)) for name in ("step", "radius")]
    with pytest.raises(OSError, match="No space"):
        arrays_at_once.write(slice(None), values)
    assert zarr.open_group(tmp_path)["radius"][:].tolist() == [0, 1, 2, 3, 4]
