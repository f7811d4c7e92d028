"""What is opened where, and what is said where nothing can be."""

import numpy as np
import pytest
import zarr

from drift.sim.errors import BadInput
from drift.sim.open_matrix import open_matrix
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores import run_layout
from drift.sim.stores.locate import locate
from drift.sim.stores.run_store import RunStore
from tests.support import oracle
from tests.support.builders import numbers

FEW = {"sigma": 1e-9, "tokens": 9, "dims": 16, "steps": 40}
LEAVING = Drift(**FEW, survivors=3, at=(0, 7, 40), snapshots="records")


class Stop(Exception):
    """The power goes out."""


def stopped(drift, path, records):
    """The store of a run that was stopped after some records."""

    def progress(counts, done, total):
        if done == records:
            raise Stop

    with pytest.raises(Stop):
        run.run(drift, path, on="cpu", progress=progress)
    return path


def begun(path, drift):
    """The store of a run that has counted nothing."""
    with locate(path).begin(run_layout.FIRST) as group:
        run_layout.fill(group, drift, np.ones(drift.dims))


def made(path, drift):
    """The complete store of a run that never ran: its snapshots, and who is present."""
    begun(path, drift)
    store, random = RunStore(path, writing=True), np.random.default_rng(0)
    bits = store.array("bits")
    bits[...] = random.integers(0, drift.target.largest_magnitude, bits.shape).astype(bits.dtype)
    if drift.survivors:
        store.array("present")[...] = random.integers(0, 2, bits.shape[:2])
    store.update(complete=True)
    return store


@pytest.fixture(scope="module")
def leaving(tmp_path_factory):
    """A run whose tokens leave, with three snapshots."""
    path = tmp_path_factory.mktemp("sources") / "leaving.zarr"
    run.run(LEAVING, path, on="cpu")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 7, 40, None])
def test_a_snapshot_is_the_codes_of_the_tokens_that_are_present(leaving, step):
    found = open_matrix(leaving, snapshot=step)
    at = 40 if step is None else step
    _, clouds = oracle.walk(LEAVING, RunStore(leaving).read("direction"))
    there = np.flatnonzero(oracle.present(LEAVING, at))
    assert len(there) == {0: 9, 7: 8, 40: 3}[at]
    assert found.token_ids.tolist() == there.tolist()
    np.testing.assert_array_equal(found.codes, oracle.bits(clouds[at])[there])
    assert found.format.name == "bfloat16"
    assert found.label == f"{leaving}, step {at}"


@pytest.mark.parametrize("name", ["float4_e2m1fn", "float8_e5m2", "float32"])
def test_every_width_is_read_one_code_each(tmp_path, name):
    store = made(tmp_path / "run.zarr", Drift(**FEW, format=name))
    found = open_matrix(tmp_path / "run.zarr", snapshot=0)
    assert found.format.name == name
    assert found.codes.dtype == found.format.storage
    np.testing.assert_array_equal(found.codes, store.read("bits")[0])
    assert found.token_ids.tolist() == list(range(9))


def test_many_chunks_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(run_layout, "_CHUNK_BYTES", 3 * 16 * 2)
    monkeypatch.setattr("drift.sim.open_matrix._CHUNKS_TOGETHER", 2)
    store = made(tmp_path / "run.zarr", Drift(**{**FEW, "tokens": 31}, survivors=20))
    assert store.array("bits").chunks == (1, 3, 16)
    there = store.read("present")[1] == 1
    found = open_matrix(tmp_path / "run.zarr")
    np.testing.assert_array_equal(found.codes, store.read("bits")[1][there])


def test_a_run_from_a_checkpoint_keeps_its_ids(tmp_path):
    store = made(tmp_path / "run.zarr", LEAVING)
    ids = numbers(store.group, "token_id", {"token": 9})
    ids[:] = 100 + 2 * np.arange(9)
    expected = 100 + 2 * np.flatnonzero(store.read("present")[2])
    assert open_matrix(tmp_path / "run.zarr").token_ids.tolist() == expected.tolist()


def test_what_an_unfinished_run_has_not_written_is_not_read(tmp_path):
    path = stopped(LEAVING, tmp_path / "stopped.zarr", records=2)
    with pytest.raises(BadInput, match=r"no snapshot of step 40 yet: .* of steps: 0, 7$"):
        open_matrix(path)
    assert open_matrix(path, snapshot=7).label.endswith("step 7")
    ends = Drift(**FEW, at=(7, 40), snapshots="ends")
    path = stopped(ends, tmp_path / "ends.zarr", records=1)
    assert open_matrix(path, snapshot=0).codes.shape == (9, 16)
    with pytest.raises(BadInput, match="step 40 yet"):
        open_matrix(path)


def test_a_run_that_counted_nothing_has_no_snapshot(tmp_path):
    begun(tmp_path / "begun.zarr", LEAVING)
    with pytest.raises(BadInput, match="of steps: none"):
        open_matrix(tmp_path / "begun.zarr", snapshot=0)


def refused(path, message, **options):
    with pytest.raises(BadInput, match=message):
        open_matrix(path, **options)


def test_what_can_not_be_opened_is_told_why(leaving, tmp_path, monkeypatch):
    begun(tmp_path / "none.zarr", Drift(**FEW, snapshots="none"))
    refused(tmp_path / "none.zarr", "no snapshots: it was run with --snapshots none")
    refused(leaving, r"no snapshot of step 8; its snapshots are of steps: 0, 7, 40", snapshot=8)
    refused(leaving, "tensor is 'wte', but .* is a run", tensor="wte")
    refused(tmp_path / "gone", "gone does not exist")
    refused(tmp_path / ("x" * 999), "does not exist")
    (tmp_path / "file").touch()
    refused(tmp_path / "file", "snapshot is 5, but .*file is not a run", snapshot=5)
    zarr.create_group(tmp_path / "other.zarr", zarr_format=3)
    refused(tmp_path / "other.zarr", "is not a drift store")
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: 10)
    refused(leaving, "GiB are free")


def test_a_damaged_snapshot_is_not_read(tmp_path):
    path = tmp_path / "run.zarr"
    made(path, LEAVING)
    last, first = path / "bits/c/2/0/0", path / "bits/c/0/0/0"
    first.write_bytes(first.read_bytes()[:-9] + b"something")
    refused(
        path,
        "chunk c/0/0/0 of bits is damaged: it is not the one that drift wrote there",
        snapshot=0,
    )
    last.unlink()
    refused(path, "run.zarr is damaged: chunk c/2/0/0 of bits is missing")
    assert open_matrix(path, snapshot=7).codes.shape[1] == 16
