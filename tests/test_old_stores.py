"""Stores that an earlier version wrote: they open, draw, and are resumed as they were.

tests/data holds a run that is complete and a sweep of which half is done.
"""

import json
import shutil

import numpy as np
import pytest
import xarray

import drift
from drift.sim.stores.run_layout import MOTION_COUNTS
from drift.sim.sweeps.store import MOTION_NAMES
from tests.support.builders import assert_same_arrays, stored_bytes
from tests.support.run_cli import drift as command
from tests.support.source_files import ROOT

RUN, SWEEP = ROOT / "tests/data/run-0.1.0.zarr", ROOT / "tests/data/sweep-0.1.0.zarr"


@pytest.fixture
def half_done(tmp_path):
    """A copy of the sweep, to be written to."""
    return shutil.copytree(SWEEP, tmp_path / "sweep.zarr")


@pytest.mark.slow
def test_a_run_has_the_arrays_of_the_same_run_today(tmp_path):
    store = drift.RunStore(RUN)
    assert store.complete
    again = drift.run(
        drift.Drift(**store.attrs["spec"]), tmp_path / "again.zarr", on="cpu"
    ).as_json()
    assert_same_arrays(RUN, tmp_path / "again.zarr", new=MOTION_COUNTS)
    assert again["final"]["populations"] == store.read("populations").tolist() == [17, 13]
    with xarray.open_zarr(RUN, consolidated=False) as found:
        assert dict(found.bits.sizes) == {"snapshot": 2, "token": 40, "dim": 8}
        assert found.present.values.sum(axis=1).tolist() == [40, 30]


@pytest.mark.slow
def test_a_sweep_is_gone_on_with_and_ends_as_one_swept_today(half_done, tmp_path):
    before = drift.SweepStore(half_done)
    done = before.done
    assert (done.sum(), before.complete) == (12, False)
    old = before.read("pairs")[done]
    result = drift.sweep(before.grid, half_done, on="cpu").as_json()
    assert (result["done"], result["failed"]) == (24, 0)
    np.testing.assert_array_equal(drift.SweepStore(half_done).read("pairs")[done], old)
    drift.sweep(before.grid, tmp_path / "new.zarr", on="cpu")
    new = stored_bytes(tmp_path / "new.zarr")
    old = stored_bytes(half_done)  # whose names are numbered
    assert old.pop("rounding") != new["rounding"]
    assert old == {k: v for k, v in new.items() if k in old}
    assert new.keys() - stored_bytes(half_done) == set(MOTION_NAMES.values())


@pytest.mark.slow
def test_verbs_take_both(svg_only, half_done, in_tmp, capsys):
    assert command(capsys, "export", RUN, "--out", "run.csv")[0] == 0
    assert command(capsys, "plot", "curves", RUN, "--no-prediction", "--out", "curves")[0] == 0
    status, out, _ = command(capsys, "structure", RUN, "--json")
    assert (status, json.loads(out)["cells"]) == (0, 2)
    status, out, _ = command(capsys, "status", half_done, "--json")
    assert (status, json.loads(out)["done"]) == (0, 12)
    left = ("--at", "rounding=nearest", "--no-prediction", "--out", "phase")
    assert command(capsys, "plot", "phase", half_done, *left)[0] == 0
    assert {path.name for path in in_tmp.iterdir()} >= {"run.csv", "curves.png", "phase.svg"}
