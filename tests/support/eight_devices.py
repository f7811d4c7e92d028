"""Tests that need eight devices; tests.sim.devices.test_devices runs them where there are."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.counting.cells import CellCounts
from drift.sim.devices.device import find_devices
from drift.sim.devices.shards import Shards
from drift.sim.engines import device_rows
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.engines.step import StepEngine
from drift.sim.errors import BadInput
from drift.sim.runs.run import run
from drift.sim.settling import sizes
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


@pytest.fixture
def apart(monkeypatch):
    """As on an accelerator, the host can't read the devices' memory in place."""
    monkeypatch.setattr(Shards, "on_host", False)


def same_result(a, b):
    aside = {"store": 0, "seconds": 0, "engine_reason": ""}
    return {**a, **aside} == {**b, **aside}


@pytest.mark.parametrize("name", MOTIONS)
def test_a_run_is_that_of_one_device(tmp_path, monkeypatch, name):
    one = stored(tmp_path / "one.zarr", drift(name), 1)
    assert any(counts["black_holes"] for counts in one["records"])
    for where in ("near", "apart"):
        path = tmp_path / f"{where}.zarr"
        assert same_result(one, stored(path, drift(name), 8))
        assert_same_arrays(tmp_path / "one.zarr", path)
        monkeypatch.setattr(Shards, "on_host", False)
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


def engine(codes, devices, pool):
    """A step engine that holds `codes`."""
    tokens, dims = codes.shape
    shards = Shards(find_devices("cpu", devices))
    chunks = Chunks.plan(tokens, dims, 2, 1000, devices)
    made = StepEngine(
        chunks, drift("nearest").arithmetic, np.ones(tokens, np.float32), shards, pool
    )
    made.load(lambda start, stop: codes[start:stop])
    return made


def cells_of(seen):
    return CellCounts.of_representatives(seen.representatives(np.arange(len(seen.present))))


@pytest.mark.parametrize("told_apart", [True, False], ids=["fingerprints", "none"])
def test_cells_that_devices_share_are_counted_once(apart, told_apart):
    rng = np.random.default_rng(0)
    codes = rng.choice(np.array([0, 0x8000, 0x3F00, 0x3F80], np.uint16), (300, 3))
    merged = [row.tobytes() for row in np.where(codes == 0x8000, 0, codes).astype(np.uint16)]
    cells = Counter(merged)
    with ThreadPoolExecutor(2) as pool:
        made = engine(codes, 8, pool)
        seen = made.stay(0)
    assert len({device for piece in seen.rows.codes for device in piece.devices()}) == 8
    if not told_apart:  # then every pair is compared
        seen = replace(seen, fingerprints=np.zeros(300, np.uint64))
    found = cells_of(seen)
    assert len(found.occupancy) == len(cells)
    assert found.populations.tolist() == sorted(n for n in cells.values() if n > 1)[::-1]


def test_only_rows_that_are_asked_for_are_fetched_in_bounded_blocks(apart, monkeypatch):
    fetched, block, dims = [], 32 * 10, 16
    picked = device_rows._picked

    def watched(codes, rows):
        found = picked(codes, rows)
        fetched.append(found.nbytes)
        return found

    monkeypatch.setattr(device_rows, "_picked", watched)
    monkeypatch.setattr(device_rows, "BLOCK_BYTES", block)
    rng = np.random.default_rng(1)
    codes = rng.integers(0x2000, 0x4000, (600, dims), dtype=np.uint16)
    with ThreadPoolExecutor(2) as pool:
        made = engine(codes, 8, pool)
        seen = made.stay(0)
        assert len(cells_of(seen).occupancy) == 600
        assert fetched == []  # nothing to compare

        np.testing.assert_array_equal(seen.rows.span(3, 590), codes[3:590])
        assert max(fetched) <= block
        fetched.clear()

        codes[:450] = codes[0]
        made.load(lambda start, stop: codes[start:stop])
        seen = made.stay(0)
        assert cells_of(seen).occupancy.max() == 450
        assert sum(fetched) <= 8 * 2 * dims  # the one cell, not its 450 tokens


def test_a_state_keeps_its_cloud_while_the_drift_moves_on(apart):
    what = drift("nearest")
    shards = Shards(find_devices("cpu", 8))
    with ThreadPoolExecutor(2) as pool:
        chunks = Chunks.plan(what.tokens, what.dims, 2, devices=8)
        simulation = Simulation(what, chunks, shards, pool)
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


def test_every_device_holds_its_share_and_waits_for_no_other(monkeypatch):
    called = []
    original = Shards.compile_step_block

    def step_block(*given):
        called.append(original(*given))
        return lambda *arrays: called.append(arrays) or called[0](*arrays)

    monkeypatch.setattr(Shards, "compile_step_block", step_block)
    with ThreadPoolExecutor(1) as pool:
        made = engine(np.zeros((64, 4), BFLOAT16.storage), 8, pool)
        made.stay(0)
    for codes in made._codes:
        assert len(codes.sharding.device_set) == 8
        assert {shard.data.size for shard in codes.addressable_shards} == {codes.size // 8}
    compiled = called[0].lower(*called[1]).compile().as_text()
    assert not re.search("all-reduce|all-gather|all-to-all|collective|reduce-scatter", compiled)
