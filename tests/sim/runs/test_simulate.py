"""A drift in memory is the run in a store, bit for bit."""

import dataclasses

import numpy as np
import pytest

from drift import BadInput, Drift, RunStore, from_checkpoint, run, simulate
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.runs import memory
from tests.support import builders
from tests.support.drifts import KINDS as MOTIONS
from tests.support.drifts import SMALL

KINDS = {
    **MOTIONS,
    "leap": {"steps": 1000, "at": [0, 3, 999]},
    "no snapshots": {"snapshots": "none", "at": [7]},
    "equal steps": {"direction": "diagonal", "schedule": "exponential", "sigma": 1e-4},
}


def assert_same(found, result, store):
    """`found` in memory is the `result` of a run and what its store holds."""
    assert found.drift.as_json() == result["spec"]
    assert found.engine == result["engine"]
    assert found.initial.as_json() == result["initial"]
    populations = {"populations": found.populations.tolist()}
    assert {**found.final.as_json(), **populations} == result["final"]
    assert [counts.as_json() for counts in found.records] == result["records"]
    np.testing.assert_array_equal(found.direction, store.read("direction"))
    np.testing.assert_array_equal(found.populations, store.read("populations"))
    if found.drift.snapshots == "none":
        assert not found.snapshots
        return
    assert list(found.snapshots) == store.read("snapshot_step").tolist()
    kept = store.read("bits")
    assert (found.bits.dtype, found.bits.shape) == (kept.dtype, kept.shape[1:])
    for bits, expected in zip(found.snapshots.values(), kept, strict=True):
        np.testing.assert_array_equal(bits, expected)
    np.testing.assert_array_equal(found.bits, kept[-1])
    there = store.read("present")[-1] if found.drift.survivors else np.ones(len(found.bits))
    np.testing.assert_array_equal(found.present, there)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_bit_is_that_of_the_run(tmp_path, name):
    drift = Drift(**{**SMALL.as_json(), **KINDS[name]})
    options = {"on": "cpu", "engine": "leap" if name == "leap" else "auto"}
    result = run(drift, tmp_path / "run.zarr", **options).as_json()
    told = []
    options["progress"] = lambda counts, done, total: told.append((counts, done, total))
    found = simulate(drift, **options)
    assert_same(found, result, RunStore(tmp_path / "run.zarr"))
    records = found.records
    assert told == [(each, k, len(records)) for k, each in enumerate(records, 1)]
    assert found.engine == ("leap" if name == "leap" else "step")


@pytest.mark.slow
def test_the_rows_of_a_checkpoint_are_moved_alike(in_tmp):
    codes = np.random.default_rng(0).integers(0x3C00, 0x3C40, (40, 6)).astype(np.uint16)
    codes[10:14] = codes[9]
    model = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write(in_tmp / "model.safetensors", model)
    drift = from_checkpoint("model.safetensors", near="largest", radius=0.1, steps=10)
    result = run(drift, "run.zarr", on="cpu").as_json()
    found, store = simulate(drift, on="cpu"), RunStore("run.zarr")
    assert_same(found, result, store)
    np.testing.assert_array_equal(found.token_ids, store.read("token_id"))
    assert simulate(SMALL, on="cpu").token_ids is None


@pytest.mark.parametrize("tokens", [3, 60])  # in one chunk, and in several
def test_what_comes_back_is_frozen_plain_and_its_own(tokens):
    drift = dataclasses.replace(SMALL, tokens=tokens)
    found = simulate(drift, on="cpu")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.bits = None
    assert {type(x) for x in found.final.as_json().values()} == {int, float}
    found.bits[:] = 0  # nobody else's memory
    assert found.snapshots[0].any()
    np.testing.assert_array_equal(found.snapshots[0], draw_cloud(drift, 0, tokens))
    assert simulate(drift, on="cpu").bits.any()
    assert len(repr(found)) < 1200


BAD = {
    "a device": ({}, {"on": "npu"}, "device is 'npu'; it must be one of auto, cpu, gpu, tpu"),
    "an engine": (
        {"jitter": 0.1},
        {"engine": "leap"},
        "engine is leap, which does not support jitter",
    ),
    "the range": (
        {"format": "float4_e2m1fn", "sigma": 0.1, "radius": 9999.0},
        {},
        "radius is 9999",
    ),
    "memory": ({}, {"memory": 1000}, "60 tokens of 128 dims need 0.375 GiB of memory"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_as_a_run_refuses_it(tmp_path, name):
    fields, options, message = BAD[name]
    drift = Drift(**{**SMALL.as_json(), **fields})
    with pytest.raises(BadInput, match=message):
        simulate(drift, **{"on": "cpu", **options})
    with pytest.raises(BadInput, match=message):
        run(drift, tmp_path / "run.zarr", **{"on": "cpu", **options})
    assert not list(tmp_path.iterdir())


def test_the_clouds_that_stay_have_to_fit_too():
    drift = Drift(sigma=1e-9, tokens=151936, snapshots="records")
    assert memory.kept_bytes(drift) == 51 * 151936 * 2560 * 2
    assert memory.kept_bytes(dataclasses.replace(drift, snapshots="none")) == 151936 * 2560 * 2
    with pytest.raises(BadInput, match=r"need 39.2 GiB of memory; 9.31 GiB are allowed"):
        simulate(drift, on="cpu", memory=10**10)
