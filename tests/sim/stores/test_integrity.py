"""What is damaged in a store is noticed, and named, whenever it is read."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from drift.sim.errors import BadInput, Damaged
from drift.sim.runs import snapshots
from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from drift.sim.stores import integrity
from drift.sim.stores.digests import DIGESTS
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import Stop, assert_same_arrays, stop_after, stored_bytes, tiny

SMALL = Drift(sigma=1e-9, tokens=12, dims=8, steps=6, records=3, survivors=5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A complete run and a complete sweep."""
    place = tmp_path_factory.mktemp("whole")
    run(SMALL, place / "run.zarr", on="cpu")
    sweep(tiny(), place / "grid.zarr", on="cpu")
    return place


@pytest.fixture
def there(whole, tmp_path):
    """Copies of both."""
    for name in ("run.zarr", "grid.zarr"):
        shutil.copytree(whole / name, tmp_path / name)
    return tmp_path


def flip(file, at=20):
    """Flip a bit of a file."""
    raw = bytearray(file.read_bytes())
    raw[at % len(raw)] ^= 4
    file.write_bytes(bytes(raw))


def test_every_chunk_of_every_store_has_a_checksum(there):
    for name in ("run.zarr", "grid.zarr"):
        for path, array in zarr.open_group(there / name, mode="r").members(None):
            for file in (there / name / path / "c").rglob("*"):
                if file.is_dir():
                    continue
                before = file.read_bytes()
                for at in (0, len(before) // 2, len(before) - 1):
                    flip(file, at)
                    with pytest.raises(Damaged, match=f"of {path} is damaged: its checksum does"):
                        integrity.read(array, "a store")
                    file.write_bytes(before)


def refused(message, read):
    with pytest.raises(Damaged, match=message) as caught:
        read()
    assert "\n" not in str(caught.value)


def test_the_chunk_of_a_run_is_named(there):
    path = there / "run.zarr"
    refused_ = lambda message, read: refused(f"run.zarr{message}", read)  # noqa: E731
    flip(path / "bits/c/1/0/0")
    store = RunStore(path)
    assert store.values("bits", 0).shape == (12, 8)
    refused_(": chunk c/1/0/0 of bits is damaged", lambda: store.values("bits", 1))
    (path / "pairs/c/0").unlink()
    refused_(" is damaged: chunk c/0 of pairs is missing", store.records)
    (path / "step/c/0").unlink()
    refused_(" is damaged: chunk c/0 of step is missing", store.records)
    (path / "direction/c/0").unlink()
    refused_(" is damaged: chunk c/0 of direction is missing", lambda: store.read("direction"))
    (path / "present/zarr.json").unlink()
    assert store.has("present")
    refused_(": array present is damaged", lambda: store.array("present"))


def test_the_chunk_of_a_sweep_is_named(there):
    path = there / "grid.zarr"
    store = SweepStore(path)
    flip(path / "distinct/c/0/0/0/0")
    refused("chunk c/0/0/0/0 of distinct is damaged", lambda: store.read("distinct", (0, 1)))
    (path / "pairs/c/0/0/0/0").unlink()
    refused("chunk c/0/0/0/0 of pairs is missing", lambda: store.read("pairs", record=-1))
    (path / "done/c/0/0/0").unlink()
    refused("chunk c/0/0/0 of done is missing", lambda: store.done)
    (path / "sigma/c/0").unlink()
    refused("chunk c/0 of sigma is missing", lambda: SweepStore(path).grid)


def changed(path, change):
    """Change the metadata of a group, or of an array."""
    file = path / "zarr.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bits", lambda found: found["attributes"].update(format="float16")),
        ("bits", lambda found: found.update(shape=[2, 11, 8])),
        ("distinct", lambda found: found.update(data_type="uint64", fill_value=0)),
        ("distinct", lambda found: found.update(fill_value=0)),
    ],
)
def test_an_array_that_is_not_as_it_was_made_is_not_read(there, name, change):
    changed(there / "run.zarr" / name, change)
    refused(
        f"run.zarr: array {name} is damaged: it is not the one that drift wrote there$",
        lambda: RunStore(there / "run.zarr").array(name),
    )
    # Stores of before have no digests; then they have the array's own checksum, or no seal at all.
    changed(
        there / "run.zarr",
        lambda found: [found["attributes"].pop(each) for each in (integrity.SEAL, DIGESTS)],
    )
    refused(
        f"{name} is not the array that drift made", lambda: RunStore(there / "run.zarr").array(name)
    )
    changed(there / "run.zarr", lambda found: found["attributes"].pop(integrity.KNOWN))
    assert RunStore(there / "run.zarr").array(name).shape


def test_attributes_that_were_changed_are_not_believed(there):
    def other(found):
        spec = found["attributes"]["spec"]
        found["attributes"]["spec"] = spec.replace("1e-09", "2e-09")
        assert found["attributes"]["spec"] != spec

    changed(there / "run.zarr", other)
    with pytest.raises(Damaged, match="its attributes are not those that drift wrote"):
        RunStore(there / "run.zarr")
    with pytest.raises(Damaged, match="; --overwrite replaces it"):
        run(SMALL, there / "run.zarr", on="cpu")
    run(SMALL, there / "run.zarr", on="cpu", overwrite=True)
    assert RunStore(there / "run.zarr").complete


def test_a_store_of_a_newer_version_is_told_from_a_damaged_one(there):
    for name, kind, write in (
        ("run.zarr", RunStore, lambda path: run(SMALL, path, on="cpu", overwrite=True)),
        ("grid.zarr", SweepStore, lambda path: sweep(tiny(), path, on="cpu", overwrite=True)),
    ):
        path = there / name
        changed(
            path,
            lambda found: found["attributes"].update(layout=7, versions={"bf16-drift": "3.1.4"}),
        )
        for open_ in (kind, write):  # nor is it ever replaced
            with pytest.raises(BadInput) as caught:
                open_(path)
            said = f"{path} has layout 7 and is of drift 3.1.4; this is drift "
            assert str(caught.value).startswith(said)
            assert str(caught.value).endswith(", which reads layout 2")


def stopped(path, records, **options):
    with pytest.raises(Stop):
        run(SMALL, path, on="cpu", progress=stop_after(records), **options)
    return path


@pytest.mark.slow
def test_a_damaged_checkpoint_says_how_to_do_without(there, tmp_path):
    path = stopped(tmp_path / "a.zarr", 3, checkpoint_seconds=0)
    (kept,) = (path / "checkpoint").glob("[0-9]*")
    file = kept / "bits/c/0/0"
    flip(file)
    said = f"chunk c/0/0 of checkpoint/{kept.name}/bits is damaged.*; without"
    with pytest.raises(Damaged, match=f"{said} checkpoint/{kept.name} the same command"):
        run(SMALL, path, on="cpu")
    file.unlink()
    with pytest.raises(Damaged, match=f"chunk c/0/0 of checkpoint/{kept.name}/bits is missing"):
        run(SMALL, path, on="cpu")
    changed(kept / "bits", lambda found: found.update(data_type="int16"))
    with pytest.raises(Damaged, match=f"checkpoint/{kept.name} is damaged: .*; without"):
        run(SMALL, path, on="cpu")
    shutil.rmtree(kept)
    run(SMALL, path, on="cpu")
    assert_same_arrays(path, there / "run.zarr")


def test_records_that_are_lost_are_counted_again_whatever_was_kept_since(
    there, tmp_path, monkeypatch
):
    monkeypatch.setattr(snapshots, "time", SimpleNamespace(monotonic=lambda: 0.0))  # always due
    path = stopped(tmp_path / "a.zarr", 3, checkpoint_seconds=0)
    assert [each.name for each in (path / "checkpoint").glob("[0-9]*")] == ["2"]
    (path / "step/c/0").unlink()
    run(SMALL, path, on="cpu")
    assert_same_arrays(path, there / "run.zarr")


def test_a_run_whose_records_are_damaged_is_not_gone_on_with(there, tmp_path):
    path = stopped(tmp_path / "a.zarr", 3)
    flip(path / "pairs/c/0")
    said = "chunk c/0 of pairs is damaged: its checksum does not hold; --overwrite replaces it"
    with pytest.raises(Damaged, match=said):
        run(SMALL, path, on="cpu")
    run(SMALL, path, on="cpu", overwrite=True)
    assert_same_arrays(path, there / "run.zarr")


def test_a_sweep_counts_again_what_is_lost(there, whole):
    path = there / "grid.zarr"
    flip(path / "distinct/c/0/0/0/0")
    (path / "done/c/0/0/0").unlink()
    result = sweep(tiny(), path, on="cpu").as_json()
    assert (result["done"], SweepStore(path).complete) == (12, True)
    assert stored_bytes(path) == stored_bytes(whole / "grid.zarr")


def test_a_damaged_chunk_of_done_cells_says_how_they_are_counted_again(there, whole):
    path = there / "grid.zarr"
    store = SweepStore(path, writing=True)
    store.array("done")[1, 2, 1] = False
    store.update(complete=False)
    flip(path / "distinct/c/0/0/0/0")
    said = r"chunk c/0/0/0/0 of distinct is damaged.*; without done/c/0/0/0 the same command counts"
    with pytest.raises(Damaged, match=said):
        sweep(tiny(), path, on="cpu")
    (path / "done/c/0/0/0").unlink()
    sweep(tiny(), path, on="cpu")
    assert stored_bytes(path) == stored_bytes(whole / "grid.zarr")


def test_chunks_are_found_wherever_a_selection_is(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    array = group.create_array(
        "a", shape=(3, 5, 4), chunks=(1, 2, 4), dtype="i8", fill_value=-1,
        compressors=integrity.CHECKED,
    )  # fmt: skip
    array[...] = np.arange(60).reshape(3, 5, 4)
    flip(tmp_path / "a.zarr/a/c/2/1/0")
    for at in (..., 2, (2, 3), (Ellipsis, -1), (slice(1, 3), slice(2, 4)), (2, np.array([3, 4]))):
        with pytest.raises(Damaged, match="a store: chunk c/2/1/0 of a is damaged"):
            integrity.read(array, "a store", at)
    for at in (0, (2, 0), (slice(0, 2), slice(2, 4)), (2, np.array([0, 4]), slice(None))):
        expected = np.arange(60).reshape(3, 5, 4)[at]
        np.testing.assert_array_equal(integrity.read(array, "a store", at), expected)
