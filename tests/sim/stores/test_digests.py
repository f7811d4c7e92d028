"""Each array is bound to its store and its place there: one that belongs elsewhere is noticed."""

import json
import shutil

import pytest

from drift.sim.errors import Damaged
from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from drift.sim.stores import digests
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import NAMES, SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import Stop, assert_same_arrays, stop_after, stored_bytes, tiny

FIELDS = {"sigma": 2e-7, "tokens": 60, "dims": 24, "steps": 12, "records": 4, "survivors": 50}
ONE, OTHER = (Drift(**FIELDS, snapshots="records", seed=seed) for seed in (1, 2))
GRIDS = [tiny(direction_seed=(seed,)) for seed in (0, 1)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Complete stores of two runs and two sweeps, and the beginnings of the runs."""
    place = tmp_path_factory.mktemp("whole")
    for name, drift in (("one", ONE), ("other", OTHER)):
        run(drift, place / f"{name}.zarr", on="cpu")
        options = {"on": "cpu", "checkpoint_seconds": 0}
        with pytest.raises(Stop):
            run(drift, place / f"{name}-begun.zarr", progress=stop_after(3), **options)
    for name, grid in zip(("grid", "other-grid"), GRIDS, strict=True):
        sweep(grid, place / f"{name}.zarr", on="cpu")
    return place


@pytest.fixture
def there(whole, tmp_path):
    """Copies of all."""
    return shutil.copytree(whole, tmp_path / "copies")


def read_run(path):
    """Read all of a run."""
    store = RunStore(path)
    store.records()
    for name in ("direction", "snapshot_step", "bits", "present", "populations"):
        store.read(name)


def read_sweep(path):
    """Read all of a sweep."""
    store = SweepStore(path)
    for name in NAMES:
        store.read(name)


def refused(read, path, said="."):
    with pytest.raises(Damaged, match=said) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


ELSEWHERE = "it is not the one that drift wrote there"


@pytest.mark.parametrize(
    ("name", "of", "to"),
    [
        *((each, "other.zarr", each) for each in ("pairs/c/0", "step/c/0", "bits/c/1/0/0", "bits")),
        *((each, "other.zarr", each) for each in ("populations", "present", "radius", "zarr.json")),
        ("distinct/c/0", "one.zarr", "pairs/c/0"),
        ("bits/c/1/0/0", "one.zarr", "bits/c/2/0/0"),
        ("present/c/1/0", "one.zarr", "present/c/2/0"),
        ("distinct", "one.zarr", "black_holes"),
    ],
)
def test_what_belongs_elsewhere_is_not_read_in_a_run(there, name, of, to):
    source, target = there / of / name, there / "one.zarr" / to
    before = source.read_bytes() if source.is_file() else None
    if before is None:
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif before != target.read_bytes():
        target.write_bytes(before)
    else:
        return  # equal bits belong here as well
    assert ELSEWHERE in refused(read_run, there / "one.zarr")


@pytest.mark.parametrize(
    ("name", "of", "to"),
    [
        ("reached/c/0/0/0/0", "other-grid.zarr", "reached/c/0/0/0/0"),
        ("pairs/c/0/0/0/0", "grid.zarr", "singletons/c/0/0/0/0"),
        ("zarr.json", "other-grid.zarr", "zarr.json"),
    ],
)
def test_what_belongs_elsewhere_is_not_read_in_a_sweep(there, name, of, to):
    (there / "grid.zarr" / to).write_bytes((there / of / name).read_bytes())
    assert ELSEWHERE in refused(read_sweep, there / "grid.zarr")


@pytest.mark.parametrize("array", ["pairs", "radius", "populations", "bits", "snapshot_step"])
def test_the_whole_of_the_metadata_of_an_array_is_sealed(there, array):
    file = there / "one.zarr" / array / "zarr.json"
    document = json.loads(file.read_text())
    (little,) = (each for each in document["codecs"] if each["name"] == "bytes")
    little.setdefault("configuration", {})["endian"] = "big"
    file.write_text(json.dumps(document))
    assert f"array {array} is damaged: {ELSEWHERE}" in refused(read_run, there / "one.zarr")


def forged(path, change):
    """Change attributes, and seal them as one who knows how: without digests, as old stores."""
    from drift.sim.stores import integrity
    from drift.sim.stores.layouts import told

    file = path / "zarr.json"
    document = json.loads(file.read_text())
    attributes = told.read(document["attributes"])
    attributes.pop(digests.DIGESTS)
    attributes.pop("counted", None)
    change(attributes)
    document["attributes"] = integrity.sealed(told.written(attributes))
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("its record of step 12 is not its final one", lambda a: a["final"].update(pairs=1)),
        ("its record of step 0 is not its initial one", lambda a: a["initial"].update(radius=1.0)),
        ("its steps are not those that its spec records", lambda a: a["spec"].update(steps=16)),
    ],
)
def test_records_are_checked_against_what_the_attributes_tell(there, said, change):
    forged(there / "one.zarr", change)
    refused(read_run, there / "one.zarr", said)


def test_counts_are_checked_against_each_other_where_there_are_no_digests(there):
    path = there / "one.zarr"
    forged(path, lambda attributes: None)
    read_run(path)  # a store that an earlier version made
    shutil.copy(path / "distinct/c/0", path / "pairs/c/0")
    refused(read_run, path, "its records contradict themselves: pairs is more than")
    forged(there / "other.zarr", lambda attributes: None)
    shutil.copytree(there / "other.zarr/populations", path / "populations", dirs_exist_ok=True)
    refused(
        lambda path: RunStore(path).read("populations"), path, "populations are not those of final"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pairs/c/0", "its records"),
        ("zarr.json", "its record of step 0 is not its initial one; --overwrite replaces it$"),
        ("bits/c/1/0/0", f"chunk c/1/0/0 of bits is damaged: {ELSEWHERE}"),
        ("checkpoint/3/bits/c/0/0", f"checkpoint/3/bits is damaged: {ELSEWHERE}; without check"),
        ("checkpoint/3/bits/zarr.json", "."),
    ],
)
def test_a_run_does_not_go_on_from_what_belongs_elsewhere(there, name, said):
    path, other = there / "one-begun.zarr", there / "other-begun.zarr"
    same = (path / name).read_bytes() == (other / name).read_bytes()
    (path / name).write_bytes((other / name).read_bytes())
    if same:
        run(ONE, path, on="cpu")
        assert_same_arrays(path, there / "one.zarr")
        return
    with pytest.raises(ValueError, match=said) as caught:
        run(ONE, path, on="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"zarr_format": 3, "node_type": "group"}'])
@pytest.mark.parametrize("file", ["checkpoint/3/zarr.json", "checkpoint/3/bits/zarr.json"])
def test_damaged_metadata_of_a_checkpoint_are_one_line(there, file, garbage):
    path = there / "one-begun.zarr"
    (path / file).write_bytes(garbage)
    said = refused(lambda path: run(ONE, path, on="cpu"), path, "checkpoint/3 is damaged: ")
    assert said.endswith("; without checkpoint/3 the same command goes on from before it")
    shutil.rmtree(path / "checkpoint/3")
    run(ONE, path, on="cpu")
    assert_same_arrays(path, there / "one.zarr")


@pytest.mark.parametrize(
    "gone",
    [
        *("bits/c/0/0/0", "bits/c/1", "present/c/1/0", "direction/c/0", "direction"),
        *("snapshot_step/c/0", "snapshot_step", "step/c/0", "checkpoint/zarr.json"),
    ],
)
def test_a_run_is_complete_only_with_all_that_was_there_before(there, gone):
    path = there / "one-begun.zarr"
    if (path / gone).is_dir():
        shutil.rmtree(path / gone)
    else:
        (path / gone).unlink()
    run(ONE, path, on="cpu")
    assert_same_arrays(path, there / "one.zarr")
    assert RunStore(path).complete
    read_run(path)


def test_a_damaged_earlier_snapshot_is_told_before_the_run_goes_on(there):
    file = there / "one-begun.zarr/bits/c/1/0/0"
    file.write_bytes(file.read_bytes()[:-6] + b"______")
    refused(lambda path: run(ONE, path, on="cpu"), there / "one-begun.zarr", "c/1/0/0 of bits")


def test_a_sweep_is_complete_only_with_all_that_was_there_before(there, whole):
    path = there / "grid.zarr"
    store = SweepStore(path, writing=True)
    store.array("done")[0, 0, 0] = False
    store.update(complete=False)
    (path / "progress/c/0").unlink()
    shutil.rmtree(path / "step")
    (path / "sigma/c/0").unlink()
    sweep(GRIDS[0], path, on="cpu")
    assert stored_bytes(path) == stored_bytes(whole / "grid.zarr")
    assert SweepStore(path).complete


def test_a_coordinate_that_is_gone_is_not_taken_from_another_sweep(there):
    path = there / "grid.zarr"
    store = SweepStore(path, writing=True)
    store.array("done")[0, 0, 0] = False
    store.update(complete=False)
    (path / "sigma/c/0").unlink()
    with pytest.raises(Damaged, match="sigma is missing, and was another one"):
        sweep(tiny(sigma=(1e-9, 2e-7), direction_seed=(0,)), path, on="cpu")


def test_a_sweep_whose_earlier_counts_are_damaged_is_not_complete(there):
    path = there / "grid.zarr"
    store = SweepStore(path, writing=True)
    store.update(complete=False)
    file = path / "pairs/c/0/0/0/0"
    file.write_bytes(file.read_bytes()[:-6] + b"______")
    said = "c/0/0/0/0 of pairs is damaged.*; without done/c/0/0/0 the same command counts its"
    refused(lambda path: sweep(GRIDS[0], path, on="cpu"), path, said)
    assert not SweepStore(path).complete


def test_a_reader_follows_a_sweep_that_is_being_written(there):
    path = there / "grid.zarr"
    writer = SweepStore(path, writing=True)
    writer.update(complete=False)
    reader = SweepStore(path)
    before = reader.done.copy()
    writer.release("done/c/0/0/0")
    writer.array("done")[0, 0, 0] = False
    for _ in range(2):  # between the two writes of a flush, and after it
        assert reader.done.sum() == before.sum() - 1
        writer.update()
