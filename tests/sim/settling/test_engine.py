"""The engine of accelerators, on CPU devices that are taken for such: every bit is the others'."""

import gc
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

from drift.kernels.stepping import carried
from drift.sim.devices import device, shards
from drift.sim.devices.shards import Shards
from drift.sim.engines import fused_trial
from drift.sim.engines.choose import moving_cloud
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.motions.make import motion_of
from drift.sim.settling import engine as settling
from drift.sim.settling import part, sizes, step_feed
from drift.sim.settling.engine import SettlingEngine
from drift.sim.spec.drift import Drift
from tests.support import oracle
from tests.support.drifts import assert_equal_states, states

PLAIN = {"sigma": 1e-9, "tokens": 60, "dims": 128, "steps": 40, "records": 10}
"""Drifts of one shape: what is compiled for one of them serves all."""


@pytest.fixture(autouse=True)
def accelerator(monkeypatch):
    """The host can't read a device's memory in place; the least cloud is in tiles, and cut down."""
    monkeypatch.setattr(Shards, "on_host", False)
    monkeypatch.setattr(fused_trial, "fast_path", lambda device, arithmetic: ("memory", "plain"))
    monkeypatch.setattr(carried, "_TILE", 1 << 12)
    monkeypatch.setattr(sizes, "SMALL", 0)
    monkeypatch.setattr(sizes, "LEAST_ROWS", 16)
    monkeypatch.setattr(sizes, "LEAST_DIMS", 32)
    # What is compiled here is hardly run.
    monkeypatch.setattr(shards, "_FOR_CPU", {"xla_backend_optimization_level": 0})


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as made:
        yield made


def drift(**others):
    return Drift(**{**PLAIN, **others})


def simulated(what, pool):
    chunks = Chunks.plan(what.tokens, what.dims, 2)
    made = Simulation(what, chunks, device.find_device("cpu"), pool)
    assert isinstance(made.engine, SettlingEngine)
    return made


def loaded(what, codes, pool):
    """The engine of a drift, with `codes` as its cloud."""
    chunks = Chunks.plan(what.tokens, what.dims, 2)
    strengths = np.ones(what.tokens, np.float32)
    made = moving_cloud(motion_of(what), strengths, chunks, device.find_device("cpu"), pool, "step")
    made.load(lambda start, stop: codes[start:stop])
    return made


def shape_of(engine):
    """The rows and columns that are carried."""
    return engine._carried.codes.shape


def together(observation):
    return observation.representatives(np.arange(len(observation.present)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "others",
    [
        {},
        {"sigma": 1e-7, "schedule": "linear"},
        {"sigma": 1e-3},
        {"radius": 0.0},
        {"survivors": 7, "schedule": "cosine"},
        {"motion": "adamw", "gradient": 1.0, "lr": 1e-4},
        {"sigma": 1e-10, "direction": "axis"},
        {"kahan": True, "sigma": 1e-7, "survivors": 7},
    ],
    ids=lambda each: ",".join(each) or "plain",
)
def test_every_state_is_that_of_numpy(others):
    what = drift(**others)
    u, found = states(what)
    assert_equal_states(found, states(what, engine="host")[1])
    some = [0, 1, 3, 10, 39, 40]
    assert_equal_states(states(what, steps=some)[1], states(what, engine="host", steps=some)[1])
    if what.motion == "straight" and not what.kahan:
        _, clouds = oracle.walk(what, u)
        for step, (_, _, codes) in enumerate(found):
            np.testing.assert_array_equal(codes, oracle.bits(clouds[step]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "others",
    [
        {"master": "float32", "survivors": 7},
        {"weight_decay": 0.01, "sigma": 1e-3},
        {"rounding": "stochastic", "jitter": 0.2, "format": "float8_e5m2", "sigma": 1e-4},
        {"kahan": True, "weight_decay": 0.01, "format": "float32"},
        {"noise": 0.5, "kahan": True, "rounding": "stochastic", "format": "float8_e5m2"},
    ],
    ids=lambda each: ",".join(each),
)
def test_no_arithmetic_changes_a_bit(monkeypatch, others):
    what = drift(**others, steps=12)
    found = states(what)[1]
    monkeypatch.setattr(Shards, "on_host", True)
    assert_equal_states(found, states(what)[1])


@pytest.mark.slow
def test_rows_whose_fingerprints_agree_are_compared_all_the_same(monkeypatch):
    compared, compare = [], part.representatives
    monkeypatch.setattr(
        part, "representatives", lambda *given: compared.append(1) or compare(*given)
    )
    what = drift(survivors=7)
    expected = states(what, engine="host")[1]
    assert_equal_states(states(what)[1], expected)
    assert not compared
    monkeypatch.setattr(step_feed, "weights", lambda dims: np.zeros((2, dims), np.uint32))
    assert_equal_states(states(what)[1], expected)
    assert compared


@pytest.mark.slow
def test_what_is_carried_grows_less_in_few_sizes(pool):
    simulation = simulated(drift(sigma=2e-9), pool)
    simulation.engine._programs.observe.clear_cache()
    simulation.engine._programs.move.clear_cache()
    shapes = [shape_of(simulation.engine) for _ in simulation.states(range(41))]
    values = [rows * dims for rows, dims in shapes]
    assert values == sorted(values, reverse=True)
    assert shapes[0] == (64, 128)
    assert shapes[-1] == (16, 32)
    # One program for each size that was observed, and no other where no step is left over.
    assert simulation.engine._programs.observe._cache_size() == len({*shapes}) <= 3
    assert simulation.engine._programs.move._cache_size() == 0
    # Another drift of this shape compiles nothing.
    held = simulation.engine._programs.observe._cache_size()
    for _ in simulated(drift(sigma=3e-9, seed=1, survivors=7), pool).states(range(41)):
        pass
    assert simulation.engine._programs.observe._cache_size() <= held + 1


@pytest.mark.slow
def test_nothing_is_transferred_but_what_is_told_to_be_and_that_once_a_record(monkeypatch, pool):
    simulation, order = simulated(drift(survivors=9, schedule="linear"), pool), []
    at = list(range(0, 41, 4))
    found = list(simulation.states(at))  # what is compiled has constants of its own
    codes = found[0].state_rows.span(0, 60)
    simulation.resume(0, lambda start, stop: codes[start:stop], None)
    programs, get = simulation.engine._programs, jax.device_get

    def watched(name, call):
        return lambda *given: order.append(name) or call(*given)

    for name in ("observe", "move"):
        monkeypatch.setattr(programs, name, watched(name, getattr(programs, name)))
    monkeypatch.setattr(jax, "device_get", watched("get", get))
    with jax.transfer_guard("disallow"):
        again = [(state.counts, state.populations.tolist()) for state in simulation.states(at)]
    assert again == [(state.counts, state.populations.tolist()) for state in found]
    # The steps before the next record are begun before this one's result is waited for.
    assert order == ["observe", "move", "get"] * 10 + ["observe", "get"]


@pytest.mark.slow
def test_codes_are_written_over_as_soon_as_nobody_has_them(pool):
    simulation = simulated(drift(), pool)
    states_ = simulation.states(range(41))
    kept, first = next(states_), simulation.engine._carried.codes
    next(states_)
    assert not first.is_deleted()  # the state at step 0 is still there
    np.testing.assert_array_equal(kept.rows.span(0, 60), simulation.initial.codes(0, 60))
    second = simulation.engine._carried.codes
    gc.collect()
    next(states_)
    assert second.is_deleted()


@pytest.mark.slow
def test_all_states_may_be_kept(pool):
    what = drift(survivors=7)
    kept = list(simulated(what, pool).states(range(0, 41, 5)))
    expected = states(what, engine="host", steps=range(0, 41, 5))[1]
    for state, (counts, _, codes) in zip(kept, expected, strict=True):
        assert state.counts == counts
        np.testing.assert_array_equal(state.rows.span(0, 60), codes)
        np.testing.assert_array_equal(state.rows.span(7, 9), codes[7:9])


@pytest.mark.slow
def test_one_token_of_many_keeps_a_dimension_open(pool):
    codes = np.full((60, 128), 0x3F80, np.uint16)
    codes[37, 1] = 0x3F81
    engine = loaded(drift(direction="axis"), codes, pool)
    seen = engine.observe(0, 0, 1.0)
    assert shape_of(engine) == (16, 32)
    assert engine._part.open.tolist() == [1]
    for step in (4, 8):
        assert np.flatnonzero(together(seen)).tolist() == [37]
        np.testing.assert_array_equal(seen.rows.span(0, 60)[:, 1:], codes[:, 1:])
        seen = engine.observe(step, 0, 1.0)


@pytest.mark.slow
def test_a_token_that_has_left_keeps_its_dimension_and_its_row(pool):
    codes = np.full((60, 128), 0x3F80, np.uint16)
    codes[37, 1] = 0x3F81
    engine = loaded(drift(direction="axis", survivors=7), codes, pool)
    engine.observe_only(np.arange(60) != 37)
    for step in (0, 1, 4):
        seen = engine.observe(step, 0, 1.0)
        np.testing.assert_array_equal(seen.rows.span(0, 60)[:, 1:], codes[:, 1:])
        assert (seen.limbs[:, 1] == 59 * np.array([1, 0, 0, 0])).all()  # the one that left, not


@pytest.mark.slow
def test_zeros_of_two_signs_are_one_cell_and_two_states(pool):
    codes = np.zeros((60, 128), np.uint16)
    codes[0, 1] = 0x8000
    engine = loaded(drift(direction="axis"), codes, pool)
    seen = engine.observe(0, 0, 1.0)
    assert not together(seen).any()
    np.testing.assert_array_equal(seen.rows.span(0, 60), codes)
    assert engine._part.open.tolist() == [1]
    assert engine._part.row[0] != engine._part.row[1]
    seen = engine.observe(1, 0, 1.0)
    assert not seen.rows.span(0, 60)[:, 1].any()  # -0 + 0 is +0
    assert not len(engine._part.open)
    assert not engine._part.row.any()


@pytest.mark.slow
@pytest.mark.parametrize("at", [[2000], [0, 2000], [0, 1500, 1501, 2000]])
def test_rest_between_records_is_noticed(monkeypatch, pool, at):
    monkeypatch.setattr(settling, "BLOCK", 64)
    what = drift(steps=2000, survivors=9, at=None)
    moves, call = [], SettlingEngine._call
    monkeypatch.setattr(SettlingEngine, "_call", lambda *given: moves.append(1) or call(*given))
    found = states(what, steps=at)[1]
    assert found[-1][0].stalled == 1.0
    assert len(moves) < 20  # some 8 blocks of 128 steps until all is at rest
    assert_equal_states(found, states(what, engine="host", steps=at)[1])


@pytest.mark.slow
def test_pauses_hold_the_cloud_of_their_step_and_it_is_cut_down_there(monkeypatch, pool):
    monkeypatch.setattr(settling, "_FIRST_VALUES", 3 * 64 * 128)
    monkeypatch.setattr(settling, "_BLOCK_SECONDS", 0.0)
    simulation = simulated(drift(schedule="linear"), pool)
    expected = states(drift(schedule="linear"), engine="host")[1]
    reached = []
    for found in simulation.states_and_pauses([0, 40]):
        if hasattr(found, "step"):
            reached.append(found.step)
            codes = found.state_rows.span(0, 60)
            np.testing.assert_array_equal(codes, expected[found.step][2])
    assert reached[:2] == [6, 7]  # three steps were begun while step 0 was counted
    assert reached[-1] == 39
    assert shape_of(simulation.engine) == (16, 32)
    assert found.counts.distinct == expected[40][0].distinct
