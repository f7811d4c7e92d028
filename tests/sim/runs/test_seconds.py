"""The seconds of a run: which of its parts each of them is counted for."""

from types import SimpleNamespace

import pytest

from drift.sim import stopwatch
from drift.sim.clouds.initial import DrawnCloud
from drift.sim.counting.partition import Partition
from drift.sim.engines.host import HostEngine
from drift.sim.runs import begin, prepare, run, snapshots
from drift.sim.runs.ran import Ran
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore

TINY = Drift(sigma=1e-9, tokens=20, dims=16, steps=4, records=4)
SLOW = {
    "a device that is looked for": (prepare, "_chosen", "start"),
    "a draw": (DrawnCloud, "codes", "draw"),
    "a step": (HostEngine, "observe", "move"),
    "a count": (Partition, "cells", "count"),
    "an empty store": (begin, "create", "write"),
    "a snapshot": (snapshots, "write_codes", "write"),
    "a record": (RunStore, "put_record", "write"),
    "the end of a store": (RunStore, "finish", "write"),
    "what is told of it": (Ran, "of", "write"),
}


def parts(seconds):
    return {name: seconds[name] for name in ("start", "draw", "move", "count", "write")}


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told otherwise: clock.now += 1."""
    clock = SimpleNamespace(now=5.0)
    for each in (stopwatch, run):
        monkeypatch.setattr(each, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.mark.parametrize(("owner", "name", "part"), SLOW.values(), ids=SLOW)
def test_what_is_slow_is_counted_for_its_part(tmp_path, monkeypatch, clock, owner, name, part):
    usual, calls = getattr(owner, name), []

    def slow(*given, **named):
        clock.now += 1
        calls.append(name)
        return usual(*given, **named)

    monkeypatch.setattr(owner, name, slow)
    seconds = run.run(TINY, tmp_path / "a.zarr", on="cpu").as_json()["seconds"]
    assert seconds["total"] == len(calls) > 0
    assert parts(seconds) == dict.fromkeys(parts(seconds), 0.0) | {part: len(calls)}


def test_the_parts_are_the_whole_and_the_store_knows_them_too(tmp_path):
    path = tmp_path / "a.zarr"
    seconds = run.run(TINY, path, on="cpu").as_json()["seconds"]
    stored = RunStore(path).attrs["seconds"]
    for each in (seconds, stored):
        assert each.keys() == {"total", "compile", *parts(each)}
        assert sum(parts(each).values()) == pytest.approx(each["total"])
        assert all(took > 0 for took in parts(each).values())
    assert stored["write"] < seconds["write"]  # it is told before its last write


def test_what_is_done_with_a_state_is_not_time_of_the_simulation(tmp_path, clock):
    def wait(counts, done, total):
        clock.now += 1

    seconds = run.run(TINY, tmp_path / "a.zarr", on="cpu", progress=wait).as_json()["seconds"]
    assert parts(seconds) == dict.fromkeys(parts(seconds), 0.0) | {"start": 5}
