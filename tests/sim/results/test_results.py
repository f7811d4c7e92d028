"""Results: short in print, a table in a notebook, equal where they say the same."""

import dataclasses
import re

import numpy as np
import pytest

import drift
from drift.sim.results.equality import same
from drift.sim.results.page import MOST_ROWS
from drift.sim.results.sparkline import sparkline
from tests.support.builders import tiny

SMALL = drift.Drift(sigma=1e-8, tokens=30, dims=8, steps=20, records=20, survivors=20)


@pytest.fixture(scope="module")
def simulated():
    return drift.simulate(SMALL, on="cpu")


def test_equality_looks_into_arrays_and_takes_nan_for_nan():
    assert same(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    assert not same(np.array([1.0]), np.array([1]))
    assert same({"a": [np.zeros(2)]}, {"a": [np.zeros(2)]})
    assert not same([np.zeros(2)], (np.zeros(2),))
    assert same(float("nan"), float("nan"))


def test_a_sparkline_is_a_small_svg():
    drawn = sparkline([1, 2, None, 4], "a <b>")
    assert len(re.findall("<polyline", drawn)) == 2
    assert "a &lt;b&gt;" in drawn
    assert "script" not in drawn
    assert sparkline([], "none") == sparkline([None, float("nan")], "none") == ""
    assert len(sparkline(list(range(100_000)), "many")) < 3000


def test_a_result_is_short_and_equals_the_one_of_its_store(simulated, tmp_path):
    ran = drift.run(SMALL, tmp_path / "a.zarr", on="cpu")
    assert ran == simulated == drift.run(SMALL, tmp_path / "a.zarr")
    assert hash(ran) == hash(simulated)
    other = drift.simulate(dataclasses.replace(SMALL, seed=1), on="cpu")
    assert (other != simulated, ran == 3) == (True, False)
    for each in (simulated, ran, ran.store, other.black_holes[0], SMALL):
        assert len(repr(each)) < 250
    for each in (simulated, ran, ran.store):
        html = each._repr_html_()
        assert html.count("<tr>") == MOST_ROWS + 1
        assert "<svg" in html


def test_values_codes_and_black_holes_are_those_of_the_cloud(simulated):
    values = simulated.values
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, simulated.drift.target.value(simulated.codes))
    holes = simulated.black_holes
    assert [hole.tokens for hole in holes] == simulated.populations.tolist()
    for hole in holes:
        assert simulated.present[hole.token_ids].all()
        assert (values[hole.token_ids] == values[hole.token_ids[0]]).all()


def test_frames_have_the_records(simulated):
    frame, data = simulated.to_pandas(), simulated.to_xarray()
    assert frame.index.tolist() == list(SMALL.record_steps)
    assert frame.distinct.tolist() == data.distinct.values.tolist()
    assert int(data.distinct.sel(step=20)) == simulated.final.distinct


def test_a_sweep_shows_itself_and_has_no_repeats_in_its_frame(tmp_path):
    swept = drift.sweep(tiny(), tmp_path / "a.zarr", on="cpu")
    frame = swept.to_pandas()
    assert not frame.duplicated(["sigma", "steps", "seed", "step"]).any()
    ends = frame[frame.progress == 1]
    assert len(ends) == swept.done == 12
    assert ends.distinct.tolist() == swept.read("distinct")[..., -1].ravel().tolist()
    assert "12 of 12 grid points done" in repr(swept)
    assert swept._repr_html_().count("<tr>") == MOST_ROWS + 1


def test_missing_libraries_are_named(simulated, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(drift.BadInput, match="to_pandas needs the package pandas; pip install"):
        simulated.to_pandas()
