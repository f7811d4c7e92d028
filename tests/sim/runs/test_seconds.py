"""The seconds of a run: which of its parts each of them is counted for."""

import time

import pytest

from drift.sim.clouds.initial import DrawnCloud
from drift.sim.counting.partition import Partition
from drift.sim.engines.host import HostEngine
from drift.sim.runs import prepare, run, snapshots
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore

TINY = Drift(sigma=1e-9, tokens=20, dims=16, steps=4, records=4)
NAP = 0.3
SLOW = {
    "a device that is looked for": (prepare, "_chosen", "start"),
    "a draw": (DrawnCloud, "codes", "draw"),
    "a step": (HostEngine, "observe", "move"),
    "a count": (Partition, "cells", "count"),
    "an empty store": (run, "create", "write"),
    "a snapshot": (snapshots, "write_codes", "write"),
    "a record": (RunStore, "put_record", "write"),
    "the end of a store": (RunStore, "finish", "write"),
    "what is told of it": (run, "summary", "write"),
}


def parts(seconds):
    return {name: seconds[name] for name in ("start", "draw", "move", "count", "write")}


@pytest.mark.parametrize(("owner", "name", "part"), SLOW.values(), ids=SLOW)
def test_what_is_slow_is_counted_for_its_part(tmp_path, monkeypatch, owner, name, part):
    usual, naps = getattr(owner, name), [NAP]

    def slow(*given, **named):
        time.sleep(naps.pop() if naps else 0)
        return usual(*given, **named)

    monkeypatch.setattr(owner, name, slow)
    seconds = run.run(TINY, tmp_path / "a.zarr", on="cpu")["seconds"]
    assert not naps
    assert max(parts(seconds), key=seconds.get) == part
    assert seconds[part] >= NAP


def test_the_parts_are_the_whole_and_the_store_knows_them_too(tmp_path):
    path = tmp_path / "a.zarr"
    seconds = run.run(TINY, path, on="cpu")["seconds"]
    stored = RunStore(path).attrs["seconds"]
    for each in (seconds, stored):
        assert each.keys() == {"total", "compile", *parts(each)}
        assert sum(parts(each).values()) == pytest.approx(each["total"])
        assert all(took > 0 for took in parts(each).values())
    assert stored["write"] < seconds["write"]  # it is told before its last write


def test_what_is_done_with_a_state_is_not_time_of_the_simulation(tmp_path):
    def nap(counts, done, total):
        time.sleep(0.1)

    seconds = run.run(TINY, tmp_path / "a.zarr", on="cpu", progress=nap)["seconds"]
    assert seconds["start"] >= 5 * 0.1
    assert seconds["total"] - seconds["start"] < 5 * 0.1
