"""Sweeps over drifts that start from checkpoints' rows."""

import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.errors import BadInput
from drift.sim.runs.run import run
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import NAMES, SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support import builders

NAME = "lm_head.weight"


def write(path, tokens, seed):
    """A checkpoint of rows that are about as small as bfloat16's steps at 1."""
    target = FORMATS["bfloat16"]
    values = np.random.default_rng(seed).normal(size=(tokens, 8)) * 0.01
    codes = target.code(values)
    codes[:3] = codes[0]
    builders.write(path, {NAME: builders.matrix(codes, target)})
    return str(path)


def grid(*paths, **more):
    fields = {"from": paths, "records": (4,), "steps": (10,), "radius": (0.1, 1.0)}
    return Grid.given({**fields, "direction": ("centroid",), **more})


def test_what_the_rows_say_is_filled_in(tmp_path):
    path = write(tmp_path / "a.safetensors", 20, 0)
    found = grid(path).base
    assert (found["tokens"], found["dims"], found["format"]) == (20, 8, "bfloat16")
    assert (found["tensor"], found["near"], found["sigma"]) == (NAME, None, None)
    assert grid(path, near=("largest",)).base["exponents"] == 5
    assert grid(path, format=("float16",)).base["format"] == "float16"
    for name, value in {"sigma": 1e-9, "tokens": 5}.items():
        with pytest.raises(BadInput, match=f"{name} is given with --from"):
            grid(path, **{name: (value,)})


@pytest.mark.slow
def test_every_cell_has_the_counts_of_a_run_from_there(tmp_path):
    paths = [write(tmp_path / f"{k}.safetensors", 20 + k, k) for k in range(2)]
    swept = grid(*paths, near=("largest", "7"), exponents=(1, 200), tensor=(NAME,))
    assert [axis.name for axis in swept.axes] == ["radius", "from", "near", "exponents"]
    result = sweep(swept, tmp_path / "a.zarr", on="cpu").as_json()
    assert (result["done"], result["failed"]) == (16, 0)
    store = SweepStore(tmp_path / "a.zarr")
    assert store.grid == swept
    for cell in (0, 3, 5, 15):
        values = swept.values(cell)
        place = values.pop("from")
        fields = {"steps": 10, "records": 4, "direction": "centroid"}
        drift = from_checkpoint(place, **values, **fields, snapshots="none")
        assert swept.drift(cell) == drift
        run(drift, tmp_path / f"{cell}.zarr", on="cpu")
        for k, counts in enumerate(RunStore(tmp_path / f"{cell}.zarr").records()):
            for name in NAMES:
                assert store.read(name).reshape(16, -1)[cell, k] == getattr(counts, name)


@pytest.mark.slow
def test_rows_that_changed_since_it_was_begun_are_noticed(tmp_path):
    def stop(session):
        raise KeyboardInterrupt

    path = write(tmp_path / "a.safetensors", 20, 0)
    with pytest.raises(KeyboardInterrupt):
        sweep(grid(path, steps=(10, 20)), tmp_path / "a.zarr", on="cpu", progress=stop)
    write(tmp_path / "a.safetensors", 20, 1)
    with pytest.raises(BadInput, match=r"was begun with a different .*a\.safetensors lm_head"):
        sweep(grid(path, steps=(10, 20)), tmp_path / "a.zarr", on="cpu")


def test_a_checkpoint_that_is_not_there_is_refused_before_anything_is_written(tmp_path):
    path = write(tmp_path / "a.safetensors", 20, 0)
    with pytest.raises(BadInput, match="gone"):
        sweep(grid(path, str(tmp_path / "gone")), tmp_path / "a.zarr", on="cpu")
    assert not (tmp_path / "a.zarr").exists()
