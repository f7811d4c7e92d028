"""What a worker does, without a scheduler: here it is a thread of this process."""

import signal

import numpy as np
import pytest

from drift.sim.devices import device
from drift.sim.errors import BadInput
from drift.sim.sweeps.store import NAMES, SweepStore
from drift.sim.sweeps.sweep import sweep
from drift.sim.sweeps.workers import worker
from drift.sim.sweeps.workers.worker import Orders, Seat
from tests.support.builders import tiny

SEAT = Seat(index=0, neighbours=1, threads=1)


def orders(grid, **more):
    given = {"inputs": {}, "on": "cpu", "engine": "auto", "devices": 1, "memory": None}
    return Orders("mine", grid, **{**given, **more})


def test_it_counts_what_a_sweep_here_counts(tmp_path):
    grid = tiny()
    met = worker.meet(orders(grid), SEAT)
    assert met.about["device"]["platform"] == "cpu"
    assert met.threads == 1
    found = worker.count("mine", np.array([2, 3]))
    sweep(grid, tmp_path / "a.zarr", on="cpu")
    store = SweepStore(tmp_path / "a.zarr")
    for name in NAMES:
        whole = store.read(name).reshape(len(grid), -1)
        for cell, records in zip(found.cells, found.outcomes, strict=True):
            np.testing.assert_array_equal([getattr(r, name) for r in records], whole[cell])
    assert found.seconds >= found.compiling >= 0


def test_it_forgets_what_it_left():
    worker.meet(orders(tiny()), SEAT)
    worker.leave("mine")
    with pytest.raises(KeyError):
        worker.count("mine", np.array([0]))
    worker.leave("mine")


def test_other_files_than_the_sweep_rests_on_are_noticed(tmp_path):
    path = str(tmp_path / "u.npy")
    np.save(path, np.arange(1.0, 9.0))
    grid = tiny(direction=(path,))
    with pytest.raises(BadInput, match=r"finds another .*u\.npy than the sweep does"):
        worker.meet(orders(grid, inputs={path: "0" * 64}), SEAT)


def test_memory_is_for_all_workers_of_a_machine(monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda: 1 << 30)
    worker.meet(orders(tiny()), SEAT)
    crowded = Seat(index=0, neighbours=4, threads=1)
    with pytest.raises(BadInput, match=r"of memory; 0\.25 GiB are allowed"):
        worker.meet(orders(tiny()), crowded)
    with pytest.raises(BadInput, match=r"of memory; 0\.125 GiB are allowed"):
        worker.meet(orders(tiny(), memory=1 << 29), crowded)


def test_signals_are_for_the_sweep_to_heed(monkeypatch):
    ignored = []
    monkeypatch.setattr(signal, "signal", lambda *given: ignored.append(given))
    worker.dask_setup(None)
    assert ignored == [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_IGN)]
