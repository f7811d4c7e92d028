"""What a worker does, without a scheduler: here it is a thread of this process."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from drift.sim import device_check, interrupts
from drift.sim.devices import host_memory
from drift.sim.errors import BadInput
from drift.sim.sweeps import dask_worker
from drift.sim.sweeps.dask_worker import Share, SweepSetup
from drift.sim.sweeps.store import NAMES, SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import tiny

ALONE = Share(slot=0, neighbours=1, threads=1)


def setup(grid, **more):
    given = {"inputs": {}, "on": "cpu", "engine": "auto", "devices": 1, "memory": None}
    return SweepSetup("mine", {}, grid, **{**given, **more})


@pytest.fixture
def ready(monkeypatch):
    """A grid whose sweep is set up in this process, and what the worker says of itself."""
    executor, said = dask_worker.set_up(setup(tiny()), ALONE)
    monkeypatch.setitem(dask_worker._sweeps, "mine", executor)
    yield tiny(), said
    dask_worker.stop("mine", False)


def test_it_counts_what_a_sweep_here_counts(ready, tmp_path):
    grid, said = ready
    assert said["about"]["device"]["platform"] == "cpu"
    assert said["threads"] == 1
    found = dask_worker.count_batch("mine", np.array([2, 3]))
    sweep(grid, tmp_path / "a.zarr", on="cpu")
    store = SweepStore(tmp_path / "a.zarr")
    for name in NAMES:
        whole = store.read(name).reshape(len(grid), -1)
        for cell, records in zip(found.points, found.outcomes, strict=True):
            np.testing.assert_array_equal([getattr(r, name) for r in records], whole[cell])
    assert found.seconds >= found.compiling >= 0


def test_nothing_is_begun_of_a_sweep_that_is_being_stopped(ready):
    dask_worker.stop("mine", True)
    assert dask_worker.count_batch("mine", np.array([2, 3])) is None
    dask_worker.stop("mine", False)
    assert len(dask_worker.count_batch("mine", np.array([2, 3])).outcomes) == 2


def test_a_batch_in_hand_is_given_up_where_its_own_sweep_is_being_stopped(ready, monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE_SECONDS", 0.0)
    check, stopped = interrupts.give_up_if_pending, ["other"]

    def stopping():
        if stopped:
            dask_worker.stop(stopped.pop(0), True)
        check()

    monkeypatch.setattr(interrupts, "give_up_if_pending", stopping)
    assert len(dask_worker.count_batch("mine", np.array([2, 3])).outcomes) == 2
    stopped.append("mine")
    assert dask_worker.count_batch("mine", np.array([2, 3])) is None
    assert not stopped
    dask_worker.stop("other", False)
    dask_worker.stop("mine", False)
    assert len(dask_worker.count_batch("mine", np.array([2, 3])).outcomes) == 2


def test_other_files_than_the_sweep_rests_on_are_noticed(tmp_path):
    path = str(tmp_path / "u.npy")
    np.save(path, np.arange(1.0, 9.0))
    grid = tiny(direction=(path,))
    with pytest.raises(BadInput, match=r"its .*u\.npy differs from the sweep"):
        dask_worker.set_up(setup(grid, inputs={path: "0" * 64}), ALONE)


def test_memory_is_for_all_workers_of_a_machine(monkeypatch):
    monkeypatch.setattr(host_memory, "free_memory", lambda: 1 << 30)
    dask_worker.set_up(setup(tiny()), ALONE)
    crowded = Share(slot=0, neighbours=4, threads=1)
    with pytest.raises(BadInput, match=r"of memory; 0\.25 GiB are allowed"):
        dask_worker.set_up(setup(tiny()), crowded)
    with pytest.raises(BadInput, match=r"of memory; 0\.125 GiB are allowed"):
        dask_worker.set_up(setup(tiny(), memory=1 << 29), crowded)


def test_a_device_that_rounds_wrongly_takes_no_part(monkeypatch):
    def wrongly(on, arithmetic):
        raise RuntimeError(f"it does not round as it must: {arithmetic.rounding}")

    monkeypatch.setattr(device_check, "check_quickly", wrongly)
    with pytest.raises(RuntimeError, match="does not round as it must: nearest"):
        dask_worker.set_up(setup(tiny(jitter=(0.1,))), ALONE)


@pytest.mark.processes
@pytest.mark.slow
def test_each_process_of_a_machine_has_a_slot_of_its_own(tmp_path):
    code = "from drift.sim.sweeps.dask_worker import _slot; print(_slot(), flush=True); input()"
    places = {**os.environ, "TMPDIR": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": places}

    def one():
        process = subprocess.Popen([sys.executable, "-c", code], **pipes)
        return process, int(process.stdout.readline())

    first, second = one(), one()
    assert (first[1], second[1]) == (0, 1)
    first[0].kill()
    first[0].communicate()
    third = one()
    assert third[1] == 0, "whoever comes for another has its slot"
    for process, _ in (second, third):
        process.communicate("\n")


def test_signals_are_for_the_sweep_to_heed(monkeypatch):
    ignored = []
    monkeypatch.setattr(signal, "signal", lambda *given: ignored.append(given))
    dask_worker.dask_setup(None)
    assert ignored == [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_IGN)]


FAULTS = """
import resource
import numpy as np
from drift.sim.sweeps import dask_worker

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(1 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

taken = faults()
dask_worker.keep_freed_memory()
np.ones(1 << 20, np.uint8)
print(taken, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no mallopt")
def test_memory_is_kept_for_the_next_arrays_although_dask_wants_it_given_back():
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    found = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True
    )
    given_back, kept = map(int, found.stdout.split())
    assert given_back > 50 * 200
    assert kept < 50 * 20
