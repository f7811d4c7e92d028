"""What was asked, done and moved since the last record, against plain sums."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drift
from drift.kernels.exact_sum import LIMBS, from_limbs
from drift.kernels.stepping import host
from drift.sim.engines.choose import leap_unsupported_reason
from drift.sim.motions.make import motion_of
from drift.sim.motions.since import RecordSums, mean_change, shortened
from drift.sim.spec.drift import Drift
from tests.support.builders import Stop, stop_after
from tests.support.drifts import SMALL, states

KINDS = {
    "straight": {},
    "linear": {"schedule": "linear", "survivors": 7},
    "adamw": {"motion": "adamw", "gradient": 0.3, "lr": 1e-5},
    "decay": {"weight_decay": 0.02, "survivors": 20},
    "master": {"master": "float32"},
    "small": {"radius": 1e-12},
}


def drift_of(name, **more):
    return Drift(**{**SMALL.as_json(), "records": 6, "snapshots": "records", **KINDS[name], **more})


def plain(d, found, steps):
    """The three counts at some steps from the codes and who is present, in float64."""
    motion = motion_of(d)
    c = motion.displacements(1, d.steps).astype(np.float64)
    kind, told, last = d.target.dtype, [], 0
    for step in steps:
        seen = [found[s][2].view(kind).astype(np.float64) for s in (max(step - 1, 0), step, last)]
        there = [found[s][3] for s in (step, last)]
        change = seen[1][there[0]].mean(axis=0) - seen[2][there[1]].mean(axis=0)
        moved = np.mean((seen[0] != seen[1])[there[0]])
        told.append((np.linalg.norm(c[last:step].sum(axis=0)), np.linalg.norm(change), moved))
        last = step
    return told


@pytest.mark.parametrize("name", KINDS)
def test_they_are_those_of_plain_sums(name):
    from drift.sim.clouds.drawn import survivor_ranks

    d = drift_of(name)
    ranks = survivor_ranks(d)
    _, every = states(drift_of(name, records=d.steps), engine="host")
    found = [(*each, ranks < d.alive(step)) for step, each in enumerate(every)]
    counted = [each[0] for each in states(d, engine="host", steps=d.record_steps)[1]]
    for each, (asked, done, moved) in zip(counted, plain(d, found, d.record_steps), strict=True):
        assert each.asked == pytest.approx(asked, rel=1e-6)
        assert each.done == pytest.approx(done, rel=1e-6, abs=1e-15)
        if name != "master":  # whose values move unseen
            assert each.moved == pytest.approx(moved, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_no_engine_changes_a_bit_of_them(name):
    d = drift_of(name)
    expected = [each[0] for each in states(d, engine="host", steps=d.record_steps)[1]]
    assert host.supports(d.arithmetic)
    engines = ["step"] + ([] if leap_unsupported_reason(d) else ["leap"])
    for engine in engines:
        found = [each[0] for each in states(d, engine=engine, steps=d.record_steps)[1]]
        assert found == expected


@pytest.mark.parametrize("name", ["straight", "decay", "adamw"])
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_a_run_that_goes_on_counts_what_the_whole_one_does(tmp_path, name, every):
    d = drift_of(name)
    drift.run(d, tmp_path / "whole.zarr", on="cpu")
    for stop in (2, 5):
        options = {"progress": stop_after(stop), "checkpoint_seconds": every}
        with pytest.raises(Stop):
            drift.run(d, tmp_path / "a.zarr", on="cpu", **options)
    drift.run(d, tmp_path / "a.zarr", on="cpu")
    found, expected = (drift.RunStore(tmp_path / n).records() for n in ("a.zarr", "whole.zarr"))
    assert found == expected


def test_a_sweep_counts_what_runs_do(tmp_path):
    grid = drift.Grid.given(
        {
            "sigma": (1e-9, 1e-7),
            "seed": range(5),
            "tokens": 60,
            "dims": 32,
            "records": 4,
            "steps": 40,
        }
    )
    drift.sweep(grid, tmp_path / "a.zarr", on="cpu")
    store = drift.SweepStore(tmp_path / "a.zarr")
    for point in (0, 7):
        d = grid.drift(point)
        records = drift.simulate(d, on="cpu").records
        at = np.unravel_index(point, grid.shape)
        for name in ("asked", "done", "moved"):
            assert store.read(name, at).tolist() == [getattr(each, name) for each in records]


@given(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_limbs_that_are_nothing_change_no_bit(used, used_before, alike, seed):
    rng, exponent = np.random.default_rng(seed), int(seed % 40) - 20

    def sums(step, alive, used):
        limbs = np.zeros((LIMBS, 5), np.int64)
        limbs[:used] = rng.integers(-(alive << 15), alive << 15, (used, 5))
        return RecordSums(step, alive, limbs * rng.choice([0, 1], (LIMBS, 1)))

    before, after = sums(3, 7, used_before), sums(9, 7 if alike else 4, used)
    short = shortened(before, after)
    assert len({len(each.limbs) for each in short}) == 1
    whole = mean_change(before, after, exponent)
    assert mean_change(*short, exponent).tobytes() == whole.tobytes()
    u = rng.normal(size=5)
    for full, brief in zip((before, after), short, strict=True):
        assert not full.limbs[len(brief.limbs) :].any()
        terms = [from_limbs(each.limbs, exponent) * u for each in (full, brief)]
        whole, less = (math.fsum(each.ravel().tolist()) for each in terms)
        assert math.copysign(1, whole) == math.copysign(1, less)
        assert whole == less
