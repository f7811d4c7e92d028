"""Predicted grids: points against single predictions, stores, and means over directions."""

import numpy as np
import pytest
import xarray

from drift import BadInput, Drift, Grid
from drift.sim.predicted.directions import over_directions
from drift.sim.predicted.points import axis_values, check_predictable, listed, predicted_points
from drift.sim.predicted.store import predict_grid
from drift.sim.prediction.expected import expect
from drift.sim.prediction.transport import Transport
from drift.sim.sweeps.grid import drift_of
from drift.sim.sweeps.store import PredictedStore, SweepStore, is_sweep, open_grid

SMALL = {"tokens": 40, "dims": 6, "records": 2}


def test_points_are_the_predictions_of_their_drifts():
    grid = Grid.given(
        {
            "sigma": (1e-6, 1e-5),
            "steps": (3, 20),
            "survivors": (None, 10),
            "schedule": ("constant", "linear"),
            **SMALL,
        }
    )
    told = []
    found = listed(grid, predicted_points(grid, tell=told.append))
    assert [each.point for each in found] == list(range(16))
    assert told == [4, 8, 12, 16]
    for values, each in zip(axis_values(grid), found, strict=True):
        drift = drift_of({**grid.base, **values})
        steps = [0, (drift.steps + 1) // 2, drift.steps]
        alone = expect(drift, steps, [drift.sigma])[0]
        assert [record.step for record in each.records] == steps
        for one, other in zip(each.records, alone, strict=True):
            assert one.alive == other.alive
            for name in ("distinct", "distinct_error", "black_holes", "pairs", "radius"):
                assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-7, abs=1e-9)


def test_one_motion_serves_all_sigmas_tokens_and_survivors(monkeypatch):
    moved = []
    move = Transport._moved
    monkeypatch.setattr(Transport, "_moved", lambda *a: moved.append(1) or move(*a))
    grid = Grid.given(
        {**SMALL, "sigma": (1e-7, 1e-6, 1e-5), "tokens": (20, 40), "survivors": (10, None)}
    )
    assert len(list(predicted_points(grid))) == 12
    assert len(moved) == 1


def test_a_store_has_the_names_of_a_sweeps_and_opens_in_xarray(tmp_path):
    grid = Grid.given({"sigma": (1e-6, 1e-5), "steps": (3, 20), **SMALL})
    found = predict_grid(grid, tmp_path / "p.zarr").as_json()
    assert (found["cells"], found["done"], found["failed"]) == (4, 4, 0)
    with xarray.open_zarr(tmp_path / "p.zarr", consolidated=False) as opened:
        assert dict(opened.sizes) == {"sigma": 2, "steps": 2, "progress": 3}
        assert set(opened.data_vars) >= {"distinct", "largest", "reached", "done", "pairs_error"}
        alone = expect(Drift(sigma=1e-5, steps=20, tokens=40, dims=6), [20], [1e-5])[0][0]
        last = opened.sel(sigma=1e-5, steps=20, progress=1.0)
        assert float(last.distinct) == pytest.approx(alone.distinct, rel=1e-9)
        assert float(last.pairs_error) == pytest.approx(alone.pairs_error, rel=1e-9)
        assert float(last.largest_95) == alone.largest_95
        assert opened.distinct.attrs["long_name"] == "expected occupied cells"
    assert is_sweep(tmp_path / "p.zarr")
    store = open_grid(tmp_path / "p.zarr")
    assert isinstance(store, PredictedStore)
    assert store.complete
    assert store.done.all()
    store.verify()
    with pytest.raises(BadInput, match="is not the store of a sweep"):
        SweepStore(tmp_path / "p.zarr")


def test_a_store_is_replaced_only_where_that_is_asked_for(tmp_path):
    grid = Grid.given({"sigma": (1e-6, 1e-5), **SMALL})
    predict_grid(grid, tmp_path / "p.zarr")
    assert predict_grid(grid, tmp_path / "p.zarr").was_complete
    other = Grid.given({"sigma": (1e-7, 1e-5), **SMALL})
    with pytest.raises(BadInput, match="is a complete predict with sigma"):
        predict_grid(other, tmp_path / "p.zarr")
    predict_grid(other, tmp_path / "p.zarr", overwrite=True)
    assert open_grid(tmp_path / "p.zarr").grid == other
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput):
        predict_grid(grid, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_points_that_leave_the_range_fail_alone(tmp_path):
    grid = Grid.given({"sigma": (1e-6, 3e38), "radius": (0.1, 0.2), **SMALL})
    found = predict_grid(grid, tmp_path / "p.zarr").as_json()
    assert (found["done"], found["failed"]) == (2, 2)
    store = open_grid(tmp_path / "p.zarr")
    assert store.done.tolist() == [[True, True], [False, False]]
    assert all(
        "more likely than not leave bfloat16's range" in why for why in store.failed.values()
    )
    assert np.isnan(store.read("distinct")[1]).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"rounding": ("nearest", "stochastic")},
            "for stochastic rounding; drift run simulates it",
        ),
        ({"jitter": (0.0, 0.1)}, "for jitter"),
        ({"format": ("bfloat16", "float32")}, "for float32"),
        ({"steps": tuple(range(1, 2001)), "records": 50_000}, "at most 5,000,000 records"),
    ],
)
def test_a_grid_with_a_point_without_exact_form_is_refused(fields, message, tmp_path):
    grid = Grid.given({"sigma": (1e-6, 1e-5), **SMALL, **fields})
    with pytest.raises(BadInput, match=message):
        check_predictable(grid)
    with pytest.raises(BadInput, match=message):
        predict_grid(grid, tmp_path / "p.zarr")
    assert not (tmp_path / "p.zarr").exists()


def test_means_over_directions_have_their_spread():
    found = [
        expect(Drift(sigma=1e-6, tokens=40, dims=6, direction_seed=k), [100], [1e-6])[0][0]
        for k in range(4)
    ]
    each = over_directions(found)
    distinct = [one.distinct for one in found]
    assert each["distinct"]["mean"] == pytest.approx(np.mean(distinct))
    assert each["distinct"]["deviation"] == pytest.approx(np.std(distinct, ddof=1))
    assert (each["distinct"]["least"], each["distinct"]["most"]) == (min(distinct), max(distinct))
    assert over_directions(found[:1])["pairs"]["deviation"] == 0
