"""drift.plot: whatever is given is drawn, and nobody's settings are touched."""

import matplotlib
import pytest
from matplotlib.figure import Figure

import drift
from tests.support.builders import tiny

SMALL = drift.Drift(sigma=1e-8, tokens=30, dims=8, steps=20, records=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("plots")
    ran = drift.run(SMALL, place / "a.zarr", on="cpu")
    swept = drift.sweep(tiny(), place / "g.zarr", on="cpu")
    return ran, swept


@pytest.mark.slow
def test_each_kind_takes_results_stores_paths_and_lists(made):
    ran, swept = made
    before = dict(matplotlib.rcParams)
    runs = [ran, ran.store, ran.store.address, drift.simulate(SMALL, on="cpu")]
    for each in (*runs, runs):
        for draw in (drift.plot.holes, drift.plot.curves):
            assert isinstance(draw(each, prediction=False), Figure)
    for each in (swept, swept.store, [swept, str(swept.store.address)]):
        assert isinstance(drift.plot.phase(each, prediction=False), Figure)
    assert isinstance(drift.plot.cloud([ran, runs[-1]]), Figure)
    assert isinstance(drift.plot.components(drift.structure(ran)), Figure)
    assert dict(matplotlib.rcParams) == before


def test_a_figure_that_is_given_is_drawn_on_in_its_size(made):
    mine = Figure(figsize=(9, 7))
    assert drift.plot.curves(made[0], prediction=False, figure=mine) is mine
    assert mine.get_size_inches().tolist() == [9, 7]
    assert len(mine.axes) == 2


def test_settings_of_others_do_not_matter(made):
    with matplotlib.rc_context({"text.usetex": True, "font.size": 40, "axes.grid": False}):
        figure = drift.plot.curves(made[0], prediction=False)
        shown = figure._repr_png_()
    assert not any(text.get_usetex() for text in figure.findobj(matplotlib.text.Text))
    assert shown == drift.plot.curves(made[0], prediction=False)._repr_png_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda ran, swept: drift.plot.phase(ran), "a Ran is given; a sweep's result, store"),
        (lambda ran, swept: drift.plot.phase(3), "a int is given; a sweep's result"),
        (lambda ran, swept: drift.plot.curves([]), "an empty list is given"),
        (lambda ran, swept: drift.plot.curves([ran, swept]), "is a sweep, which is drawn alone"),
        (lambda ran, swept: drift.plot.track(ran), "a Ran is given; a track"),
        (lambda ran, swept: drift.plot.curves(3), "a int is given; a result, a store"),
    ],
)
def test_what_cannot_be_drawn_is_said(made, call, said):
    with pytest.raises(drift.BadInput, match=said):
        call(*made)
