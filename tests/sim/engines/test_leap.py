"""The leap engine against the step engine, which the oracle judges, far from step to step."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drift.kernels.stepping import host
from drift.kernels.value_map import power
from drift.sim.devices import device
from drift.sim.engines import choose
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.rows import initial_sums
from drift.sim.engines.simulation import Simulation
from drift.sim.spec.drift import Drift
from tests.support.drifts import assert_equal_states, drifts, states


@pytest.mark.slow
@settings(max_examples=20)
@given(
    drifts().filter(lambda drift: not choose.leap_unsupported_reason(drift)),
    st.integers(1, 3000),
    st.lists(st.integers(0, 3000), max_size=4),
)
@example(
    Drift(sigma=1e-9, tokens=40, dims=64, steps=1, schedule="exponential", decay=0.5), 2000, []
)
@example(Drift(sigma=1e-7, tokens=7, dims=5, steps=1, format="float8_e5m2", seed=3), 3000, [1, 2])
def test_leaps_land_where_steps_do(drift, steps, at):
    fields = {**drift.as_json(), "steps": steps, "at": None, "survivors": drift.survivors}
    drift = Drift(**fields)
    at = sorted({0, steps, *(min(step, steps) for step in at)})
    leapt = states(drift, engine="leap", steps=at)[1]
    assert_equal_states(leapt, states(drift, engine="step", steps=at)[1])
    if host.supports(drift.arithmetic):
        assert_equal_states(leapt, states(drift, engine="host leap", steps=at)[1])


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_the_diarys_shape_agrees_bit_for_bit(schedule):
    drift = Drift(sigma=1e-9, steps=400, schedule=schedule)
    engines = "host leap", "step"
    leapt, stepped = (states(drift, engine=e, steps=[0, 100, 400])[1] for e in engines)
    assert_equal_states(leapt, stepped)


def test_a_million_million_steps_cost_what_a_thousand_do(monkeypatch):
    squared = []
    composed = power._StepTable._composed

    def counted(table, steps):
        squared.append(steps)
        return composed(table, steps)

    monkeypatch.setattr(power._StepTable, "_composed", counted)
    drift = Drift(sigma=0.02, tokens=50, dims=8, steps=10**12)
    found = states(drift, engine="leap", steps=[0, 10**11, 10**12])[1]
    assert found[-1][0].stalled == 1.0
    assert squared == [10**11 - 2]


def test_whoever_resumes_in_the_middle_ends_where_the_others_do():
    for schedule in ("constant", "cosine"):
        drift = Drift(sigma=1e-8, tokens=60, dims=32, steps=200, schedule=schedule, survivors=20)
        whole = states(drift, engine="leap", steps=[0, 90, 91, 200])[1][1:]
        codes = whole[0][2]
        with ThreadPoolExecutor(2) as pool:
            chunks = Chunks.plan(60, 32, 2)
            again = Simulation(drift, chunks, device.find_device("cpu"), pool, "leap")
            since = initial_sums(again.engine.state_rows, drift.target, again._exponent)
            again.resume(90, lambda start, stop, codes=codes: codes[start:stop], since)
            rest = [(s.counts, s.populations, s.rows.span(0, 60)) for s in again.states([91, 200])]
        assert_equal_states(whole[1:], rest)


@pytest.mark.slow
def test_minus_zero_turns_where_its_displacement_becomes_zero():
    # In float8 tiny steps leave zeros in place but for their sign; late in the
    # schedule the steps become +0, and -0 + 0 is +0.
    drift = Drift(
        sigma=1e-3, tokens=20, dims=6, steps=400, schedule="exponential", decay=0.5,
        format="float8_e4m3fn", radius=1e-6,
    )  # fmt: skip
    at = [0, 1, 80, 90, 100, 120, 400]
    stepped = states(drift, engine="step", steps=at)[1]
    for engine in ("leap", "host leap"):
        assert_equal_states(states(drift, engine=engine, steps=at)[1], stepped)
    minus_zeros = [int(np.count_nonzero(codes == 0x80)) for _, _, codes in stepped]
    assert minus_zeros[1] > 0
    assert minus_zeros[-1] == 0


def test_auto_leaps_where_that_is_cheaper_and_only_where_it_applies():
    many = Drift(sigma=1e-9, tokens=151_936, steps=10**6)
    few = Drift(sigma=1e-9, steps=10, records=2)
    assert choose.choose_engine(many, "auto", "cpu") == "leap"
    assert choose.choose_engine(few, "auto", "cpu") == "step"
    assert choose.choose_engine(few, "leap", "cpu") == "leap"
    for field in (
        {"rounding": "stochastic"}, {"jitter": 0.1}, {"master": "float32"}, {"format": "float32"},
    ):  # fmt: skip
        drift = Drift(sigma=1e-9, steps=10**6, **field)
        assert choose.choose_engine(drift, "auto", "cpu") == "step"
        with pytest.raises(choose.BadInput, match="engine is leap, which does not support"):
            choose.choose_engine(drift, "leap", "cpu")
    with pytest.raises(choose.BadInput, match="auto, step, leap"):
        choose.choose_engine(few, "quick", "cpu")
