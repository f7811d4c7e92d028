"""Drifts moved by value are what each of them is alone, to the bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.sim.batches import by_value, sides
from drift.sim.batches.by_value import count_by_value
from drift.sim.devices.host import Host
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift

SIGMAS = {
    **{"bfloat16": (-10.0, -2.0), "float16": (-6.0, -2.0), "float8_e4m3fn": (-3.0, 0.0)},
    **{"float8_e5m2": (-3.0, 0.0), "float4_e2m1fn": (-1.0, -0.5)},
}


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def alone(drift, pool):
    """The counts of its records by step, by the simulation."""
    chunks = Chunks.plan(drift.tokens, drift.dims, 1)
    states = Simulation(drift, chunks, Host(), pool, "step").states(drift.record_steps)
    return {state.counts.step: state.counts for state in states}


@st.composite
def groups(draw):
    """Drifts of one group: their sigmas, radii, seeds, directions and steps differ."""
    name = draw(st.sampled_from(sorted(SIGMAS)))
    tokens, steps = draw(st.integers(2, 50)), draw(st.sampled_from([1, 2, 7, 30]))
    shared = {
        "tokens": tokens,
        "dims": draw(st.integers(1, 20)),
        "format": name,
        "rounding": draw(st.sampled_from(["nearest", "toward-zero"]))
        if name == "bfloat16"
        else "nearest",
        "schedule": draw(st.sampled_from(["constant", "linear", "cosine", "exponential"])),
        "survivors": draw(st.none() | st.integers(1, tokens)),
    }
    if draw(st.booleans()):
        shared["at"] = tuple(sorted(draw(st.sets(st.integers(1, steps), min_size=1))))
    else:
        shared["records"] = draw(st.integers(1, steps))
    one = st.fixed_dictionaries(
        {
            "sigma": st.floats(*SIGMAS[name]).map(lambda power: 10.0**power),
            "radius": st.sampled_from([0.0, 0.1, 0.371]),
            "seed": st.integers(0, 2),
            "steps": st.sampled_from([steps, steps + 1, 3 * steps]),
            "direction": st.sampled_from(["random", "diagonal"]),
            "direction_seed": st.integers(0, 1),
        }
    )
    each = draw(st.lists(one, min_size=1, max_size=5))
    return [Drift(**shared, **own, snapshots="none") for own in each]


@settings(max_examples=28)
@given(groups(), st.sampled_from([8, 1 << 16]))
def test_each_is_what_it_is_alone(drifts, at_once):
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        # Little work at a time is cut into many parts, which large clouds have.
        patch.setattr(sides, "_SIDES", at_once)
        patch.setattr(sides, "_MASKED", at_once)
        patch.setattr(by_value, "_SUMS", 1 if at_once == 8 else 1 << 17)
        patch.setattr(sides, "_THIN", 1 if at_once == 8 else 4)
        patch.setattr(by_value, "_MOTIONS", 2 if at_once == 8 else 16)
        patch.setattr(by_value, "SORTED", 1 if at_once == 8 else 1 << 22)
        patch.setattr(by_value, "_SCALED", 1 if at_once == 8 else 12)
        assert count_by_value(drifts, pool) == [alone(drift, pool) for drift in drifts]


KINDS = {
    "at rest long before the end": {"steps": 20_000, "records": 5, "radius": 0.01},
    "survivors, at rest": {"survivors": 5, "steps": 20_000, "records": 5, "radius": 0.01},
    "many records": {"steps": 300, "records": 150},
    "one step": {"steps": 1, "records": 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_far_runs_too(kind, pool):
    drifts = [
        Drift(sigma=2.0**-29 * 8**k, seed=k, tokens=40, dims=17, **KINDS[kind]) for k in range(4)
    ]
    assert count_by_value(drifts, pool) == [alone(drift, pool) for drift in drifts]


@pytest.mark.parametrize("rounding", ["nearest"])
def test_values_that_cross_zero_are_told_apart_and_counted_once(rounding, pool):
    # Values move from below zero to -0 and +0, stay, and go on.
    shared = {"tokens": 60, "dims": 2, "radius": 2.0, "steps": 4, "records": 4}
    drifts = [
        Drift(sigma=0.5 + k / 5, seed=k, format="float4_e2m1fn", rounding=rounding, **shared)
        for k in range(3)
    ]
    found = count_by_value(drifts, pool)
    assert found == [alone(drift, pool) for drift in drifts]
    assert len({counts.distinct for counts in found[0].values()}) > 2


def test_who_leaves_the_range_is_refused(pool):
    fits = Drift(sigma=1.0, tokens=20, dims=8, format="float8_e4m3fn", radius=1.0, steps=4)
    with pytest.raises(BadInput, match="radius is 3000"):
        count_by_value([fits, replace(fits, radius=3000.0)], pool)
    with pytest.raises(BadInput, match="a drawn value exceeds"):
        count_by_value([replace(fits, sigma=300.0)], pool)
