"""Files of a store are read, written and lost as zarr's own store does it, whatever their size."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore

from drift.sim.stores.local_files import _SMALL, LocalFiles

SIZES = [0, 1, _SMALL, _SMALL + 1]


def buffer(data):
    return default_buffer_prototype().buffer.from_bytes(data)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_there_and_is_what_zarr_reads(tmp_path, size):
    data, key = np.random.default_rng(0).bytes(size), "a/c/0"
    ours, theirs = LocalFiles(tmp_path), LocalStore(tmp_path)

    async def there():
        await ours.set(key, buffer(b"what was there before"))
        await ours.set(key, buffer(data))
        return [(await store.get(key)).to_bytes() for store in (ours, theirs)]

    assert asyncio.run(there()) == [data, data]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0"]


@pytest.mark.parametrize("key", ["none", "none/zarr.json", "a", "a/c/0/zarr.json"])
def test_what_is_missing_is_none(tmp_path, key):
    async def there():
        await LocalFiles(tmp_path).set("a/c/0", buffer(b"a chunk"))
        return await LocalFiles(tmp_path).get(key)

    assert asyncio.run(there()) is None


@pytest.mark.parametrize("size", SIZES)
def test_what_fails_leaves_what_was_there_and_nothing_half_written(tmp_path, monkeypatch, size):
    store, key = LocalFiles(tmp_path), "a/c/0"
    asyncio.run(store.set(key, buffer(b"before")))

    def full(path, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(store.set(key, buffer(bytes(size))))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0"]
    assert (tmp_path / key).read_bytes() == b"before"


def test_a_store_that_is_only_read_is_not_written(tmp_path):
    asyncio.run(LocalFiles(tmp_path).set("zarr.json", buffer(b"{}")))
    with pytest.raises(ValueError, match="read-only"):
        asyncio.run(LocalFiles(tmp_path, read_only=True).set("zarr.json", buffer(b"[]")))
    assert (tmp_path / "zarr.json").read_bytes() == b"{}"


def test_an_array_in_it_is_one_of_zarrs(tmp_path):
    group = zarr.create_group(LocalFiles(tmp_path), zarr_format=3)
    values = np.arange(3 * _SMALL).reshape(3, -1)
    group.create_array("small", shape=(3,), dtype="int64", chunks=(3,))[:] = [1, 2, 3]
    group.create_array("large", shape=values.shape, dtype="int64", chunks=(1, _SMALL))[:] = values
    again = zarr.open_group(tmp_path, mode="r")
    assert again["small"][:].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(again["large"][:], values)
