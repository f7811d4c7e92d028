"""Sweeps in this process: what they count, resume, refuse, and what fails in them."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.metadata import version

import numpy as np
import pytest
from jax.errors import JaxRuntimeError

from drift.sim import interrupts
from drift.sim.batches import batch, sizing
from drift.sim.devices.host import Host
from drift.sim.errors import BadInput, Unfinished
from drift.sim.runs.run import run
from drift.sim.source_digest import short_digest
from drift.sim.spec.rules import recorded
from drift.sim.stores import lock, resume
from drift.sim.stores.local_files import LocalFiles
from drift.sim.stores.locate import locate
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps import plan, point_order
from drift.sim.sweeps.point_order import PointGroups, batches
from drift.sim.sweeps.store import NAMES, SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import TINY, stored_bytes, tiny


class Stop(Exception):
    """The power goes out."""


def stop_after(calls):
    left = [calls]

    def progress(session):
        left[0] -= 1
        if not left[0]:
            raise Stop

    return progress


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed sweep: its store and its result."""
    path = tmp_path_factory.mktemp("whole") / "a.zarr"
    return path, sweep(tiny(), path, on="cpu").as_json()


GRIDS = {
    "small": {},
    "no axis": {"sigma": (1e-9,), "steps": (5,), "seed": (0,)},
    "motions": {"rounding": ("nearest", "stochastic"), "jitter": (0.0, 0.5), "steps": (40,)},
    "shapes": {"tokens": (12, 7), "format": ("bfloat16", "float8_e5m2"), "seed": (0,)},
    "leaving": {"survivors": (None, 3), "schedule": ("cosine", "constant"), "radius": (0.1, 1.0)},
    "repeats": {"direction": ("axis", "random"), "records": (60,)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_every_cell_has_the_counts_of_a_run_of_its_drift(name, tmp_path):
    grid = tiny(**GRIDS[name])
    result = sweep(grid, tmp_path / "a.zarr", on="cpu").as_json()
    assert (result["cells"], result["done"], result["failed"]) == (len(grid), len(grid), 0)
    store = SweepStore(tmp_path / "a.zarr")
    assert store.complete
    columns = {count: store.read(count).reshape(len(grid), -1) for count in NAMES}
    for cell in range(0, len(grid), max(1, len(grid) // 4)):
        drift = grid.drift(cell)
        run(drift, tmp_path / f"{cell}.zarr", on="cpu")
        counted = {counts.step: counts for counts in RunStore(tmp_path / f"{cell}.zarr").records()}
        for k, step in enumerate(recorded(drift.steps, drift.records)):
            expected = counted[step]
            assert {name: columns[name][cell, k] for name in NAMES} == {
                name: getattr(expected, name) for name in NAMES
            }


def test_the_result_is_json_and_measures_its_own_time(whole):
    path, result = whole
    assert json.loads(json.dumps(result)) == result
    assert result.keys() == {"store", "cells", "done", "failed", "seconds"}
    seconds = result["seconds"]
    assert seconds.keys() == {"total", "compile", "compute"}
    assert 0 < seconds["compute"] < seconds["total"] - seconds["compile"]
    attrs = SweepStore(path).attrs
    assert attrs["seconds"]["compute"] == pytest.approx(seconds["compute"])
    assert attrs["device"] == {"platform": "cpu", "kind": "cpu"}
    assert attrs["versions"].keys() >= {"bf16-drift", "jax", "numpy"}
    assert (attrs["sessions"], attrs["session"]["cells"]) == (1, len(tiny()))


def test_one_that_was_stopped_goes_on_without_counting_again(whole, tmp_path, monkeypatch):
    path, counted = tmp_path / "a.zarr", []
    original = batch.count_batch

    def noting(drifts, **rest):
        counted.extend(drifts)
        return original(drifts, **rest)

    monkeypatch.setattr(batch, "count_batch", noting)
    monkeypatch.setattr(sizing, "_MOST_BY_VALUE", 3)
    for _ in range(2):
        with pytest.raises(Stop):
            sweep(tiny(), path, on="cpu", progress=stop_after(1), flush_seconds=60.0)
    result = sweep(tiny(), path, on="cpu").as_json()
    assert stored_bytes(path) == stored_bytes(whole[0])
    assert len(counted) == len(set(counted)) == len(tiny()) == result["done"]
    attrs = SweepStore(path).attrs
    assert attrs["sessions"] == 3
    assert attrs["seconds"]["total"] > result["seconds"]["total"]


@pytest.mark.parametrize("fields", [{}, {"rounding": ("stochastic",)}, {"tokens": (3000,)}])
def test_a_batch_that_takes_long_is_given_up_for_a_signal_and_counted_later(
    tmp_path, monkeypatch, fields
):
    made = tiny(**{"steps": (200,), "schedule": ("linear",), **fields})
    monkeypatch.setattr(interrupts, "PATIENCE_SECONDS", 0.0)
    check, heard = interrupts.give_up_if_pending, threading.Lock()

    def signalled():
        if heard.acquire(blocking=False):  # of several threads one alone sends it
            time.sleep(0.1)  # the main thread waits; one that is about to wait hears nothing
            os.kill(os.getpid(), signal.SIGTERM)
            # The main thread hears it, wherever this is; another thread may be sooner to see that.
            deadline = time.monotonic() + 10
            while not interrupts.pending() and time.monotonic() < deadline:
                time.sleep(0.01)
        check()

    def stop(*_):
        raise Stop

    monkeypatch.setattr(interrupts, "give_up_if_pending", signalled)
    handler = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stop):
            sweep(made, tmp_path / "a.zarr", on="cpu")
        assert not SweepStore(tmp_path / "a.zarr").done.any()
        heard.release()
        signal.signal(signal.SIGTERM, lambda *_: None)  # which stops nothing
        sweep(made, tmp_path / "b.zarr", on="cpu")
        assert heard.locked()
    finally:
        signal.signal(signal.SIGTERM, handler)
    sweep(made, tmp_path / "a.zarr", on="cpu")
    assert stored_bytes(tmp_path / "a.zarr") == stored_bytes(tmp_path / "b.zarr")


def failing(monkeypatch, blame, error):
    """From now on cells of a seed fail."""
    original = batch.count_batch

    def counted(drifts, **rest):
        if any(drift.seed == blame for drift in drifts):
            raise error
        return original(drifts, **rest)

    monkeypatch.setattr(batch, "count_batch", counted)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("RESOURCE_EXHAUSTED:\n  no room"),
            "RuntimeError: RESOURCE_EXHAUSTED: no room",
        ),
        (MemoryError(), "out of memory: 12 tokens of 8 dims were reckoned to need 0.375 GiB"),
        (
            JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 7 bytes."),
            "out of memory: 12 tokens of 8 dims were reckoned to need 0.375 GiB of memory; ",
        ),
        (BadInput("radius is 7\x1b[31m; too far"), r"radius is 7\x1b[31m; too far"),
    ],
)
def test_cells_that_fail_are_noted_and_tried_again_when_told(
    whole, tmp_path, monkeypatch, error, reason
):
    path = tmp_path / "a.zarr"
    with monkeypatch.context() as patch:
        failing(patch, 1, error)
        result = sweep(tiny(), path, on="cpu").as_json()
        assert (result["done"], result["failed"]) == (6, 6)
    store = SweepStore(path)
    odd = [cell for cell in range(12) if tiny().drift(cell).seed == 1]
    assert [*store.failed] == odd
    assert all(said.startswith(reason) for said in store.failed.values())
    assert not store.complete
    assert not store.done.ravel()[odd].any()
    assert (store.read("distinct").reshape(12, -1)[odd] == -1).all()
    # The same line again leaves them alone, and still says that they failed.
    result = sweep(tiny(), path, on="cpu").as_json()
    assert (result["done"], result["failed"]) == (6, 6)
    result = sweep(tiny(), path, on="cpu", retry_failed=True).as_json()
    assert (result["done"], result["failed"]) == (12, 0)
    assert stored_bytes(path) == stored_bytes(whole[0])
    assert SweepStore(path).complete
    assert SweepStore(path).failed == {}


def test_a_cell_beyond_the_formats_range_fails_alone(tmp_path):
    grid = tiny(radius=(0.1, 1e39), steps=(5,))
    result = sweep(grid, tmp_path / "a.zarr", on="cpu").as_json()
    assert (result["done"], result["failed"]) == (4, 4)
    reasons = SweepStore(tmp_path / "a.zarr").failed
    assert all("the largest radius that fits" in reason for reason in reasons.values())
    assert all(grid.drift(cell).radius == 1e39 for cell in reasons)


def test_a_complete_one_is_not_swept_again_unless_told_to(whole, tmp_path):
    path = tmp_path / "a.zarr"
    first = sweep(tiny(), path, on="cpu")
    again = sweep(tiny(), path, on="cpu", progress=stop_after(1))
    assert (first.was_complete, again.was_complete, again == first) == (False, True, True)
    with pytest.raises(BadInput, match="is a complete sweep with seed 0, 1, not 5; --overwrite"):
        sweep(tiny(seed=(5,)), path, on="cpu")
    sweep(tiny(seed=(5,)), path, on="cpu", overwrite=True)
    assert SweepStore(path).grid == tiny(seed=(5,))
    assert [each.name for each in tmp_path.iterdir()] == ["a.zarr"]


OTHERS = {
    "radius": ({"radius": (0.5,)}, "with radius 0.371, not 0.5"),
    "rounding": ({"rounding": ("toward-zero",)}, "with rounding nearest, not toward-zero"),
    "axis": ({"steps": (1, 5, 50)}, "with steps 1, 5, 40, not 1, 5, 50"),
    "order": ({"seed": (1, 0)}, "with seed 0, 1, not 1, 0"),
    "no axis": ({"seed": (0,)}, "with seed 0, 1, not 0"),
    "longer": ({"seed": range(9)}, r"with seed 0, 1, not 0 … 8 \(9 values\)"),
    "records": ({"records": (7,)}, "with records 6, not 7"),
}


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    path = tmp_path_factory.mktemp("unfinished") / "a.zarr"
    with pytest.raises(Stop):
        sweep(tiny(), path, on="cpu", progress=stop_after(1))
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_an_unfinished_one_of_another_grid_is_refused(unfinished, name):
    fields, message = OTHERS[name]
    before = stored_bytes(unfinished)
    with pytest.raises(BadInput, match=f"is an unfinished sweep {message}; --overwrite replaces"):
        sweep(tiny(**fields), unfinished, on="cpu")
    assert stored_bytes(unfinished) == before


def test_one_of_another_version_is_refused(unfinished, monkeypatch):
    monkeypatch.setattr(resume, "version", lambda name: "9.9")
    with pytest.raises(BadInput, match=r"was begun by version 0\.1\.0, this is 9\.9"):
        sweep(tiny(), unfinished, on="cpu")


def test_one_of_other_code_or_libraries_is_refused_and_both_are_named(unfinished, monkeypatch):
    mine = short_digest()
    assert SweepStore(unfinished).attrs["sources"] == mine
    with monkeypatch.context() as patch:
        patch.setattr(resume, "short_digest", lambda: "0123456789ab")
        said = (
            rf"begun by drift \S+ of other code \(its sources are {mine}, here 0123456789ab\);"
            " go on with that one, or --overwrite replaces it$"
        )
        with pytest.raises(BadInput, match=said):
            sweep(tiny(), unfinished, on="cpu")
    numpy = version("numpy")
    with monkeypatch.context() as patch:
        patch.setattr(resume, "version", lambda name: "1.0" if name == "numpy" else version(name))
        with pytest.raises(BadInput, match=rf"begun with numpy {numpy}, here it is 1.0; go on"):
            sweep(tiny(), unfinished, on="cpu")


def test_a_direction_file_that_changed_is_noticed(in_tmp):
    np.save("u.npy", np.ones(8))
    grid = tiny(direction=("axis", "u.npy"))
    with pytest.raises(Stop):
        sweep(grid, in_tmp / "a.zarr", on="cpu", progress=stop_after(1))
    np.save("u.npy", np.arange(8.0))
    with pytest.raises(BadInput, match=r"was begun with a different u\.npy;"):
        sweep(grid, in_tmp / "a.zarr", on="cpu")


BAD = {
    "a value": ({"sigma": (1e-9, 0.0)}, "sigma is 0; it must be 2"),
    "in the middle": ({"decay": (0.9, 2.0, 0.5)}, "decay is 2; it must be between 0 and 1"),
    "a name": ({"format": ("bfloat16", "fp8")}, "format is 'fp8'"),
    "two names": ({"rounding": ("nearest", "stochastic"), "master": ("none", "float32")}, "master"),
    "two numbers": ({"survivors": (5, 11), "tokens": (12, 10)}, "survivors is 11"),
    "a direction": ({"direction": ("axis", "up")}, "direction is 'up'"),
    "a file": ({"direction": ("axis", "u.npy")}, "there is no such file"),
    "too large": ({"tokens": (12, 10**12)}, "GiB of memory"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_in_any_cell_is_refused_before_anything_is_written(in_tmp, name):
    fields, message = BAD[name]
    with pytest.raises(BadInput, match=message):
        sweep(tiny(**fields), in_tmp / "a.zarr", on="cpu")
    assert list(in_tmp.iterdir()) == []


def test_an_engine_that_does_not_apply_is_refused(tmp_path):
    with pytest.raises(BadInput, match="engine is leap, which does not support jitter"):
        sweep(tiny(jitter=(0.0, 0.5)), tmp_path / "a.zarr", on="cpu", engine="leap")
    for engine in ("leap", "step"):
        sweep(tiny(), tmp_path / f"{engine}.zarr", on="cpu", engine=engine)
    assert stored_bytes(tmp_path / "leap.zarr") == stored_bytes(tmp_path / "step.zarr")


@pytest.mark.processes
@pytest.mark.slow
def test_two_at_once_are_one_too_many_and_a_dead_one_is_none(tmp_path, whole):
    path = tmp_path / "a.zarr"
    with lock.held(path):
        assert lock.is_held(path)
        with pytest.raises(BadInput, match="is being written by another process"):
            sweep(tiny(), path, on="cpu")
    assert list(tmp_path.iterdir()) == []
    code = (
        "import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    )
    file = tmp_path / ".a.zarr.drift-lock"
    child = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(BadInput, match="is being written by another process"):
        sweep(tiny(), path, on="cpu")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert file.exists()
    assert not lock.is_held(path)
    sweep(tiny(), path, on="cpu")
    assert stored_bytes(path) == stored_bytes(whole[0])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, whole, monkeypatch):
    path, original, room = tmp_path / "a.zarr", LocalFiles.set, [1000]

    async def set_(self, key, value):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        await original(self, key, value)

    def fill_up(session):
        room[0] = 3

    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "set", set_)
        with pytest.raises(
            Unfinished, match="No space left on device; 8 grid points are left, and the"
        ):
            sweep(tiny(), path, on="cpu", flush_seconds=0.0, progress=fill_up)
        room[0] = 5
        with pytest.raises(Unfinished, match=r"b\.zarr can't be written: No space left on device"):
            sweep(tiny(), tmp_path / "b.zarr", on="cpu")
    assert SweepStore(path).done.sum() == 4
    for name in ("a.zarr", "b.zarr"):
        sweep(tiny(), tmp_path / name, on="cpu")
        assert stored_bytes(tmp_path / name) == stored_bytes(whole[0])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_cells_are_counted_by_kind_the_cheapest_first_and_each_once():
    grid = tiny(**{**TINY, "steps": (40, 1, 5), "jitter": (0.0, 0.5)})
    groups = PointGroups(grid, "cpu")
    assert len(groups.costs) == 6
    cells = np.flatnonzero(np.arange(len(grid)) % 5 != 2)
    found = list(batches(grid, groups, cells, lambda drift: 3))
    assert sorted(np.concatenate(found).tolist()) == cells.tolist()
    costs = []
    for some in found:
        assert len(some) <= 3
        drifts = [grid.drift(cell) for cell in some.tolist()]
        assert len({sizing.group_key(drift, "cpu") for drift in drifts}) == 1
        costs.append(groups.cost(some) / len(some))
    assert costs == sorted(costs)
    assert groups.cost(cells) == pytest.approx(sum(groups.cost(some) for some in found))


def test_a_large_grid_is_gone_through_region_by_region(monkeypatch):
    from drift.sim.sweeps import point_order, store

    monkeypatch.setattr(store, "_CHUNK_VALUES", 2 * 7)
    monkeypatch.setattr(point_order, "REGION_BYTES", 3 * 2 * 7 * 8 * 12)
    grid = tiny()
    found = list(batches(grid, PointGroups(grid, "cpu"), np.arange(12), lambda drift: 12))
    assert [some.tolist() for some in found] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]


def test_what_is_known_before_a_sweep_is_written_nowhere(tmp_path):
    made = plan.plan(tiny(), "cpu")
    assert made.disk == 12 * (7 * 12 * 8 + 1)
    done, failed = made.standing(locate(tmp_path / "a.zarr"))
    assert (done.sum(), failed) == (0, [])
    assert point_order.to_count(done, [3], retry_failed=False).tolist() == [0, 1, 2, *range(4, 12)]
    assert len(point_order.to_count(done, [3], retry_failed=True)) == 12
    assert list(tmp_path.iterdir()) == []


def test_points_that_go_by_value_leave_an_accelerator_in_peace(monkeypatch):
    asked = []

    def find_devices(name, count, worker):
        asked.append(name)
        raise BadInput("no device is looked for")

    monkeypatch.setattr(plan.device, "find_devices", find_devices)
    for on in ("auto", "cpu"):
        assert isinstance(plan.plan(tiny(), on).shards, Host)
    for on, grid in (("gpu", tiny()), ("auto", tiny(sigma=(1e-9, 0.02)))):
        with pytest.raises(BadInput, match="no device"):
            plan.plan(grid, on)
    assert asked == ["gpu", "auto"]
