"""The engine without JAX: what it carries, and when that grows less."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drift.kernels.stepping import host as kernel
from drift.sim.devices import host as devices
from drift.sim.devices.host import Host
from drift.sim.engines import choose, host
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.host import HostEngine
from drift.sim.engines.simulation import Simulation
from drift.sim.motions.make import motion_of
from drift.sim.spec.drift import Drift
from tests.support.drifts import SMALL, assert_equal_states, drifts, states


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as made:
        yield made


def loaded(drift, codes, pool, step=0):
    """The engine of a drift, with `codes` as its cloud."""
    made = HostEngine(motion_of(drift), Chunks.plan(drift.tokens, drift.dims, 2), pool)
    made.load(lambda start, stop: codes[start:stop], step)
    return made


@pytest.mark.slow
@settings(max_examples=8)
@given(
    drifts().filter(lambda drift: kernel.supports(drift.arithmetic)),
    st.integers(1, 600),
    st.lists(st.integers(0, 600), max_size=4),
)
@example(Drift(sigma=1e-7, tokens=40, dims=5, steps=1, survivors=3), 600, [1, 300])
@example(Drift(sigma=1.0, tokens=5, dims=3, radius=0.0, steps=1, kahan=True, survivors=3), 8, [])
def test_it_lands_where_the_kernels_of_jax_do(drift, steps, at):
    drift = Drift(**{**drift.as_json(), "steps": steps, "at": None, "survivors": drift.survivors})
    at = sorted({0, steps, *(min(step, steps) for step in at)})
    found = states(drift, engine="host", steps=at)[1]
    assert_equal_states(found, states(drift, engine="step", steps=at)[1])


@pytest.mark.parametrize("blocks", [(1, 1, 1), (7, 3, 1 << 30), (1 << 16, 256, 5)])
def test_no_size_of_blocks_changes_anything(monkeypatch, blocks):
    drift = Drift(sigma=1e-8, tokens=40, dims=64, steps=60, records=7, survivors=5)
    expected = states(drift, engine="step")[1]
    for name, value in zip(("_ELEMENTS", "_STEPS", "_VALUES"), blocks, strict=True):
        monkeypatch.setattr(host, name, value)
    assert_equal_states(states(drift, engine="host")[1], expected)
    at = [0, drift.steps]
    ends = [(without_motion(found), *more) for found, *more in (expected[0], expected[-1])]
    found = states(drift, engine="host", steps=at)[1]
    assert_equal_states([(without_motion(each), *more) for each, *more in found], ends)


def without_motion(counts):
    """The counts without those since the last record, which another step may be."""
    return replace(counts, asked=None, done=None)


def test_what_is_carried_grows_less_as_tokens_meet_and_dimensions_settle(pool):
    drift = Drift(sigma=2e-9, tokens=100, dims=200, steps=60)
    simulation = Simulation(drift, Chunks.plan(100, 200, 2), Host(), pool)
    sizes = []
    for state in simulation.states([0, 1, 20, 60]):
        rows, dims = simulation.engine._carried.codes.shape
        assert rows == state.counts.distinct
        sizes.append((rows, dims))
    assert sizes[0] == (100, 200)
    assert sizes[1][1] < 100
    carried = [rows * dims for rows, dims in sizes]
    assert carried == sorted(carried, reverse=True)
    assert carried[-1] < carried[1]


def test_one_token_of_many_keeps_a_dimension_open(pool):
    drift = Drift(sigma=1.0, tokens=100, dims=3, direction="axis", steps=4)
    codes = np.full((100, 3), 0x3F80, np.uint16)
    codes[37, 1] = 0x3F81
    engine = loaded(drift, codes, pool)
    seen = engine.observe(0, 0, 1.0)
    assert engine._carried.codes.shape == (2, 1)
    assert np.flatnonzero(seen.representatives(np.arange(100))).tolist() == [37]
    seen = engine.observe(4, 0, 1.0)
    assert np.flatnonzero(seen.representatives(np.arange(100))).tolist() == [37]


def test_zeros_of_two_signs_are_one_cell_and_two_states(pool):
    # In the second dimension nothing is displaced until, in the third, all is.
    drift = Drift(sigma=1.0, tokens=2, dims=2, direction="axis", steps=4)
    codes = np.array([[0, 0x8000], [0, 0]], np.uint16)
    engine = loaded(drift, codes, pool)
    seen = engine.observe(0, 0, 1.0)
    assert seen.representatives(np.arange(2)).tolist() == [0, 0]
    np.testing.assert_array_equal(seen.rows.span(0, 2), codes)
    assert engine._carried.codes.shape == (2, 1)  # the first dimension alone has settled
    seen = engine.observe(1, 0, 1.0)
    assert seen.rows.span(0, 2)[:, 1].tolist() == [0, 0]  # -0 + 0 is +0
    assert engine._carried.codes.shape == (1, 0)


def test_tokens_of_one_cell_may_part_where_their_masters_differ(pool):
    drift = Drift(sigma=1.0, tokens=2, dims=1, direction="axis", radius=2.0**-8, steps=2)
    drift = Drift(**{**drift.as_json(), "master": "float32"})
    codes = np.array([[0x3F800000], [0x3F803000]], np.uint32)
    engine = loaded(drift, codes, pool)
    together = [engine.observe(step, 0, 2.0).representatives(np.arange(2)) for step in range(3)]
    assert [each.tolist() for each in together] == [[0, 0], [0, 0], [0, 1]]


def test_a_state_that_is_kept_stays_as_it_was(pool):
    simulation = Simulation(SMALL, Chunks.plan(60, 128, 2), Host(), pool)
    kept = list(simulation.states(range(0, 41, 5)))
    expected = states(SMALL, engine="step", steps=range(0, 41, 5))[1]
    for state, (counts, _, codes) in zip(kept, expected, strict=True):
        assert state.counts == counts
        np.testing.assert_array_equal(state.rows.span(0, 60), codes)


@pytest.mark.parametrize("master", ["none", "float32"])
@pytest.mark.parametrize("at", [[9], [0, 9], [0, 1, 9]])
def test_dimensions_settle_before_their_first_step_beside_others_that_have(at, master):
    # Eight are settled from the start, and more meet on the way to the first step or to step 9.
    values = np.random.default_rng(1).normal(0, 1, (50, 40)) * np.logspace(-9, -1, 40)
    values[:, ::5], values[::2, 31] = -0.0, 0.25
    drift = Drift(cloud=values.astype(np.float32), radius=0.5, steps=9, master=master)
    found = states(drift, engine="host", steps=at)[1]
    assert_equal_states(found, states(drift, engine="step", steps=at)[1])


@pytest.mark.parametrize("steps", [[2000], [0, 2000], [0, 1500, 1501, 2000]])
def test_all_may_come_to_rest_between_two_records(steps):
    drift = Drift(sigma=1e-9, tokens=20, dims=32, steps=2000, survivors=9)
    found = states(drift, engine="host", steps=steps)[1]
    assert found[-1][0].distinct < 9
    assert found[-1][0].stalled == 1.0
    assert_equal_states(found, states(drift, engine="step", steps=steps)[1])


def test_pauses_on_the_way_hold_the_cloud_of_their_step(pool, monkeypatch):
    monkeypatch.setattr(host, "_STEPS", 3)
    simulation = Simulation(SMALL, Chunks.plan(60, 128, 2), Host(), pool)
    expected = states(SMALL, engine="step")[1]
    reached = []
    for found in simulation.states_and_pauses([0, 40]):
        if hasattr(found, "step"):
            reached.append(found.step)
            codes = found.state_rows.span(0, 60)
            np.testing.assert_array_equal(codes, expected[found.step][2])
    assert reached[:3] == [1, 2, 4]
    assert reached[-1] >= 37


def test_it_is_chosen_by_its_cost_and_the_reason_is_told():
    long = Drift(sigma=1e-9, tokens=9, dims=8, steps=10**6, schedule="linear")
    assert choose.host_engine(long, "auto")[0] is None
    engine, why = choose.host_engine(Drift(sigma=1e-9), "auto")
    assert engine == "step"
    assert why.startswith("the least of: step without JAX 0.")
    assert "leap" in why
    large = Drift(sigma=0.02, steps=10**6, tokens=151_936)
    engine, why = choose.host_engine(large, "auto")
    assert engine == "leap"
    assert "leap without JAX" in why
    assert choose.host_engine(Drift(sigma=1e-9), "leap") == ("leap", "leap was asked for")
    assert "leap" not in choose.host_engine(Drift(sigma=1e-9), "step")[1]
    stochastic = Drift(sigma=1e-9, rounding="stochastic")
    assert choose.host_engine(stochastic, "auto") == (
        None,
        "NumPy does not step with the rounding stochastic of bfloat16",
    )


@pytest.mark.parametrize(
    ("name", "environment", "there", "expected"),
    [
        ("cpu", {"JAX_PLATFORMS": "cuda"}, True, True),
        ("gpu", {}, False, False),
        ("auto", {}, False, True),
        ("auto", {}, True, False),
        ("auto", {"JAX_PLATFORMS": "cpu"}, True, True),
        ("auto", {"JAX_PLATFORMS": "cuda,cpu"}, False, False),
        ("auto", {"JAX_PLATFORM_NAME": "cpu"}, True, True),
    ],
)
def test_an_accelerator_that_jax_may_find_is_never_ignored(
    monkeypatch, name, environment, there, expected
):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    for variable in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda package: there or None)
    monkeypatch.setattr(devices, "entry_points", lambda group: ())
    assert devices.is_cpu(name) is expected


def test_on_an_accelerator_the_engine_is_chosen_by_cost_and_the_reason_is_told():
    large = Drift(sigma=0.02, tokens=151_936, steps=10**6)
    assert choose.choose_engine(large, "auto", "gpu") == "step"
    assert choose.choose_engine(large, "auto", "cpu") == "leap"
    told = choose.reason_on(large, "auto", "gpu")
    assert told.startswith("on a gpu, the least of: step on the gpu ")
    assert "leap" in told
    # What settles costs no more: only what stays open does.
    settling = Drift(sigma=1e-9, tokens=151_936)
    assert choose.step_cost(settling, "gpu") < choose.step_cost(large, "gpu")
    few = Drift(sigma=0.02, tokens=300, dims=4, steps=10**6, schedule="linear", records=200)
    assert choose.choose_engine(few, "auto", "gpu") == "leap"  # its records alone cost more
    assert choose.reason_on(settling, "step", "tpu") == "on a tpu, step was asked for"
    stochastic = Drift(sigma=1e-9, rounding="stochastic")
    expected = "on a gpu, step, since leap does not support stochastic rounding"
    assert choose.reason_on(stochastic, "auto", "gpu") == expected
    assert choose.reason_on(settling, "auto", "gpu", 2).endswith("does not support 2 devices")
