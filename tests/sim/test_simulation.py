import math
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drift.kernels.formats import FORMATS, Rounding
from drift.sim.devices import device
from drift.sim.engines import choose
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.spec.drift import Drift, Schedule
from tests import oracle


def states(drift, chunk_bytes=16 << 20, workers=2, engine="step", steps=None):
    """Every state of a drift, or those of some steps; codes as one array."""
    with ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes)
        simulation = Simulation(drift, chunks, device.find_device("cpu"), pool, engine)
        found = list(simulation.states(range(drift.steps + 1) if steps is None else steps))
    return simulation.u, [
        (s.counts, s.populations, s.rows.span(0, drift.tokens).copy()) for s in found
    ]


def assert_equal_states(a, b):
    for (counts, populations, codes), (counts2, populations2, codes2) in zip(a, b, strict=True):
        assert counts == counts2
        np.testing.assert_array_equal(populations, populations2)
        np.testing.assert_array_equal(codes, codes2)


@st.composite
def drifts(draw):
    """Drifts of every format, rounding, schedule and motion that stay in range."""
    target = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    master = draw(st.sampled_from(["none", "none", "float32"]))
    roundings = ["nearest"] if master == "float32" else get_args(Rounding)
    tokens = draw(st.sampled_from([1, 2, 7, 40]))
    return Drift(
        # From one cell for all to no coalescence at all; few dims coalesce more easily.
        sigma=10.0 ** draw(st.floats(-20, math.log10(min(100.0, target.largest / 32)))),
        tokens=tokens,
        dims=draw(st.sampled_from([1, 2, 5])),
        radius=draw(st.sampled_from([0.0, 1e-6, 0.371, min(12.5, target.largest / 16)])),
        steps=draw(st.integers(1, 40)),
        direction=draw(st.sampled_from(["random", "diagonal", "axis"])),
        direction_seed=draw(st.integers(0, 3)),
        seed=draw(st.integers(0, 2**64 - 1)),
        format=target.name,
        rounding=draw(st.sampled_from(roundings)),
        schedule=draw(st.sampled_from(get_args(Schedule))),
        decay=draw(st.sampled_from([0.5, 0.99])),
        master=master,
        jitter=draw(st.sampled_from([0.0, 0.0, 0.1, 1.0])),
        survivors=draw(st.none() | st.integers(1, tokens)),
    )


@settings(max_examples=150)
@given(drifts())
@example(Drift(sigma=1e-9, tokens=40, dims=64, steps=33))
@example(Drift(sigma=1e-7, tokens=40, dims=5, steps=100))
@example(Drift(sigma=1e-9, tokens=40, dims=64, steps=40, jitter=0.3))
@example(Drift(sigma=1e-9, tokens=40, dims=64, steps=40, rounding="stochastic"))
def test_every_bit_and_every_count_is_the_oracles(drift):
    u, found = states(drift)
    held, clouds = oracle.walk(drift, u)
    if not choose.leap_unsupported_reason(drift):
        assert_equal_states(states(drift, engine="leap")[1], found)
    for step, (counts, populations, codes) in enumerate(found):
        np.testing.assert_array_equal(codes, oracle.bits(clouds[step]))
        expected = oracle.counts(drift, held, clouds, step, u)
        there = clouds[step][oracle.present(drift, step)]
        assert populations.tolist() == [n for n in oracle.occupancies(there) if n > 1]
        got = counts.as_json()
        # The sums are exact; the oracle's float64 mean is not.
        spread = np.abs(clouds[step].astype(np.float64)).max()
        assert (
            abs(got.pop("radius") - expected.pop("radius")) <= 1e-6 * drift.radius + 1e-12 * spread
        )
        assert got == expected


@settings(max_examples=15)
@given(drifts(), st.integers(1, 200), st.integers(1, 5))
def test_chunks_and_threads_change_nothing(drift, chunk_bytes, workers):
    _, plain = states(drift)
    _, chunked = states(drift, chunk_bytes, workers)
    assert_equal_states(plain, chunked)


def test_merged_tokens_stay_merged_and_the_cloud_arrives():
    _, found = states(Drift(sigma=1e-9, tokens=200, dims=256, steps=64))
    distinct = [counts.distinct for counts, _, _ in found]
    assert distinct == sorted(distinct, reverse=True)
    assert distinct[0] == 200
    assert distinct[-1] < 200


def stop_by_hand(c):
    """Where one coordinate, from 0 in steps of c > 0, stops: half its ulp reaches the step.

    Half an ulp of the binade [2**e, 2**(e+1)) is 2**(e-8), and a binade is entered
    at its lower end, an even point. So x stops at 2**e with 2**(e-8) > c, or one
    binade earlier where c is half an ulp there: a tie goes back to the even point.
    A c above half an ulp by less than the float32 sum can hold is such a tie too.
    """
    e = math.floor(math.log2(c)) + 8
    tie = np.float32(2.0**e) + np.float32(c) == np.float32(2.0**e + 2.0 ** (e - 8))
    return 2.0**e if tie else 2.0 ** (e + 1)


@pytest.mark.parametrize("steps", [1000, 5000, 32768])
def test_a_coordinate_stalls_where_half_its_ulp_reaches_the_step(steps):
    x = np.zeros(1, ml_dtypes.bfloat16)
    c = np.float32(1.0 / steps)
    for _ in range(steps):
        x = (x.astype(np.float32) + c).astype(ml_dtypes.bfloat16)
    assert float(x[0]) == stop_by_hand(float(c))

    drift = Drift(sigma=1e-30, tokens=1, dims=1, direction="axis", radius=1.0, steps=steps)
    with ThreadPoolExecutor(1) as pool:
        simulation = Simulation(drift, Chunks.plan(1, 1, 1), device.find_device("cpu"), pool)
        (state,) = simulation.states([steps])
    assert state.counts.radius == stop_by_hand(float(c))
    assert state.counts.stalled == 1.0


def test_a_thousand_steps_to_the_diarys_radius_stop_near_0_14():
    drift = Drift(sigma=1e-9, tokens=16, steps=1000)
    with ThreadPoolExecutor(2) as pool:
        simulation = Simulation(
            drift, Chunks.plan(16, drift.dims, 2), device.find_device("cpu"), pool
        )
        *_, last = simulation.states([900, 1000])
    assert last.counts.radius == pytest.approx(0.14, abs=0.005)
    assert last.counts.stalled == 1.0
    # By hand, from every coordinate's own stopping point.
    c = oracle.displacement(drift, simulation.u, 1).astype(np.float64)
    stops = np.array([math.copysign(stop_by_hand(abs(x)), x) for x in c])
    assert last.counts.radius == pytest.approx(float(stops @ simulation.u), rel=1e-12)


@pytest.mark.parametrize("engine", ["step", "leap"])
def test_a_simulation_that_rests_moves_again_once_it_is_taken_back(engine):
    drift = Drift(sigma=1e-9, tokens=20, dims=32, steps=2000)
    with ThreadPoolExecutor(2) as pool:
        simulation = Simulation(
            drift, Chunks.plan(20, 32, 2), device.find_device("cpu"), pool, engine
        )
        start, *first = simulation.states([0, 50, 1500, 2000])
        codes = start.rows.span(0, 20).copy()
        counts = [(s.counts, s.populations.tolist()) for s in first]
        assert counts[1][0].stalled == 1.0
        simulation.resume(0, lambda start, stop: codes[start:stop])
        again = [(s.counts, s.populations.tolist()) for s in simulation.states([50, 1500, 2000])]
    assert again == counts
