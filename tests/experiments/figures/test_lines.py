"""Lines of any quantity over any axis: what is drawn, and what is said of other names."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import drift
from drift.experiments.cli import main
from drift.experiments.figures.lines.coincide import is_turn
from drift.sim.errors import BadInput
from drift.sim.prediction.expected import expect
from tests.support.builders import sweep_store

SIGMAS, STEPS, SEEDS = (1e-7, 1e-9, 1e-8), (1, 10), (0, 1, 2)


def share(sigma=1e-8, steps=1, seed=0, progress=1.0, **others):
    """A share of tokens that falls along the way."""
    at = math.log10(sigma) + 8 + 0.2 * seed - 0.3 * math.log10(steps)
    return 1 - progress / (1 + math.exp(3 * at))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "grid.zarr"
    axes = {"sigma": SIGMAS, "steps": STEPS, "seed": SEEDS, "format": ("bfloat16", "float16")}
    return sweep_store(path, axes, share, left=[(1, 0)])


def own(axes):
    """The lines of a panel that are neither crosses nor the dashes of what coincides."""
    lines = [line for line in axes.get_lines() if not is_turn(line)]
    return [line for line in lines if line.get_marker() != "x"]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]


def test_a_line_is_the_mean_of_the_store_and_its_band_the_ends(sweep):
    figure = drift.plot.lines(
        sweep, x="sigma", y="distinct", hue="steps", col="format", prediction=False
    )
    stored = sweep.read("distinct", record=-1).astype(float)
    assert [axes.get_title() for axes in figure.axes] == ["bfloat16", "float16"]
    for k, axes in enumerate(figure.axes):
        assert axes.get_xscale() == "log"
        for j, line in enumerate(own(axes)):
            there = [(sigma, SIGMAS.index(sigma)) for sigma in sorted(SIGMAS)]
            there = [(sigma, at) for sigma, at in there if (at, j) != (1, 0)]  # it is not done
            np.testing.assert_allclose(line.get_xdata(), [sigma for sigma, _ in there])
            each = np.array([stored[at, j, :, k] for _, at in there])
            np.testing.assert_allclose(line.get_ydata(), each.mean(axis=1))
            ends = axes.collections[j].get_paths()[0].vertices[:, 1]
            assert (ends.min(), ends.max()) == (each.min(), each.max())
    assert legend(figure) == ["$X$ = 1", "$X$ = 10"]
    caption = figure.get_supxlabel()
    assert "mean over 3 seeds" in caption
    assert "bands: min–max" in caption
    assert "6 of 36 grid points are not done" in caption


def test_any_quantity_at_any_progress_and_over_any_axis(sweep):
    at = {"steps": 10, "format": "float16"}
    stored = sweep.read("radius", record=2)[:, 1, :, 1].mean(axis=1)
    figure = drift.plot.lines(sweep, "sigma", "reached", at=at, progress=0.5, prediction=False)
    [line] = own(figure.axes[0])
    np.testing.assert_allclose(line.get_ydata(), stored[[1, 2, 0]])
    assert figure.axes[0].get_ylabel() == "radius reached, $r$"
    assert "after 0.5 of the steps" in figure.get_supxlabel()
    figure = drift.plot.lines(sweep, "step", "fraction", "sigma", at=at, prediction=False)
    assert len(own(figure.axes[0])) == 3
    for k, line in zip((1, 2, 0), own(figure.axes[0]), strict=True):
        found = sweep.read("distinct")[k, 1, :, 1] / sweep.read("alive")[k, 1, :, 1]
        np.testing.assert_allclose(line.get_ydata(), found.mean(axis=0))
    figure = drift.plot.lines(sweep, "format", "largest", "steps", at="sigma=1e-8", spread="none")
    assert [line.get_linestyle() for line in own(figure.axes[0])] == ["None", "None"]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["bfloat16", "float16"]


def test_asked_against_done_sums_what_the_records_have(tmp_path):
    found = drift.simulate(drift.Drift(sigma=1e-7, tokens=30, dims=16, steps=300, records=6))
    told = [counts.as_json() for counts in found.records]
    figure = drift.plot.lines(found, x="asked", y="done", prediction=False)
    [line] = own(figure.axes[0])
    for got, name in ((line.get_xdata(), "asked"), (line.get_ydata(), "done")):
        np.testing.assert_allclose(got, np.cumsum([each[name] for each in told]))
    both = drift.plot.lines(found, x="step", y=["asked", "done"], prediction=False)
    assert [line.get_linestyle() for line in own(both.axes[0])] == ["-", "--"]
    assert legend(both) == ["distance asked for", "distance done"]


def test_crosses_are_what_is_expected():
    made = [drift.Drift(sigma=sigma, tokens=50, dims=20, steps=5) for sigma in (1e-8, 1e-6)]
    figure = drift.plot.lines([drift.simulate(each) for each in made], y="pairs", prediction=True)
    [crosses] = [line for line in figure.axes[0].get_lines() if line.get_marker() == "x"]
    expected = [expect(each, [5], [each.sigma])[0][0].pairs for each in made]
    np.testing.assert_allclose(crosses.get_ydata(), expected)
    assert "expected" in legend(figure)


def test_runs_that_differ_in_what_is_not_along_x_have_colours():
    made = [drift.Drift(sigma=1e-8, tokens=20, dims=8, steps=n) for n in (3, 4)]
    figure = drift.plot.lines([drift.simulate(each) for each in made], x="step", prediction=False)
    assert len(own(figure.axes[0])) == 2
    assert len({line.get_color() for line in own(figure.axes[0])}) == 2


def test_predicted_grids_have_their_own_quantities(tmp_path):
    grid = drift.Grid(sigma=[1e-8, 1e-7], tokens=30, dims=8, steps=4, records=1)
    told = drift.predict(grid, out=tmp_path / "p.zarr")
    figure = drift.plot.lines(told, y="distinct_error")
    assert figure.axes[0].get_ylabel() == "expected standard deviation of distinct cells"


def test_what_is_counted_and_expected_of_the_same_points_is_not_averaged(sweep, tmp_path):
    grid = drift.Grid(sigma=sorted(SIGMAS), steps=list(STEPS), tokens=100, dims=16, records=1)
    told = drift.predict(grid, out=tmp_path / "p.zarr")
    figure = drift.plot.lines([sweep, told], "sigma", hue="steps", prediction=False)
    lines = own(figure.axes[0])
    assert [line.get_linestyle() for line in lines] == ["-", "--"] * 2
    expected = told.read("distinct")[:, 0, -1]
    np.testing.assert_allclose(lines[1].get_ydata(), expected)
    assert [text.endswith(" (expected)") for text in legend(figure)[-2:]] == [False, True]


BAD = {
    "x": (
        {"x": "nix"},
        r"x is 'nix'; it is an axis \(sigma, steps, seed, format\), step, progress",
    ),
    "y": ({"y": "nix"}, "y is 'nix'; a quantity is one of distinct, fraction, black_holes"),
    "no y": ({"y": []}, "y is empty"),
    "hue": ({"hue": "nix"}, "hue is 'nix'; it is an axis .*, source or quantity"),
    "fixed throughout": ({"x": "tokens"}, "tokens is 100 throughout the sweep"),
    "twice": ({"x": "sigma", "col": "sigma"}, "sigma is named twice"),
    "shown and fixed": ({"x": "sigma", "at": "sigma=1e-8"}, "sigma is shown and also fixed"),
    "scale": ({"yscale": "sqrt"}, "yscale is 'sqrt'; it is one of auto, linear, log"),
    "spread": ({"spread": "x"}, "spread is 'x'; it is one of range, deviation, none"),
    "progress": ({"progress": 0.3}, "progress is 0.3; of 5 records the nearest is after 0.25"),
    "along": ({"x": "step", "progress": 0.5}, "the lines go through all records"),
    "no progress": ({"progress": math.nan}, "progress is nan; it must be in 0 ... 1"),
    "only predicted": ({"y": "pairs_error"}, "which only predicted grids hold"),
    "a value": ({"at": "steps=7"}, "the sweep has no steps=7; its values are 1, 10"),
    "a width": ({"width": 0.1}, "width is 0.1; it must be in 2 ... 40 inches"),
    "a font": ({"font_size": "big"}, "font size is big; it must be in 4 ... 40 points"),
}


@pytest.mark.parametrize("name", BAD)
def test_other_names_are_answered_with_what_is_accepted(sweep, name):
    options, said = BAD[name]
    with pytest.raises(BadInput, match=said) as refused:
        drift.plot.lines(sweep, **{"x": "sigma", "prediction": False, **options})
    assert "\n" not in str(refused.value)


def test_a_log_axis_says_what_it_cannot_show(sweep):
    figure = drift.plot.lines(sweep, "sigma", "stalled", yscale="linear", prediction=False)
    assert figure.axes[0].get_yscale() == "linear"
    with pytest.raises(BadInput, match="yscale is log, but no value is above 0"):
        drift.plot.lines(sweep, "sigma", "stalled", yscale="log", prediction=False)


def test_the_verb_draws_them_and_says_what_was_not_chosen(sweep, in_tmp, capsys):
    verb = [
        "plot",
        "lines",
        str(sweep.address),
    ]
    named = ["--x", "sigma", "--y", "distinct", "--hue", "steps", "--no-prediction"]
    assert main.outcome([*verb, *named, "--out", "a.svg"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "figure: a.svg\n"
    assert "shown at format=bfloat16, the first values" in captured.err
    assert [path.name for path in in_tmp.iterdir()] == ["a.svg"]
    assert main.outcome([*verb, "--x", "nix"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main.outcome(["plot", "lines", "nix.zarr"]) == 2
    assert "nix.zarr does not exist" in capsys.readouterr().err


def test_a_figure_that_is_given_is_drawn_on(sweep):
    mine = Figure(figsize=(7, 5))
    assert drift.plot.lines(sweep, prediction=False, figure=mine) is mine
    assert mine.get_size_inches().tolist() == [7, 5]
    with pytest.raises(BadInput, match="one that is given keeps its size"):
        drift.plot.lines(sweep, prediction=False, figure=mine, width=5)
