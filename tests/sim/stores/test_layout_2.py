"""Layout 2 of stores, as xarray and NetCDF have it: complete, in order, with names, and quiet."""

import json
import warnings

import pytest
import xarray
import zarr

import drift
from drift.sim.stores.layouts import told
from drift.sim.sweeps.store import SweepStore
from tests.support.builders import Stop, stop_after, tiny

SMALL = drift.Drift(sigma=1e-8, tokens=12, dims=6, steps=4, records=4, survivors=8)
NAMED = {"rounding": ("nearest", "toward-zero"), "survivors": (None, 5), "steps": (3,)}


def test_attributes_are_texts_and_numbers_and_read_as_they_were_given():
    given = {"layout": 2, "spec": {"at": [1, 2]}, "none": None, "complete": True, "name": "x"}
    given |= {"notes": [], "mixed": [1, "a"], "ids": [1, 2], "texts": ["a"], "text": "{"}
    kept = told.written(given)
    assert kept["json"] == "mixed none notes spec"
    assert all(isinstance(each, str | int | list) for each in kept.values())
    assert type(kept["complete"]) is int
    assert told.read(kept) == given
    assert told.written({**given, "layout": 1}) == {**given, "layout": 1}
    assert told.written(told.read(kept)) == kept


def test_a_run_opens_quietly_in_order_and_goes_into_netcdf(tmp_path):
    found = drift.run(SMALL, tmp_path / "a.zarr", on="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(tmp_path / "a.zarr", chunks=None)
    assert list(data.data_vars)[:2] == ["distinct", "black_holes"]
    assert list(data.data_vars)[-4:] == ["populations", "bits", "present", "direction"]
    assert set(data.coords) == {"step", "snapshot_step"}
    assert json.loads(data.attrs["spec"]) == SMALL.as_json()
    assert not any(isinstance(each, dict | bool | None.__class__) for each in data.attrs.values())
    selected = found.to_xarray().sel(step=4)
    assert int(selected.distinct) == found.final.distinct
    pytest.importorskip("h5netcdf")
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")


def test_a_sweep_is_selected_by_names(tmp_path):
    grid = tiny(**NAMED)
    swept = drift.sweep(grid, tmp_path / "a.zarr", on="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(tmp_path / "a.zarr", chunks=None)
    one = data.sel(rounding="toward-zero", survivors="5", sigma=1e-9, seed=1)
    point = [k for k in range(len(grid)) if grid.drift(k).survivors == 5][-1]
    assert one.alive.values.tolist()[-1] == grid.drift(point).alive(3) == 5
    assert data.survivors.values.tolist() == ["all", "5"]
    assert list(data.data_vars) == list(swept.to_xarray().data_vars)
    assert swept.store.grid == grid


def test_nothing_that_comes_later_is_hidden(tmp_path):
    with pytest.raises(Stop):
        drift.run(SMALL, tmp_path / "a.zarr", on="cpu", progress=stop_after(2))
    assert "consolidated" not in (tmp_path / "a.zarr/zarr.json").read_text()
    drift.run(SMALL, tmp_path / "a.zarr", on="cpu")
    assert "populations" in zarr.open_group(tmp_path / "a.zarr", mode="r").array_keys()
    drift.sweep(tiny(), tmp_path / "b.zarr", on="cpu")
    store = SweepStore(tmp_path / "b.zarr", writing=True)
    store.update(complete=False)  # as a sweep does that counts points again
    assert "consolidated" not in (tmp_path / "b.zarr/zarr.json").read_text()
    assert xarray.open_zarr(tmp_path / "b.zarr", consolidated=False).attrs["complete"] == 0
    store.update(complete=True)
    assert xarray.open_zarr(tmp_path / "b.zarr", consolidated=True).attrs["complete"] == 1
