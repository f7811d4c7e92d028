"""Tests that need eight devices; tests.sim.devices.test_devices runs them where there are."""

import re
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.devices.device import find_devices
from drift.sim.devices.shards import Shards
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.runs.run import run
from drift.sim.settling import rows, sizes, step_feed
from drift.sim.settling.programs import Programs
from drift.sim.spec.drift import Drift
from tests.support import oracle, small_model
from tests.support.builders import Stop, arrays, assert_same_arrays, stop_after

PLAIN = Drift(sigma=1e-7, tokens=61, dims=48, steps=40, records=5, snapshots="records")
COARSE = {"format": "float8_e5m2", "sigma": 1e-4, "dims": 4}
MOTIONS = {
    "nearest": {},
    "stochastic": {**COARSE, "rounding": "stochastic", "jitter": 0.1, "survivors": 7},
    "master": {**COARSE, "master": "float32", "schedule": "cosine"},
    "kahan": {**COARSE, "kahan": True, "schedule": "linear"},
    "noise": {**COARSE, "noise": 0.1, "kahan": True},
}


def drift(name, **others):
    return Drift(**{**PLAIN.as_json(), **MOTIONS[name], **others})


def stored(path, what, devices, **options):
    return run(what, path, on="cpu", engine="step", devices=devices, **options).as_json()


def same_result(a, b):
    aside = {"store": 0, "seconds": 0, "engine_reason": ""}
    return {**a, **aside} == {**b, **aside}


@pytest.mark.parametrize("name", MOTIONS)
def test_a_run_is_that_of_one_device(tmp_path, monkeypatch, name):
    one = stored(tmp_path / "one.zarr", drift(name), 1)
    assert any(counts["black_holes"] for counts in one["records"])
    for carried in ("all", "less"):
        path = tmp_path / f"{carried}.zarr"
        assert same_result(one, stored(path, drift(name), 8))
        assert_same_arrays(tmp_path / "one.zarr", path)
        monkeypatch.setattr(sizes, "SMALL", 0)  # then what is carried is cut down


def test_each_device_reads_its_own_rows_of_a_checkpoint(tmp_path):
    model = small_model.write(tmp_path / "model.safetensors")
    options = {**small_model.DRIFT, **small_model.NEAR, "direction": "centroid"}
    for devices in (1, 8):
        stored(tmp_path / f"{devices}.zarr", from_checkpoint(model, **options), devices)
    assert_same_arrays(tmp_path / "1.zarr", tmp_path / "8.zarr")


@pytest.mark.parametrize("tokens", [7, 150])
def test_any_number_of_tokens_is_shared(tmp_path, tokens):
    what = drift("nearest", tokens=tokens)
    for devices in (1, 3):
        stored(tmp_path / f"{devices}.zarr", what, devices, chunk_bytes=4000)
    assert_same_arrays(tmp_path / "1.zarr", tmp_path / "3.zarr")


@pytest.mark.parametrize("name", ["nearest", "noise"])
def test_a_run_resumes_on_another_number_of_devices(tmp_path, name):
    path, what = tmp_path / "stopped.zarr", drift(name)
    with pytest.raises(Stop):
        stored(path, what, 8, checkpoint_seconds=0, progress=stop_after(3))
    assert any(name.startswith("checkpoint/") for name in arrays(path))
    stored(path, what, 3)
    stored(tmp_path / "plain.zarr", what, 1)
    assert_same_arrays(path, tmp_path / "plain.zarr")


def simulated(what, pool):
    chunks = Chunks.plan(what.tokens, what.dims, 2)
    return Simulation(what, chunks, Shards(find_devices("cpu", 8)), pool)


@pytest.mark.parametrize("name", ["nearest", "noise"])
def test_cells_that_devices_share_are_counted_once(monkeypatch, name):
    what = drift(name, survivors=7)
    with ThreadPoolExecutor(2) as pool:
        found = [state.counts for state in simulated(what, pool).states(what.record_steps)]
        assert found[-1].largest > 1
        # Rows whose fingerprints agree are all compared, on the host.
        monkeypatch.setattr(step_feed, "weights", lambda dims: np.zeros((2, dims), np.uint32))
        again = [state.counts for state in simulated(what, pool).states(what.record_steps)]
    assert again == found


def test_only_rows_that_are_asked_for_are_fetched_in_bounded_blocks(monkeypatch):
    fetched, block, what = [], 96 * 16, drift("nearest", tokens=300)
    get = Programs.get

    def watched(self, states):
        found = get(self, states)
        fetched.append(found.nbytes)
        return found

    monkeypatch.setattr(Programs, "get", watched)
    monkeypatch.setattr(rows, "BLOCK_BYTES", block)
    with ThreadPoolExecutor(2) as pool:
        state = next(simulated(what, pool).states([0]))
        assert fetched == []  # nothing to compare
        cloud = oracle.bits(oracle.cloud(what))
        np.testing.assert_array_equal(state.rows.span(3, 290), cloud[3:290])
        assert max(fetched) <= block
        assert sum(fetched) <= 2 * cloud.nbytes


def test_a_state_keeps_its_cloud_while_the_drift_moves_on():
    what = drift("nearest")
    with ThreadPoolExecutor(2) as pool:
        simulation = simulated(what, pool)
        states = list(simulation.states(range(0, 41, 8)))
    _, clouds = oracle.walk(what, simulation.u)
    for state in states:
        found = state.rows.span(0, what.tokens)
        np.testing.assert_array_equal(found, oracle.bits(clouds[state.counts.step]))


def test_every_device_of_a_run_is_checked(monkeypatch):
    from drift.sim import device_check

    shards = Shards(find_devices("cpu", 8))
    monkeypatch.setattr(Shards, "platform", "gpu")
    device_check._quickly.cache_clear()
    assert (
        "bfloat16 nearest"
        in device_check.check_quickly(shards, drift("nearest").arithmetic)["check"]["detail"]
    )
    device_check._quickly.cache_clear()

    move = device_check._move

    def faulty(*arguments):
        found = np.array(move(*arguments))
        found[5, 3] ^= 1
        return found

    monkeypatch.setattr(device_check, "_move", faulty)
    with pytest.raises(RuntimeError, match="does not round as it must"):
        device_check.check_quickly(shards, drift("nearest").arithmetic)


def test_fewer_devices_than_asked_for_is_an_error(tmp_path):
    assert len(jax.devices()) == 8
    with pytest.raises(BadInput, match="devices is 9; JAX finds 8 of cpu"):
        stored(tmp_path / "run.zarr", PLAIN, 9)
    assert list(tmp_path.iterdir()) == []


def test_every_device_holds_its_share_and_none_is_sent_codes(monkeypatch):
    what, asked = drift("stochastic", tokens=64, dims=16), []

    def shape(each):
        return jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=each.sharding)

    def watched(*given):
        asked.append(jax.tree.map(shape, given))
        return observe(*given)

    with ThreadPoolExecutor(1) as pool:
        engine = simulated(what, pool).engine
        observe = engine._programs.observe
        monkeypatch.setattr(engine._programs, "observe", watched)
        engine.observe(0, 0, 1.0)
    shards = engine._carried.codes.addressable_shards
    assert {shard.device for shard in shards} == {*jax.devices()}
    assert {shard.data.shape for shard in shards} == {(64, 2)}
    compiled = observe.lower(*asked[0]).compile().as_text()
    assert not re.search("all-gather|all-to-all|collective-permute|reduce-scatter", compiled)
    summed = re.findall(r"= \w+\[([\d,]+)\]\S* all-reduce", compiled)
    assert {"64,2", "2,64"} >= {*summed} != set()  # fingerprints, and whether rows are alike
