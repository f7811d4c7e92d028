"""Runs in stores: what is written, what resumes, what is refused."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr

from drift.sim.clouds.direction import direction
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.runs import memory, run, snapshots
from drift.sim.runs.snapshots import ResumePoints
from drift.sim.spec.drift import Drift
from drift.sim.stores.layouts import told
from drift.sim.stores.run_store import RunStore
from tests.support import oracle
from tests.support.builders import Stop, arrays, assert_same_arrays, files, stop_after
from tests.support.drifts import KINDS, SMALL


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An undisturbed run: its store and its result."""
    path = tmp_path_factory.mktemp("plain") / "run.zarr"
    return path, run.run(SMALL, path, on="cpu").as_json()


def test_the_store_and_the_result_are_the_oracles(plain):
    path, result = plain
    store = RunStore(path)
    u = store.read("direction")
    held, clouds = oracle.walk(SMALL, u)
    np.testing.assert_array_equal(store.read("bits")[0], clouds[0].view(np.uint16))
    np.testing.assert_array_equal(store.read("bits")[1], clouds[40].view(np.uint16))
    assert store.read("snapshot_step").tolist() == [0, 40]
    for counts in [result["initial"], *result["records"], result["final"]]:
        expected = oracle.counts(SMALL, held, clouds, counts["step"], u)
        assert abs(counts["radius"] - expected.pop("radius")) < 1e-6 * 0.371
        assert {name: counts[name] for name in expected} == expected
    assert result["final"]["populations"] == [n for n in oracle.occupancies(clouds[40]) if n > 1]
    assert [c["step"] for c in result["records"]] == list(range(0, 41, 4))


def test_the_result_is_plain_json_with_the_promised_keys(plain):
    path, result = plain
    assert json.loads(json.dumps(result)) == result
    assert result.keys() == {
        *("spec", "engine", "engine_reason", "device", "initial", "final", "records", "store"),
        *("seconds", "starts_from"),
    }
    assert result["device"].keys() == {"platform", "kind"}
    parts = {"start", "draw", "move", "count", "write"}
    assert result["seconds"].keys() == {"total", "compile", *parts}
    assert result["store"] == str(path)
    assert result["final"].keys() - result["initial"].keys() == {"populations"}


def test_xarray_opens_it(plain):
    path, result = plain
    with xarray.open_zarr(path, consolidated=False) as data:
        assert data.sizes == {
            "record": 11,
            "dim": 128,
            "snapshot": 2,
            "token": 60,
            "black_hole": len(result["final"]["populations"]),
        }
        assert set(data.coords) == {"step", "snapshot_step"}
        assert data.bits.dtype == np.uint16
        assert data.bits.attrs["format"] == "bfloat16"
        assert data.distinct.values.tolist() == [c["distinct"] for c in result["records"]]
        assert data.attrs["complete"] == 1
        assert told.read(data.attrs)["spec"] == SMALL.as_json()


@pytest.mark.slow
@pytest.mark.parametrize("records", [1, 2, 7, 11])
@pytest.mark.parametrize("checkpoint_seconds", [0.0, 1e9])
def test_a_stopped_run_resumes_to_the_same_arrays(plain, tmp_path, records, checkpoint_seconds):
    path = tmp_path / "run.zarr"
    options = {"on": "cpu", "checkpoint_seconds": checkpoint_seconds}
    with pytest.raises(Stop):
        run.run(SMALL, path, progress=stop_after(records), **options)
    assert len(RunStore(path).records()) == records
    assert not RunStore(path).complete
    told = []
    result = run.run(
        SMALL, path, progress=lambda counts, done, total: told.append(done), **options
    ).as_json()
    assert told == list(range(records + 1, 12))
    assert_same_arrays(path, plain[0])
    assert {**result, "store": 0, "seconds": 0} == {**plain[1], "store": 0, "seconds": 0}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_motion_is_stored_and_resumes(tmp_path, name):
    drift = Drift(**{**SMALL.as_json(), **KINDS[name]})
    run.run(drift, tmp_path / "plain.zarr", on="cpu")
    path = tmp_path / "stopped.zarr"
    with pytest.raises(Stop):
        run.run(drift, path, on="cpu", checkpoint_seconds=0, progress=stop_after(6))
    run.run(drift, path, on="cpu", chunk_bytes=4000)
    assert_same_arrays(path, tmp_path / "plain.zarr")

    store = RunStore(path)
    _, clouds = oracle.walk(drift, store.read("direction"))
    assert store.array("bits").attrs["format"] == drift.format
    for k, step in enumerate(drift.snapshot_steps):
        np.testing.assert_array_equal(store.read("bits")[k], oracle.bits(clouds[step]))
        if drift.survivors:
            there = oracle.present(drift, step)
            np.testing.assert_array_equal(store.read("present")[k], there)


@pytest.mark.slow
def test_a_resumed_run_starts_from_its_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"
    with pytest.raises(Stop):
        run.run(SMALL, path, on="cpu", checkpoint_seconds=0, progress=stop_after(7))
    (kept,) = zarr.open_group(path, mode="r")["checkpoint"].group_keys()
    resumed = []
    original = Simulation.resume
    monkeypatch.setattr(
        Simulation,
        "resume",
        lambda self, *at: resumed.append(at[0]) or original(self, *at),
    )
    run.run(SMALL, path, on="cpu")
    assert resumed == [int(kept)]
    assert "checkpoint" not in zarr.open_group(path, mode="r")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_waits_for_the_record_in_hand_and_its_cloud(
    number, plain, tmp_path, monkeypatch
):
    path, state_at = tmp_path / "run.zarr", Simulation._state_at

    def interrupted(self, step, *following):
        if step == SMALL.record_steps[4]:
            os.kill(os.getpid(), number)
        return state_at(self, step, *following)

    def stop(*_):
        raise Stop

    handler = signal.signal(number, stop)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Simulation, "_state_at", interrupted)
            with pytest.raises(Stop):
                run.run(SMALL, path, on="cpu")
    finally:
        signal.signal(number, handler)
    kept = zarr.open_group(path)["checkpoint"]
    assert [int(name) for name in kept.group_keys()] == [SMALL.record_steps[4]]
    assert len(RunStore(path).records()) == 5
    run.run(SMALL, path, on="cpu")
    assert_same_arrays(path, plain[0])


FAR = {
    "step": {"rounding": "stochastic"},
    "leap": {"schedule": "linear"},
    "leaving": {"schedule": "cosine", "survivors": 7, "master": "float32"},
}


@pytest.mark.parametrize("name", FAR)
def test_a_signal_between_far_records_is_heard_and_the_steps_are_kept(name, tmp_path, monkeypatch):
    drift = Drift(sigma=1e-9, tokens=20, dims=16, steps=1000, records=1, **FAR[name])
    save, resume, kept, resumed = ResumePoints.save_if_due, Simulation.resume, [], []

    def saved(self, step, held, since):
        if 300 <= step < 1000 and not kept:
            kept.append(step)
            os.kill(os.getpid(), signal.SIGTERM)
        save(self, step, held, since)

    def stop(*_):
        raise Stop

    monkeypatch.setattr(ResumePoints, "save_if_due", saved)
    monkeypatch.setattr(
        Simulation, "resume", lambda self, *at: resumed.append(at[0]) or resume(self, *at)
    )
    handler = signal.signal(signal.SIGTERM, stop)
    path = tmp_path / "run.zarr"
    try:
        with pytest.raises(Stop):
            run.run(drift, path, on="cpu")
        assert [int(step) for step in zarr.open_group(path)["checkpoint"].group_keys()] == kept
        assert len(RunStore(path).records()) == 1
        run.run(drift, path, on="cpu")
        assert resumed == kept
        kept.clear()
        signal.signal(signal.SIGTERM, lambda *_: None)  # which stops nothing
        run.run(drift, tmp_path / "plain.zarr", on="cpu")
        assert kept
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert_same_arrays(path, tmp_path / "plain.zarr")


@pytest.mark.slow
def test_a_checkpoint_that_was_not_finished_is_not_used(plain, tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"
    original, saved = snapshots.write_codes, []

    def write(array, at, rows, pool):
        if at is None:
            saved.append(array.path)
            if len(saved) == 2:
                raise Stop
        original(array, at, rows, pool)

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "write_codes", write)
        with pytest.raises(Stop):
            run.run(SMALL, path, on="cpu", checkpoint_seconds=0)
    assert len(list(zarr.open_group(path)["checkpoint"].group_keys())) == 2
    run.run(SMALL, path, on="cpu")
    assert_same_arrays(path, plain[0])


@pytest.mark.slow
def test_a_checkpoint_that_is_half_deleted_is_not_used(plain, tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"

    def half(group, name):
        for chunk in (path / name).rglob("c/*/*"):
            chunk.unlink()
        raise Stop

    with monkeypatch.context() as patch:
        with pytest.raises(Stop):
            run.run(SMALL, path, on="cpu", checkpoint_seconds=0, progress=stop_after(10))
        patch.setattr(zarr.Group, "__delitem__", half)
        with pytest.raises(Stop):
            run.run(SMALL, path, on="cpu")
    run.run(SMALL, path, on="cpu")
    assert_same_arrays(path, plain[0])


@pytest.mark.slow
def test_snapshots_of_named_steps_and_none(tmp_path):
    every = Drift(sigma=1e-9, tokens=9, dims=16, steps=40, at=(0, 7, 40), snapshots="records")
    run.run(every, tmp_path / "every.zarr", on="cpu")
    kept = RunStore(tmp_path / "every.zarr").read("bits")
    _, clouds = oracle.walk(every, direction("random", 16))
    for k, step in enumerate((0, 7, 40)):
        np.testing.assert_array_equal(kept[k], clouds[step].view(np.uint16))

    none = Drift(sigma=1e-9, tokens=9, dims=16, steps=40, at=(7,), snapshots="none")
    result = run.run(none, tmp_path / "none.zarr", on="cpu").as_json()
    assert "bits" not in arrays(tmp_path / "none.zarr")
    assert [c["step"] for c in result["records"]] == [7]
    assert (result["initial"]["step"], result["final"]["step"]) == (0, 40)


def test_a_complete_store_is_not_run_again_unless_told_to(plain):
    path, result = plain
    before = files(path)
    again = run.run(SMALL, path, on="cpu", progress=stop_after(1))
    assert again.was_complete
    assert files(path) == before
    other = dataclasses.replace(SMALL, seed=7, steps=3)
    found = "steps 40, not 3 and seed 0, not 7; --overwrite runs it anew, --out names another place"
    with pytest.raises(BadInput, match=f"is a complete run with {found}"):
        run.run(other, path, on="cpu")
    anew = run.run(SMALL, path, on="cpu", overwrite=True)
    assert not anew.was_complete
    assert again == anew
    assert {**anew.as_json(), "seconds": 0} == {**result, "seconds": 0}
    assert sorted(p.name for p in path.parent.iterdir()) == ["run.zarr"]


@pytest.mark.slow
def test_an_unfinished_run_of_another_spec_is_refused(tmp_path):
    path = tmp_path / "run.zarr"
    with pytest.raises(Stop):
        run.run(SMALL, path, on="cpu", progress=stop_after(3))
    other = Drift(**{**SMALL.as_json(), "seed": 1})
    with pytest.raises(BadInput, match="an unfinished run with seed 0, not 1"):
        run.run(other, path, on="cpu")
    run.run(other, path, on="cpu", overwrite=True)
    assert RunStore(path).attrs["spec"]["seed"] == 1


def test_a_direction_file_that_changed_is_noticed(in_tmp):
    np.save("u.npy", np.ones(128))
    drift = Drift(**{**SMALL.as_json(), "direction": "u.npy"})
    with pytest.raises(Stop):
        run.run(drift, Path("run.zarr"), on="cpu", progress=stop_after(3))
    np.save("u.npy", np.arange(128.0))
    with pytest.raises(BadInput, match="begun with another direction than"):
        run.run(drift, Path("run.zarr"), on="cpu")


def test_what_is_no_drift_store_is_left_alone(tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    file.write_text("mine")
    zarr.create_group(tmp_path / "other.zarr", zarr_format=3)
    for name in ("free.zarr.new", "free.zarr.old"):
        (tmp_path / name).mkdir()
    run.run(SMALL, tmp_path / "free.zarr", on="cpu")
    assert (tmp_path / "free.zarr.new").exists()
    assert (tmp_path / "free.zarr.old").exists()
    for path in (folder, file, tmp_path / "other.zarr"):
        for overwrite in (False, True):
            with pytest.raises(BadInput, match="is not a drift store"):
                run.run(SMALL, path, on="cpu", overwrite=overwrite)
    assert (folder / "thesis.tex").read_text() == file.read_text() == "mine"


def test_what_cannot_fit_is_refused_with_its_size(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match=r"need 465,781 GiB of memory; .* are free"):
        run.run(Drift(sigma=1.0, tokens=10**9, dims=10**5), tmp_path / "big.zarr", on="cpu")
    monkeypatch.setattr(memory, "free_memory", lambda: 2**60)
    with pytest.raises(BadInput, match=r"of disk; .* are free"):
        run.run(Drift(sigma=1.0, tokens=10**9, dims=10**5), tmp_path / "big.zarr", on="cpu")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="device tpu is not available; JAX finds cpu"):
        run.run(SMALL, tmp_path / "run.zarr", on="tpu")
    with pytest.raises(BadInput, match="device is 'npu'; it must be one of auto, cpu, gpu, tpu"):
        run.run(SMALL, tmp_path / "run.zarr", on="npu")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
@pytest.mark.slow
def test_killed_at_any_moment_it_resumes_to_the_same_arrays(tmp_path):
    drift = Drift(sigma=1e-9, tokens=64, dims=512, steps=400, records=100)
    run.run(drift, tmp_path / "plain.zarr", on="cpu")
    path = tmp_path / "killed.zarr"
    code = (
        "import sys; from pathlib import Path; from drift import Drift, run\n"
        "drift = Drift(sigma=1e-9, tokens=64, dims=512, steps=400, records=100)\n"
        "print('ready', flush=True)\n"
        "run(drift, Path(sys.argv[1]), on='cpu', checkpoint_seconds=0.2)\n"
    )
    for delay in (0.9, 1.4):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=os.environ
        )
        assert child.stdout
        child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    if not (path.exists() and RunStore(path).complete):
        run.run(drift, path, on="cpu")
    assert_same_arrays(path, tmp_path / "plain.zarr")
