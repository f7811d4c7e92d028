"""Every bit and every count of the step engine against the oracle."""

import math
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drift.kernels.stepping import host
from drift.sim.devices import device
from drift.sim.devices.host import Host
from drift.sim.engines import choose
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.host import HostEngine
from drift.sim.engines.simulation import Simulation
from drift.sim.engines.step import StepEngine
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_layout import MOTION_COUNTS
from tests.support import oracle
from tests.support.drifts import assert_equal_states, drifts, states


@pytest.mark.slow
@settings(max_examples=24)
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
    if host.supports(drift.arithmetic):
        assert_equal_states(states(drift, engine="host")[1], found)
    for step, (counts, populations, codes) in enumerate(found):
        np.testing.assert_array_equal(codes, oracle.bits(clouds[step]))
        expected = oracle.counts(drift, held, clouds, step, u)
        there = clouds[step][oracle.present(drift, step)]
        assert populations.tolist() == [n for n in oracle.occupancies(there) if n > 1]
        got = counts.as_json()
        for name in MOTION_COUNTS:  # tests.sim.motions has their oracle
            got.pop(name)
        # The sums are exact; the oracle's float64 mean is not.
        spread = np.abs(clouds[step].astype(np.float64)).max()
        assert (
            abs(got.pop("radius") - expected.pop("radius")) <= 1e-6 * drift.radius + 1e-12 * spread
        )
        assert got == expected


@pytest.mark.slow
@settings(max_examples=4)
@given(drifts(), st.integers(1, 200), st.integers(1, 5))
def test_chunks_and_threads_change_nothing(drift, chunk_bytes, workers):
    _, plain = states(drift)
    _, chunked = states(drift, chunk_bytes, workers)
    assert_equal_states(plain, chunked)


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["step", "leap", "host"])
def test_a_simulation_that_rests_moves_again_once_it_is_taken_back(engine):
    drift = Drift(sigma=1e-9, tokens=20, dims=32, steps=2000)
    with ThreadPoolExecutor(2) as pool:
        on = Host() if engine == "host" else device.find_device("cpu")
        engine = "step" if engine == "host" else engine
        simulation = Simulation(drift, Chunks.plan(20, 32, 2), on, pool, engine)
        found = simulation.states([0, 50, 1500, 2000])
        start, since, first = next(found), simulation.since, list(found)
        codes = start.rows.span(0, 20).copy()
        counts = [(s.counts, s.populations.tolist()) for s in first]
        assert counts[1][0].stalled == 1.0
        simulation.resume(0, lambda start, stop: codes[start:stop], since)
        again = [(s.counts, s.populations.tolist()) for s in simulation.states([50, 1500, 2000])]
    assert again == counts


@pytest.mark.parametrize("fields", [{}, {"direction": "axis"}, {"radius": 0.0}])
def test_rest_is_noticed_where_tokens_leave_too(fields, monkeypatch):
    drift = Drift(**{"sigma": 1e-3, "tokens": 20, "dims": 2, "steps": 10**9, **fields}, survivors=7)
    moves, move, on_host = [], StepEngine.move, HostEngine._move
    monkeypatch.setattr(StepEngine, "move", lambda *given: moves.append(1) or move(*given))
    monkeypatch.setattr(HostEngine, "_move", lambda *given: moves.append(1) or on_host(*given))
    steps = (0, 1, 3, 10**6, 10**6 + 5, 5 * 10**8, 10**9)
    found = states(drift, steps=steps)[1]
    assert_equal_states(found, states(drift, engine="host", steps=steps)[1])
    assert len(moves) < 2000
    assert_equal_states(found, states(drift, engine="leap", steps=steps)[1])
    assert [counts.alive for counts, _, _ in found][-1] == 7
