"""The stores of sweeps: what they hold, for whom, and whatever happens to their writer."""

import errno
import json

import numpy as np
import pytest
import xarray
import zarr

from drift.sim.counting.cells import Counts
from drift.sim.errors import BadInput, Unfinished
from drift.sim.stores.local_files import LocalFiles
from drift.sim.stores.locate import locate
from drift.sim.sweeps import resume, store
from drift.sim.sweeps.store import NAMES, SweepStore, points_per_chunk
from drift.sim.sweeps.writer import GridWriter
from tests.support.builders import stored_bytes, tiny

GRID = tiny(rounding=("nearest", "toward-zero"))


def made_up(grid, cell):
    """Records that no other cell has: single tokens, a black hole of two and one of more."""
    found = []
    for k, step in enumerate(range(grid.records + 1)):
        single, more = 1000 * cell + 10 * k + 7, cell + k + 3
        pairs = more * (more - 1) // 2 + 1
        counts = (single + 2, 2, more + 2, single, more, pairs, single + more + 2)
        motion = {"stalled": 0.5, "asked": k / 4, "done": k / 8, "moved": 0.25}
        found.append(Counts(step, *counts, radius=cell + k / 8, **motion))
    return found


def new(path, grid=GRID):
    resume.create(locate(path), grid, {"versions": {"bf16-drift": "1"}})
    return GridWriter(SweepStore(path, writing=True))


def test_an_empty_store_has_no_value_that_a_result_could_have(tmp_path):
    new(tmp_path / "a.zarr")
    store = SweepStore(tmp_path / "a.zarr")
    assert store.grid == GRID
    assert (store.complete, store.failed, store.done.any()) == (False, {}, False)
    assert store.done.shape == GRID.shape
    for name in NAMES:
        values = store.read(name)
        assert values.shape == (*GRID.shape, 7)
        assert np.isnan(values).all() if name in ("radius", "stalled") else (values == -1).all()


def test_what_is_put_is_read_back_cell_by_cell(tmp_path):
    writer = new(tmp_path / "a.zarr")
    cells = [0, 5, 23]
    for cell in cells:
        writer.put(cell, made_up(GRID, cell))
    writer.fail(7, "out of memory")
    writer.fail(9, "out of memory")
    assert not SweepStore(tmp_path / "a.zarr").done.any()
    writer.flush(device="abacus")
    store = SweepStore(tmp_path / "a.zarr")
    assert np.flatnonzero(store.done).tolist() == cells
    assert store.failed == {7: "out of memory", 9: "out of memory"}
    assert store.attrs["device"] == "abacus"
    for name in NAMES:
        flat = store.read(name).reshape(len(GRID), -1)
        for cell in cells:
            expected = [getattr(record, name) for record in made_up(GRID, cell)]
            np.testing.assert_array_equal(flat[cell], expected)
        assert not np.isin(flat[[1, 7, 9]], flat[cells]).any()


def test_xarray_opens_it_with_labels_and_selects_by_coordinate(tmp_path):
    writer = new(tmp_path / "a.zarr")
    for cell in range(len(GRID)):
        writer.put(cell, made_up(GRID, cell))
    writer.flush(complete=True)
    with xarray.open_zarr(tmp_path / "a.zarr", consolidated=False) as data:
        assert data.distinct.dims == ("sigma", "steps", "seed", "rounding", "progress")
        assert data.distinct.dtype == np.int64
        assert {"sigma", "steps", "seed", "rounding", "progress", "step"} == set(data.coords)
        assert data.progress.values.tolist() == [k / 6 for k in range(7)]
        for name in (*NAMES.values(), "done", *data.coords):
            assert data[name].attrs["long_name"]
            assert data[name].attrs["units"] == "1"
        cell = data.sel(sigma=1e-7, steps=40, seed=1, rounding="nearest")
        assert GRID.values(22) == {**{"sigma": 1e-7, "steps": 40, "seed": 1, "rounding": "nearest"}}
        assert cell.distinct.values.tolist() == [c.distinct for c in made_up(GRID, 22)]
        assert cell.reached.values.tolist() == [c.radius for c in made_up(GRID, 22)]
        assert cell.step.values.tolist() == [0, 7, 13, 20, 27, 33, 40]
        assert data.sel(steps=1).step.values.tolist() == [0, 0, 0, 1, 1, 1, 1]
        assert data.rounding.values.tolist() == ["nearest", "toward-zero"]


def test_one_cell_is_a_grid_without_axes(tmp_path):
    grid = tiny(sigma=(1e-9,), steps=(5,), seed=(0,))
    writer = new(tmp_path / "a.zarr", grid)
    writer.put(0, made_up(grid, 3))
    writer.flush()
    store = SweepStore(tmp_path / "a.zarr")
    assert store.done.tolist() is True
    assert store.read("distinct").tolist() == [c.distinct for c in made_up(grid, 3)]
    with xarray.open_zarr(tmp_path / "a.zarr", consolidated=False) as data:
        assert data.distinct.dims == ("progress",)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(store, "_CHUNK_VALUES", 5 * 7)
    assert points_per_chunk(GRID) == (1, 1, 2, 2)


@pytest.mark.slow
def test_chunks_hold_whole_cells_and_come_and_go(tmp_path, small_chunks):
    writer = new(tmp_path / "a.zarr")
    for cell in np.random.default_rng(0).permutation(len(GRID)).tolist():
        writer.put(cell, made_up(GRID, cell))
        if cell % 3:
            writer.flush()
    writer.flush()
    whole = new(tmp_path / "b.zarr")
    for cell in range(len(GRID)):
        whole.put(cell, made_up(GRID, cell))
    whole.flush()
    assert stored_bytes(tmp_path / "a.zarr") == stored_bytes(tmp_path / "b.zarr")
    assert zarr.open_group(tmp_path / "a.zarr")["distinct"].chunks == (1, 1, 2, 2, 7)


@pytest.mark.slow
def test_after_every_single_write_a_cell_is_done_only_if_its_data_are_there(
    tmp_path, small_chunks, monkeypatch
):
    writes = []
    original = LocalFiles.set

    async def noting(self, key, value):
        writes.append((key, value.to_bytes()))
        await original(self, key, value)

    writer = new(tmp_path / "a.zarr")
    begun = {
        file.relative_to(tmp_path / "a.zarr"): file.read_bytes()
        for file in (tmp_path / "a.zarr").rglob("*")
        if file.is_file()
    }
    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "set", noting)
        for cell in (0, 1, 9, 3, 2, 8):
            writer.put(cell, made_up(GRID, cell))
            if cell:
                writer.flush()
    path = tmp_path / "b.zarr"
    for file, data in begun.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_bytes(data)
    seen = set()
    for key, data in writes:
        (path / key).parent.mkdir(parents=True, exist_ok=True)
        (path / key).write_bytes(data)
        store = SweepStore(path)
        done = np.flatnonzero(store.done).tolist()
        seen.add(len(done))
        for name in NAMES:
            flat = store.read(name).reshape(len(GRID), -1)
            for cell in done:
                expected = [getattr(record, name) for record in made_up(GRID, cell)]
                assert flat[cell].tolist() == expected
    assert seen == {0, 2, 3, 4, 5, 6}
    # Whoever goes on from there keeps what is done, and nothing else.
    again = GridWriter(SweepStore(path, writing=True))
    again.put(10, made_up(GRID, 10))
    again.flush()
    assert np.flatnonzero(SweepStore(path).done).tolist() == [0, 1, 2, 3, 8, 9, 10]


def test_data_of_a_cell_that_is_not_done_do_not_stay(tmp_path):
    writer = new(tmp_path / "a.zarr")
    for cell in (0, 1):
        writer.put(cell, made_up(GRID, cell))
    writer.flush()
    done = writer.store.done
    done[0, 0, 0, 0] = False
    writer.store.array("done")[...] = done
    writer.store.update()
    again = GridWriter(SweepStore(tmp_path / "a.zarr", writing=True))
    again.put(2, made_up(GRID, 2))
    again.flush()
    distinct = SweepStore(tmp_path / "a.zarr").read("distinct").reshape(len(GRID), -1)
    assert (distinct[0] == -1).all()
    assert (distinct[[1, 2]] >= 0).all()


@pytest.mark.parametrize("room", range(16))
def test_a_full_disk_loses_nothing_that_was_written(tmp_path, monkeypatch, room):
    writer = new(tmp_path / "a.zarr")
    writer.put(4, made_up(GRID, 4))
    writer.flush()
    left = [room]
    original = LocalFiles.set

    async def set_(self, key, value):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        await original(self, key, value)

    writer.put(5, made_up(GRID, 5))
    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "set", set_)
        if room < 15:  # the attributes, twelve counts, done, and the attributes again
            message = "a.zarr can't be written: No space left on device; 23 grid points are left"
            with pytest.raises(Unfinished, match=message):
                writer.flush()
        else:
            writer.flush()
    assert SweepStore(tmp_path / "a.zarr").done.ravel()[4]
    writer.flush()
    assert np.flatnonzero(SweepStore(tmp_path / "a.zarr").done).tolist() == [4, 5]


def test_what_is_no_sweep_is_not_read_as_one(tmp_path):
    (tmp_path / "text").write_text("")
    (tmp_path / "folder").mkdir()
    zarr.create_group(tmp_path / "run.zarr", attributes={"kind": "drift run"})
    writer = new(tmp_path / "new.zarr")
    writer.store.update(layout=99)
    for name, message in (
        ("gone", "gone is not the store of a sweep: there is nothing"),
        ("text", "it is a file"),
        ("folder", "no Zarr v3 group is there"),
        ("run.zarr", "drift sweep did not write it"),
        ("new.zarr", "has layout 99 and is of drift 1; this is drift .*, which reads layout 2"),
    ):
        with pytest.raises(BadInput, match=message):
            SweepStore(tmp_path / name)


def test_all_of_it_is_json_that_others_read(tmp_path):
    new(tmp_path / "a.zarr")
    for file in (tmp_path / "a.zarr").rglob("zarr.json"):
        json.loads(file.read_text(), parse_constant=pytest.fail)
