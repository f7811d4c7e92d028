"""Stores of compensated sums and of noise: killed and resumed runs, sweeps and their batches."""

import numpy as np
import pytest

from drift.sim.errors import BadInput
from drift.sim.runs import run
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.sweep import sweep
from tests.support import oracle
from tests.support.builders import Stop, assert_same_arrays, stop_after

SMALL = {"sigma": 1e-3, "tokens": 30, "dims": 8, "steps": 40, "records": 10}
KINDS = {
    "kahan": {"kahan": True, "schedule": "cosine"},
    "noise": {"kahan": True, "noise": 0.5, "format": "float16"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_run_that_was_stopped_goes_on_with_its_compensations(tmp_path, name):
    drift = Drift(**SMALL, **KINDS[name])
    run.run(drift, tmp_path / "plain.zarr", on="cpu")
    path = tmp_path / "stopped.zarr"
    with pytest.raises(Stop):
        run.run(drift, path, on="cpu", checkpoint_seconds=0, progress=stop_after(4))
    group = RunStore(path).group["checkpoint"]
    (saved,) = group.group_keys()
    pairs = group[saved]["bits"][...]
    assert pairs.dtype == np.uint32  # a value in the lower half, its compensation in the upper
    assert np.count_nonzero(pairs >> 16) > pairs.size / 4
    run.run(drift, path, on="cpu")
    assert_same_arrays(path, tmp_path / "plain.zarr")
    u = RunStore(path).read("direction")
    _, clouds = oracle.walk(drift, u)
    np.testing.assert_array_equal(RunStore(path).read("bits")[-1], oracle.bits(clouds[-1]))


def test_a_run_around_an_array_can_be_run_again_from_its_store(tmp_path):
    centre = np.linspace(-1, 1, 8)
    drift = Drift(**SMALL, centre=centre, shape="laplace")
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    store = RunStore(tmp_path / "a.zarr")
    assert store.attrs["spec"]["centre"].startswith("sha256:")
    np.testing.assert_array_equal(store.read("centre"), centre)
    assert store.drift == drift
    run.run(store.drift, tmp_path / "b.zarr", on="cpu")
    assert_same_arrays(tmp_path / "a.zarr", tmp_path / "b.zarr")
    with pytest.raises(BadInput, match=r"centre is sha256:\w{8}…, an array that is not available"):
        run.run(Drift.from_json(store.attrs["spec"]), tmp_path / "c.zarr", on="cpu")


def test_a_run_whose_centre_has_changed_is_not_resumed(tmp_path):
    file = tmp_path / "c.npy"
    np.save(file, np.ones(8))
    drift = Drift(**SMALL, centre=str(file))
    with pytest.raises(Stop):
        run.run(drift, tmp_path / "a.zarr", on="cpu", progress=stop_after(3))
    np.save(file, np.zeros(8))
    with pytest.raises(BadInput, match=r"was begun with another centre than \S+c\.npy gives"):
        run.run(drift, tmp_path / "a.zarr", on="cpu")


@pytest.mark.slow
def test_points_of_a_sweep_are_runs(tmp_path):
    fields = {**SMALL, "records": 2, "kahan": (False, True), "noise": (0.0, 0.5)}
    fields["centre"] = (None, "random:0.1")
    grid = Grid.given(fields)
    found = sweep(grid, tmp_path / "a.zarr", on="cpu")
    assert found.done == 8
    from drift.sim.sweeps.store import SweepStore

    store = SweepStore(tmp_path / "a.zarr")
    distinct = store.read("distinct").reshape(8, 3)
    for point in range(8):
        counts = simulate(grid.drift(point), on="cpu").records
        assert [each.distinct for each in counts] == distinct[point].tolist()
