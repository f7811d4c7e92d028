"""Drifts moved together are what each of them is alone, to the bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import numpy as np
import pytest

from drift.sim.batches import batch, sizing
from drift.sim.devices import compilation
from drift.sim.devices.host import Host
from drift.sim.devices.shards import Shards
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift

KINDS = {
    "plain": {},
    "far, with a window that ends between records": {"steps": 300, "records": 7},
    "more records than steps": {"steps": 3, "records": 8},
    "some records": {"at": (3, 40, 41), "steps": 41},
    "at rest long before the end": {"steps": 20_000, "records": 5, "radius": 0.01},
    "at rest and some at once": {"steps": 900, "records": 3, "radius": 0.0},
    "survivors": {"survivors": 5},
    "survivors, at rest long before the end": {
        **{"survivors": 5, "steps": 20_000, "records": 5, "radius": 0.01}
    },
    "stochastic": {"rounding": "stochastic"},
    "toward zero": {"rounding": "toward-zero", "schedule": "cosine"},
    "masters": {"master": "float32"},
    "jitter": {"jitter": 0.5, "schedule": "linear", "steps": 150},
    "float8": {"format": "float8_e4m3fn", "radius": 20.0},
    "float32": {"format": "float32"},
}


@pytest.fixture(scope="module")
def device():
    return Shards.of(jax.devices("cpu")[0])


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def alone(drift, device, pool):
    """All its records, by the simulation."""
    chunks = Chunks.plan(drift.tokens, drift.dims, 1)
    states = Simulation(drift, chunks, device, pool).states(drift.record_steps)
    counts = {state.counts.step: state.counts for state in states}
    n, x = drift.records, drift.steps
    steps = drift.at or [int(k * x / n + 0.5) for k in range(n + 1)]
    return [counts[step] for step in steps]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_batch_gives_what_each_gives_alone(name, device, pool, monkeypatch):
    monkeypatch.setattr(sizing, "_MOST", 3)
    monkeypatch.setattr(sizing, "by_value", lambda *_: False)
    kind = {"radius": 0.371, "steps": 40, "records": 6, "dims": 17, "tokens": 30} | KINDS[name]
    scale = 2.0**-9 if kind.get("format") == "float8_e4m3fn" else 2.0**-29
    drifts = [
        Drift(
            sigma=scale * 2.0 ** (3 * k),
            seed=k,
            **{**kind, "radius": kind["radius"] / (1 + k % 2)},
            direction_seed=k % 3,
            snapshots="none",
        )
        for k in range(5)
    ]
    assert len({sizing.group_key(drift, "cpu") for drift in drifts}) == 1
    found = batch.count_batch(drifts, device, pool)
    assert found == [alone(drift, device, pool) for drift in drifts]
    last = [counts[-1].distinct for counts in found]
    if name in ("plain", "far, with a window that ends between records", "float8"):
        assert min(last) < 30, "some coalesce"
    if name != "at rest and some at once":
        assert len({tuple(c.radius for c in counts) for counts in found}) == 5


def test_small_drifts_that_stay_close_are_moved_by_value(device):
    near = Drift(sigma=1e-9, tokens=400, dims=256, steps=100, records=20)
    assert sizing.by_value(near, "cpu")
    assert sizing.by_value(near, "gpu")
    assert not sizing.by_value(near, "cpu", devices=2)
    for unfit in (
        *({"sigma": 0.02}, {"rounding": "stochastic"}, {"jitter": 0.1}, {"master": "float32"}),
        *({"at": (0,)}, {"tokens": 2212, "dims": 2560}),
    ):
        assert not sizing.by_value(replace(near, **unfit), "cpu"), unfit
    assert batch.batch_size(near, device) > batch.batch_size(replace(near, sigma=0.02), device)


def test_only_what_needs_jax_asks_for_its_devices(device):
    near = Drift(sigma=1e-9, tokens=40, dims=25, steps=10, records=2)
    assert isinstance(batch.devices_for([near], Host(), "auto"), Host)
    both = [near, replace(near, sigma=0.02)]
    assert batch.devices_for(both, Host(), "auto") == device
    assert batch.devices_for([near], device, "auto") == device


@pytest.mark.slow
def test_equal_tokens_of_two_members_do_not_share_a_cell(device, pool):
    same = Drift(sigma=1e-9, tokens=20, dims=8, steps=30, records=3)
    other = Drift(sigma=1e-9, tokens=20, dims=8, steps=30, records=3, radius=0.5)
    one, again, third = batch.count_batch([same, same, other], device, pool)
    assert one == again
    assert one == alone(same, device, pool)
    assert third == alone(other, device, pool)


@pytest.mark.slow
def test_any_number_of_drifts_needs_few_programs(device, pool):
    def drift(k):
        return Drift(
            sigma=1e-9, master="float32", tokens=21, dims=9, steps=10 ** (k % 4), records=4, seed=k
        )

    before = compilation.compiled()
    for k in range(12):
        batch.count_batch([drift(k)] * (1 + k % 5), device, pool)
    assert compilation.compiled() - before <= 2


@pytest.mark.slow
def test_what_is_large_or_leaps_goes_alone(device, pool):
    large = Drift(sigma=1e-9)
    assert batch.batch_size(large, device) == 1
    small = Drift(sigma=1e-9, tokens=20, dims=8, steps=30, records=3)
    assert batch.batch_size(small, device) > 1
    leaps = Drift(sigma=1e-9, tokens=20, dims=8, steps=10**7, records=2, schedule="cosine")
    assert batch.batch_size(leaps, device) == 1
    wide = Drift(sigma=1e-9, tokens=3, dims=900_000, steps=1, records=1)
    assert batch.batch_size(wide, device) == 1
    assert batch.count_batch([wide], device, pool) == [alone(wide, device, pool)]


def test_who_leaves_the_range_is_refused(device, pool):
    fits = Drift(sigma=1.0, tokens=20, dims=8, format="float8_e4m3fn", radius=1.0, steps=4)
    far = Drift(sigma=1.0, tokens=20, dims=8, format="float8_e4m3fn", radius=30_000.0)
    with pytest.raises(BadInput, match="radius is 30000"):
        batch.count_batch([fits, far], device, pool)


@pytest.mark.slow
def test_every_drift_of_a_batch_has_records_that_rise(device, pool):
    drifts = [Drift(sigma=1e-9, tokens=40, dims=30, seed=k, records=10) for k in range(3)]
    for counts in batch.count_batch(drifts, device, pool):
        assert [each.step for each in counts] == list(range(0, 101, 10))
        assert np.all(np.diff([each.distinct for each in counts]) <= 0)
