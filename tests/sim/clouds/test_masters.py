"""Masters of rows wider than the format start from the rows themselves, not from rounded ones."""

import numpy as np
import pytest

from drift import BadInput, RunStore
from drift.kernels.formats import BFLOAT16, FLOAT8_E4M3FN, FLOAT16, FLOAT32
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.matrix import values as values_of
from drift.sim.runs import run
from drift.sim.runs.simulate import simulate
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support import builders, oracle
from tests.support.builders import Stop, assert_same_arrays, stop_after

NAME = "lm_head.weight"
FIELDS = {"radius": 0.05, "steps": 20, "records": 4, "snapshots": "records", "master": "float32"}


def rows():
    """Rows that differ by less than the spacing of bfloat16: few cells at first, more later."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 0.02, 16) * (1 + rng.normal(0, 1e-4, (40, 16)))
    values[:, 3], values[:, 4], values[::2, 5] = -0.0, 2.0**-104, 2.0**-110
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("masters") / "model.safetensors"
    tensors = {NAME: builders.matrix(rows().view(np.uint32), FLOAT32)}
    halves = (rows() * 64).astype(np.float16)
    tensors["half"] = builders.matrix(halves.view(np.uint16), FLOAT16)
    return builders.write(path, tensors)


def assert_as_the_oracle(drift, store, result, start):
    u = store.read("direction")
    held, seen = oracle.walk(drift, u, oracle.taken(drift, start))
    for k, step in enumerate(drift.snapshot_steps):
        np.testing.assert_array_equal(store.read("bits")[k], oracle.bits(seen[step]))
    for counts in [result["initial"], *result["records"], result["final"]]:
        expected = oracle.counts(drift, held, seen, counts["step"], u)
        assert counts["radius"] == pytest.approx(expected.pop("radius"), abs=1e-6 * drift.radius)
        assert {name: counts[name] for name in expected} == expected


WAYS = {
    "bfloat16": {"format": "bfloat16"},
    "jitter": {"format": "bfloat16", "jitter": 0.2},
    "float8": {"format": "float8_e5m2", "direction": "axis", "schedule": "linear"},
    "halves": {"format": "bfloat16", "tensor": "half", "survivors": 9},
    "decay": {"format": "bfloat16", "weight_decay": 1e-4, "at": [3, 20]},
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_masters_start_from_the_values_of_the_file_in_every_engine(model, tmp_path, way):
    drift = from_checkpoint(model, **{**FIELDS, **WAYS[way]})
    path, again = tmp_path / "a.zarr", tmp_path / "b.zarr"
    result = run.run(drift, path, on="cpu", chunk_bytes=500).as_json()
    start = oracle.rows(model, drift.origin.tensor)
    if not drift.weight_decay:
        assert_as_the_oracle(drift, RunStore(path), result, start)
    with pytest.raises(Stop):
        run.run(drift, again, on="cpu", progress=stop_after(1), checkpoint_seconds=0)
    run.run(drift, again, on="cpu", engine="step")
    assert_same_arrays(path, again)
    found = simulate(drift, on="cpu")
    assert [counts.as_json() for counts in found.records] == result["records"]


def test_masters_part_what_rounded_rows_would_not(model, tmp_path):
    fields = {**FIELDS, "format": "bfloat16", "direction": "axis", "radius": 0.0}
    kept = simulate(from_checkpoint(model, **fields), on="cpu")
    held = rows()
    held[np.abs(held) < 2.0**-103] = 0
    np.testing.assert_array_equal(kept.final.radius, kept.initial.radius)
    seen = oracle.bits(held.astype(oracle.dtype("bfloat16")))
    np.testing.assert_array_equal(kept.bits, seen)
    drift = from_checkpoint(model, **{**fields, "radius": 0.01, "direction": "random"})
    moved = [counts.distinct for counts in simulate(drift, on="cpu").records]
    rounded = tmp_path / "rounded.safetensors"
    builders.write(rounded, {NAME: builders.matrix(seen, BFLOAT16)})
    drift = from_checkpoint(rounded, **{**FIELDS, "radius": 0.01})
    assert max(moved) > 4
    assert {counts.distinct for counts in simulate(drift, on="cpu").records} == {4}


@pytest.mark.slow
def test_a_sweep_and_a_device_count_the_same(model, tmp_path):
    given = {"from": str(model), "format": "bfloat16", "master": ("none", "float32")}
    given |= {"steps": 20, "records": 4, "radius": (0.01, 0.05)}
    sweep(Grid.given(given), tmp_path / "grid.zarr", on="cpu")
    store = SweepStore(tmp_path / "grid.zarr")
    for point in range(len(store.grid)):
        drift = store.grid.drift(point)
        counts = simulate(drift, on="cpu").records
        place = np.unravel_index(point, store.grid.shape)
        for name in ("distinct", "pairs", "radius", "done"):
            assert store.read(name)[place].tolist() == [getattr(each, name) for each in counts]


def test_the_range_counts_the_masters_themselves(tmp_path):
    """A float32 just above the largest value of float8 is within it once rounded."""
    path = tmp_path / "wide.safetensors"
    values = np.array([[450.0, 1.0], [-463.9, 2.0]], np.float32)
    builders.write(path, {NAME: builders.matrix(values.view(np.uint32), FLOAT32)})
    fields = {"format": "float8_e4m3fn", "master": "float32", "direction": "axis", "steps": 2}
    found = simulate(from_checkpoint(path, **fields, radius=1.0), on="cpu")
    assert values_of(found.bits, FLOAT8_E4M3FN).tolist() == [[448, 1], [-448, 2]]
    with pytest.raises(BadInput, match=r"leave float8_e4m3fn's range at step 1"):
        simulate(from_checkpoint(path, **fields, radius=40.0), on="cpu")
    values[0, 0] = 464.5
    builders.write(path, {NAME: builders.matrix(values.view(np.uint32), FLOAT32)})
    with pytest.raises(BadInput, match=r"fit float8_e4m3fn: token 0 has 464\.5, beyond"):
        simulate(from_checkpoint(path, **fields, radius=0.0), on="cpu")


def test_done_does_not_depend_on_whether_step_0_is_recorded(model):
    fields = {**FIELDS, "format": "bfloat16"}
    with_it = simulate(from_checkpoint(model, **fields, at=[0, 20]), on="cpu").records[-1]
    for engine in ("auto", "step"):
        drift = from_checkpoint(model, **fields, at=[20])
        assert simulate(drift, on="cpu", engine=engine).records[-1] == with_it


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "bfloat16"}, "the rows, float32, as float32 masters; nothing is rounded"),
        ({"format": "bfloat16", "master": "none"}, "the rows, float32, rounded once to bfloat16"),
        ({"master": "none"}, "the rows, float32, as they are"),
        ({"tensor": "half", "master": "none"}, "the rows, float16, as they are"),
    ],
)
def test_a_run_says_what_it_starts_from(model, tmp_path, fields, said):
    drift = from_checkpoint(model, **{**FIELDS, "steps": 1, **fields})
    result = run.run(drift, tmp_path / "run.zarr", on="cpu").as_json()
    assert result["starts_from"] == said
