"""Clocks that jump: no time is ever measured by the one that people set."""

import time
from datetime import datetime

import pytest

from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores import lock
from drift.sim.stores.locate import locate
from drift.sim.stores.objects.lease import Lease
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import assert_same_arrays, stored_bytes, tiny

SMALL = Drift(sigma=1e-9, tokens=12, dims=8, steps=20, records=10)
DAYS = 86_400.0


@pytest.fixture
def jumping(monkeypatch):
    """Wall clocks that go ten days back, or on, each time somebody looks."""
    real, now = time.time, [0]

    def jumped():
        now[0] += 1
        return real() + (10 * DAYS if now[0] % 2 else -10 * DAYS)

    monkeypatch.setattr(time, "time", jumped)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumped() * 1e9))
    return jumped


@pytest.mark.slow
def test_runs_and_sweeps_neither_fail_nor_take_negative_time(tmp_path, jumping):
    run.run(SMALL, tmp_path / "plain.zarr", on="cpu")
    result = run.run(SMALL, tmp_path / "a.zarr", on="cpu", checkpoint_seconds=0).as_json()
    assert_same_arrays(tmp_path / "a.zarr", tmp_path / "plain.zarr")
    assert 0 < result["seconds"]["total"] < DAYS
    assert 0 <= result["seconds"]["compile"] < DAYS
    seen = []

    def progress(session):
        seen.append((session.seconds["total"], session.seconds_left))

    swept = sweep(tiny(), tmp_path / "grid.zarr", on="cpu", progress=progress).as_json()
    assert all(0 <= each < DAYS for each in swept["seconds"].values())
    assert all(0 < total < DAYS and 0 <= left < DAYS for total, left in seen)
    sweep(tiny(), tmp_path / "other.zarr", on="cpu")
    assert stored_bytes(tmp_path / "grid.zarr") == stored_bytes(tmp_path / "other.zarr")
    began = SweepStore(tmp_path / "grid.zarr").attrs["session"]["began"]
    assert datetime.fromisoformat(began).tzinfo is not None


def test_locks_and_leases_hold_whatever_the_clock_says(tmp_path, bucket, jumping):
    with lock.held(tmp_path / "a.zarr") as still:
        assert lock.is_held(tmp_path / "a.zarr")
        still()
    assert not lock.is_held(tmp_path / "a.zarr")
    with Lease(locate(f"{bucket}/a.zarr"), every=0.02) as lease:
        deadline = time.monotonic() + 10
        while lease._renewals < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
            lease.check()
        assert lease._renewals >= 4
        assert lock.is_held(f"{bucket}/a.zarr")
    assert not lock.is_held(f"{bucket}/a.zarr")
