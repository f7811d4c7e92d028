"""Coalescence curves: every line and cross is in the stores."""

import json

import numpy as np
import pytest
from matplotlib import image

from drift.experiments.cli import main
from drift.experiments.figures import expected
from drift.experiments.figures.curves import curves, request_of_run
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.lines.coincide import is_turn
from drift.experiments.figures.style import COLOURS
from drift.experiments.figures.sweeps.curves import sweep_curves
from drift.experiments.figures.sweeps.expected import expected_in_slice
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice, all_axes, parse_fixed
from drift.sim.errors import BadInput
from drift.sim.prediction.expected import expect
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.grid import Grid, drift_of
from tests.support.builders import sweep_store


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    for seed in (0, 1):
        drift = Drift(sigma=1e-9, tokens=100, dims=400, seed=seed, records=10)
        run.run(drift, folder / f"{seed}.zarr", on="cpu")
    return [folder / "0.zarr", folder / "1.zarr"]


def test_the_lines_are_the_stored_counts(stores):
    store = RunStore(stores[0])
    axes, lower = curves([store]).axes
    distinct, largest = axes.get_lines()[:2]
    records = store.records()
    np.testing.assert_array_equal(distinct.get_xdata(), [c.radius for c in records])
    np.testing.assert_array_equal(distinct.get_ydata(), [c.distinct for c in records])
    np.testing.assert_array_equal(largest.get_ydata(), [c.largest for c in records])
    assert axes.get_yscale() == "log"
    pairs = lower.get_lines()[0]
    np.testing.assert_array_equal(pairs.get_xdata(), distinct.get_xdata())
    np.testing.assert_array_equal(pairs.get_ydata(), [c.pairs for c in records])
    assert lower.get_yscale() == "symlog"  # there are none at first
    assert lower.get_ylim()[0] < 0


@pytest.mark.slow
def test_the_predicted_line_is_what_is_expected_at_the_records(stores):
    drawn = curves([RunStore(path) for path in stores])
    lower, drift = drawn.axes[1], Drift(sigma=1e-9, tokens=100, dims=400)
    [rows] = expect(drift, range(0, 101, 10), [1e-9])
    measured, predicted = lower.get_lines()[:2], lower.get_lines()[2:]
    assert len(predicted) == len(lower.collections) == 2
    for line, shown, spread in zip(predicted, measured, lower.collections, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [row.radius for row in rows])
        np.testing.assert_array_equal(line.get_ydata(), [row.pairs for row in rows])
        assert line.get_color() == shown.get_color()
        ends = spread.get_paths()[0].vertices
        for row in rows[1:-1]:  # at a step are its height and that of the one before
            mine = ends[ends[:, 0] == row.radius, 1]
            low = max(0.0, row.pairs - row.pairs_error)
            assert {low, row.pairs + row.pairs_error} <= set(mine.tolist())
    upper = drawn.axes[0]
    for k, name in ((4, "distinct"), (5, "largest"), (6, "distinct"), (7, "largest")):
        line = upper.get_lines()[k]
        np.testing.assert_array_equal(line.get_ydata(), [getattr(row, name) for row in rows])
        ends = upper.collections[k - 4].get_paths()[0].vertices
        last = np.sort(ends[ends[:, 0] == rows[-1].radius, 1])[[0, -1]]
        error = rows[-1].distinct_error
        band = {
            "distinct": (rows[-1].distinct - error, rows[-1].distinct + error),
            "largest": (rows[-1].largest_5, rows[-1].largest_95),
        }[name]
        assert (last.min(), last.max()) == pytest.approx(band)
    assert "expected, ± one standard deviation (largest: 5 to 95 %)" in legend(drawn)
    assert "no prediction" not in drawn.get_supxlabel()


@pytest.mark.slow
def test_a_run_along_an_array_is_predicted_from_the_vector_in_its_store(tmp_path):
    small = {"sigma": 1e-6, "tokens": 20, "dims": 3, "steps": 5, "records": 2}
    drift = Drift(**small, direction=[1.0, -2.0, 0.5])
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    request = request_of_run(RunStore(tmp_path / "a.zarr"), [0, 5])
    found, reasons = ExpectedPairs(True).at_steps([request])
    assert (found, reasons) == (expect(drift, [0, 5], [1e-6]), [])


@pytest.mark.slow
def test_pairs_that_never_were_lie_at_zero(tmp_path):
    run.run(Drift(sigma=1e-3, tokens=20, dims=64, steps=4), tmp_path / "0.zarr", on="cpu")
    drawn = curves([RunStore(tmp_path / "0.zarr")])
    measured, predicted = drawn.axes[1].get_lines()
    assert set(measured.get_ydata()) == {0}
    assert max(predicted.get_ydata()) < 1e-9
    assert drawn.axes[1].get_yscale() == "linear"
    low, high = drawn.axes[1].get_ylim()
    assert low < 0 < 1 < high
    assert [tick for tick in drawn.axes[1].get_yticks() if low <= tick <= high] == [0, 1]


WITHOUT = {
    "rounding": ({"rounding": "stochastic"}, "no exact form is implemented for stochastic"),
    "jitter": ({"jitter": 0.1}, "no exact form is implemented for jitter"),
    "format": ({"format": "float32"}, "no exact form is implemented for float32"),
    "file": ({"direction": "u.npy"}, "u.npy has changed since"),
    "price": ({"steps": 10**6, "schedule": "linear"}, "it would take about 20 seconds"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT)
def test_what_is_not_predicted_is_measured_alone_and_the_caption_says_why(name, stores, in_tmp):
    fields, why = WITHOUT[name]
    np.save("u.npy", np.arange(1.0, 17.0))
    drift = Drift(**{"sigma": 1e-9, "tokens": 20, "dims": 16, "records": 4, **fields})
    run.run(drift, in_tmp / "run.zarr", on="cpu")
    expectations = ExpectedPairs()
    with_it = curves([RunStore("run.zarr")], expectations)
    if name == "file":
        assert "no prediction" not in with_it.get_supxlabel()  # as long as it is the same
        np.save("u.npy", np.ones(16))
        expectations = ExpectedPairs()
        with_it = curves([RunStore("run.zarr")], expectations)
    assert len(with_it.axes[1].get_lines()) == 1
    [missing] = expectations.missing
    assert why in missing
    told = name != "price"  # that is for the command to say: a figure knows of no options
    assert (f"\nno prediction: {why}" in with_it.get_supxlabel()) == told
    assert "prediction asks" not in with_it.get_supxlabel()
    assert legend(with_it) == [
        "distinct cells",
        "largest black hole (tokens)",
        "coalesced pairs",
    ]
    both = curves([RunStore("run.zarr"), RunStore(stores[0])])
    other = name != "price"  # what is together too dear is left out together
    assert len(both.axes[1].get_lines()) == 2 + other
    assert (f"\nno prediction for some runs: {why}" in both.get_supxlabel()) == other


@pytest.mark.slow
def test_a_prediction_can_be_left_out_and_insisted_on(svg_only, stores, in_tmp, monkeypatch):
    assert len(curves([RunStore(stores[0])], ExpectedPairs(False)).axes[1].get_lines()) == 1
    monkeypatch.setattr(expected, "_MOST_SECONDS", 0.0)
    assert len(curves([RunStore(stores[0])]).axes[1].get_lines()) == 1
    assert len(curves([RunStore(stores[0])], ExpectedPairs(True)).axes[1].get_lines()) == 2
    pictures = []
    for flag in ([], ["--no-prediction"], ["--prediction"]):
        verb = ["plot", "curves", str(stores[0]), "--out", "a", *flag]
        assert main.outcome(verb) == 0
        pictures.append((in_tmp / "a.svg").read_text())
    said = [("expected, ±" in text, "no prediction" in text) for text in pictures]
    assert said == [(False, False), (False, False), (True, False)]


@pytest.mark.slow
def test_the_verb_says_what_is_not_predicted_and_why(svg_only, stores, in_tmp, capsys):
    drift = Drift(sigma=1e-9, tokens=20, dims=16, steps=9, records=4, rounding="stochastic")
    run.run(drift, in_tmp / "run.zarr", on="cpu")
    why = "no exact form is implemented for stochastic rounding"
    both = ["plot", "curves", str(stores[0]), "run.zarr", "--out", "a"]
    assert main.outcome([*both, "--json"]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out)["not_predicted"] == [{"why": why, "drifts": 1}]
    assert found.err == ""
    assert main.outcome(both) == 0
    assert capsys.readouterr().err == f"drift: not predicted: {why}\n"


@pytest.mark.slow
def test_counts_within_a_decade_get_a_linear_axis(tmp_path):
    drift = Drift(sigma=1.0, tokens=4, dims=16, steps=2)
    run.run(drift, tmp_path / "few.zarr", on="cpu")
    assert curves([RunStore(tmp_path / "few.zarr")]).axes[0].get_yscale() == "linear"


def test_the_caption_holds_what_is_shared_and_the_legend_what_differs(stores):
    both = curves([RunStore(path) for path in stores])
    caption = both.get_supxlabel()
    legend = [text.get_text() for text in both.legends[0].get_texts()]
    assert r"$\sigma$ = $10^{-9}$" in caption
    for part in ("$R$ = 0.371", "$X$ = 100", "$N$ = 100", "$D$ = 400"):
        assert part in caption
    assert "seed = 0" in caption  # the direction's
    assert {"seed = 0", "seed = 1"} <= set(legend)
    assert "bfloat16" in caption
    assert "rounding" not in caption  # the usual goes without saying


@pytest.mark.slow
def test_the_verb_writes_a_png_and_an_svg(stores, in_tmp, capsys):
    assert main.outcome(["plot", "curves", *map(str, stores), "--out", "fig/a", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"figures": ["fig/a.png", "fig/a.svg"], "not_predicted": []}
    assert image.imread(in_tmp / "fig/a.png").shape[0] > 500
    first = (in_tmp / "fig/a.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert main.outcome(["plot", "curves", *map(str, stores), "--out", "fig/a"]) == 0
    assert (in_tmp / "fig/a.svg").read_bytes() == first
    assert sorted(p.name for p in (in_tmp / "fig").iterdir()) == ["a.png", "a.svg"]


def test_a_run_without_records_cannot_be_drawn(tmp_path):
    def stop(counts, done, total):
        raise KeyboardInterrupt

    path = tmp_path / "none.zarr"
    drift = Drift(sigma=1.0, tokens=4, dims=4, at=(2,), steps=3)
    with pytest.raises(KeyboardInterrupt):
        run.run(drift, path, on="cpu", progress=stop)
    RunStore(path, writing=True).array("step")[:] = -1
    with pytest.raises(BadInput, match="has no record yet"):
        curves([RunStore(path)])


SIGMAS = (1e-8, 1e-10, 1e-9)
ROUNDINGS = ("nearest", "stochastic")
STEPS = (0, 33, 67, 100)


def share(progress, sigma=1e-9, seed=0, rounding="nearest", **others):
    """A share that falls with progress, seldom twice the same."""
    return 1 - progress * (0.3 + 0.1 * seed - 2e6 * sigma - 0.05 * (rounding == "nearest"))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "grid.zarr"
    axes = {"sigma": SIGMAS, "seed": (0, 1, 2), "rounding": ROUNDINGS}
    left, failed = [(0, slice(None), 0)], [(1, 2, 1)]
    return sweep_store(path, axes, share, left, failed, tokens=1000)


def legend(drawn):
    return [text.get_text() for text in drawn.legends[0].get_texts() if text.get_text().strip()]


def band(axes, number):
    """The least and the greatest of a band at each place, from which on it is as wide."""
    ends = axes.collections[number].get_paths()[0].vertices
    many = (len(ends) - 3) // 2
    one, other = ends[1 : many + 1][::2], ends[many + 2 : -1][::-1][::2]
    heights = np.sort([one[:, 1], other[:, 1]], axis=0)
    return one[:, 0], heights[0], heights[1]


def test_of_a_sweep_lines_are_means_over_seeds_and_bands_their_ends(sweep):
    drawn = sweep_curves(all_axes(sweep, {}), ExpectedPairs(False))
    for axes, name in zip(drawn.axes, ("distinct", "largest", "pairs"), strict=True):
        lines, stored = iter(own_lines(axes)), sweep.read(name)
        number = 0
        for sigma in sorted(SIGMAS):
            for k, dashes in enumerate(("-", "--")):
                here = stored[SIGMAS.index(sigma), :, k]
                here = here[here[:, 0] >= 0]
                if not len(here):
                    continue
                line = next(lines)
                np.testing.assert_allclose(line.get_xdata(), 0.371 * np.arange(5) / 4)
                np.testing.assert_allclose(line.get_ydata(), here.mean(axis=0))
                assert line.get_linestyle() == dashes
                places, least, greatest = band(axes, number)
                np.testing.assert_allclose(places, line.get_xdata())
                np.testing.assert_array_equal(least, here.min(axis=0))
                np.testing.assert_array_equal(greatest, here.max(axis=0))
                number += 1
        assert number == 5
    assert drawn.axes[0].get_ylabel() == "distinct cells"
    assert legend(drawn) == [
        r"$\sigma$ = $10^{-10}$",
        "nearest rounding",
        r"$\sigma$ = $10^{-9}$",
        "stochastic rounding",
        r"$\sigma$ = $10^{-8}$",
    ]
    caption = drawn.get_supxlabel().replace("\n", ",  ")
    assert (
        "lines: mean over 3 seeds,  bands: min–max,"
        "  1 of 18 grid points failed,  3 of 18 grid points not done yet"
    ) in caption


def own_lines(axes):
    """The lines of a panel, without the dashes that show which of them coincide."""
    return [line for line in axes.get_lines() if not is_turn(line)]


def crosses(axes):
    """What is predicted in a panel, line after line."""
    return [line for line in axes.get_lines() if line.get_marker() == "x"]


@pytest.mark.slow
def test_of_a_sweep_crosses_are_means_of_what_is_expected_of_its_cells(tmp_path):
    fields = {"sigma": SIGMAS, "rounding": ROUNDINGS, "seed": (0, 1), "direction_seed": (0, 1)}
    left = [(1, 0, 1), (1, 1, 1), (2, 1, 1)]
    store = sweep_store(tmp_path / "grid.zarr", fields, share, left, tokens=1000, records=3)
    drawn = sweep_curves(all_axes(store, {}))
    expected = [
        expect(drift_of({**store.grid.base, "sigma": 1.0, "direction_seed": seed}), STEPS, SIGMAS)
        for seed in (0, 1)
    ]
    weights = {1e-10: (1, 0), 1e-9: (2 / 3, 1 / 3), 1e-8: (1 / 2, 1 / 2)}
    marks = crosses(drawn.axes[2])
    for axes, name in zip(drawn.axes, ("distinct", "largest"), strict=False):
        assert len(crosses(axes)) == len(marks)
        for line, sigma in zip(crosses(axes), sorted(SIGMAS), strict=True):
            rows = [[getattr(row, name) for row in each[SIGMAS.index(sigma)]] for each in expected]
            np.testing.assert_allclose(line.get_ydata(), np.dot(weights[sigma], rows), rtol=1e-12)
    for line, sigma in zip(marks, sorted(SIGMAS), strict=True):  # stochastic ones have none
        for name, found in (("radius", line.get_xdata()), ("pairs", line.get_ydata())):
            rows = [[getattr(row, name) for row in each[SIGMAS.index(sigma)]] for each in expected]
            np.testing.assert_allclose(found, np.dot(weights[sigma], rows), rtol=1e-12)
    solid = [line.get_color() for line in drawn.axes[2].get_lines() if line.get_linestyle() == "-"]
    assert [line.get_color() for line in marks] == solid
    assert "expected" in legend(drawn)
    caption = " ".join(drawn.get_supxlabel().split())
    assert (
        "no prediction for some runs: no exact form is implemented for stochastic rounding"
        in caption
    )


def test_a_sweep_without_any_prediction_says_why(sweep, tmp_path):
    none = sweep_curves(all_axes(sweep, parse_fixed(sweep.grid, ["rounding=stochastic"])))
    assert not crosses(none.axes[2])
    assert "expected" not in legend(none)
    assert "no prediction: no exact form is" in none.get_supxlabel()


def test_of_a_sweep_of_checkpoints_nothing_is_predicted_or_read(sweep, monkeypatch):
    taken = {"from": "gone", "tensor": "t", "near": None, "exponents": None, "sigma": None}
    base = {**sweep.grid.base, **taken}
    monkeypatch.setitem(sweep.__dict__, "grid", Grid(base, sweep.grid.axes[1:]))
    monkeypatch.setattr(SweepSlice, "done", np.ones((2, 3), bool))
    known = expected_in_slice(SweepSlice(sweep, ("rounding",), {}), [0, 4], ExpectedPairs(True))
    assert known.values["pairs"].mask.all()
    why = "no exact form is implemented for a cloud that is a checkpoint's rows"
    assert known.notes == [f"no prediction: {why}"]


@pytest.mark.slow
def test_lines_of_one_colour_have_one_value(sweep):
    lines = own_lines(sweep_curves(all_axes(sweep, {}), ExpectedPairs(False)).axes[0])
    colours = [line.get_color() for line in lines]
    assert [colours.count(colour) for colour in dict.fromkeys(colours)] == [2, 2, 1]
    fixed = parse_fixed(sweep.grid, ["sigma=1e-10"])
    chosen = sweep_curves(all_axes(sweep, fixed), ExpectedPairs(False))
    assert [line.get_color() for line in own_lines(chosen.axes[0])] == list(COLOURS[:2])
    assert r"$\sigma$ = $10^{-10}$ (one of 3)" in chosen.get_supxlabel()


def test_of_more_values_than_a_legend_names_a_bar_tells(tmp_path):
    sigmas = tuple(np.geomspace(1e-10, 1e-8, 9).tolist())
    store = sweep_store(tmp_path / "grid.zarr", {"sigma": sigmas, "steps": (1, 10)}, share)
    drawn = sweep_curves(all_axes(store, {}), ExpectedPairs(False))
    upper, _, _, bar = drawn.axes
    assert bar.get_ylabel() == r"standard deviation of the cloud, $\sigma$"
    [mesh] = bar.collections
    shades = mesh.cmap(mesh.norm(mesh.get_array().ravel()))
    lines = [line for line in own_lines(upper) if line.get_linestyle() == "-"]
    for shade, line in zip(shades, lines, strict=True):
        assert line.get_color() == "#" + "".join(f"{round(255 * part):02x}" for part in shade[:3])
    assert legend(drawn) == ["$X$ = 1", "$X$ = 10"]
    assert not upper.collections  # one seed has no band


def test_seeds_alone_give_one_line(tmp_path):
    axes = {"seed": (0, 1), "direction_seed": (0, 1, 2)}
    drawn = sweep_curves(
        all_axes(sweep_store(tmp_path / "grid.zarr", axes, share), {}), ExpectedPairs(False)
    )
    assert [len(axes.get_lines()) for axes in drawn.axes] == [1, 1, 1]
    assert "lines: mean over 2 seeds × 3 direction seeds" in drawn.get_supxlabel()
    assert not drawn.legends


@pytest.mark.slow
def test_the_verb_draws_a_sweep(svg_only, sweep, in_tmp, capsys):
    verb = ["plot", "curves", str(sweep.address), "--at", "rounding=nearest", "--out"]
    assert main.outcome([*verb, "a"]) == main.outcome([*verb, "b"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["figure: a.png", "figure: a.svg"]
    assert (in_tmp / "a.svg").read_bytes() == (in_tmp / "b.svg").read_bytes()


def test_what_of_a_sweep_cannot_be_drawn_is_told(stores, sweep, in_tmp, capsys):
    many = {"sigma": tuple(np.geomspace(1e-10, 1e-8, 26).tolist()), "steps": (1, 10, 100, 1000)}
    five = {"sigma": (1e-9, 1e-8), "steps": (1, 2, 3, 4, 5, 6), "tokens": (2, 3, 4)}
    for name, axes in (("many", many), ("five", five), ("long", {"steps": tuple(range(1, 102))})):
        sweep_store(in_tmp / name, axes, share, left=[...])
    sweep_store(in_tmp / "none", {"sigma": (1e-9, 1e-8)}, share, left=[...])
    for arguments, message in (
        (
            ["many"],
            "many has 104 curves (26 sigma × 4 steps); at most 100 are drawn",
        ),
        (["many"], "are drawn, 4 per sigma; fix other axes, such as --at steps=1"),
        (["five"], "five has 36 curves (6 steps × 3 tokens × 2 sigma)"),
        (["five"], "4 per steps; fix other axes, such as --at tokens=2,sigma=1e-09"),
        (["long"], "long has 101 curves (101 steps); at most 100 are drawn; drift plot phase"),
        (["none"], "none: none of the grid points shown is done yet"),
        (
            [sweep.address, stores[0]],
            "grid.zarr is a sweep, which is drawn alone; 2 stores are given",
        ),
        ([stores[0], "--at", "steps=1"], "at is steps=1, but"),
        ([sweep.address, "--at", "radius=1"], "radius is 0.371 throughout the sweep"),
    ):
        assert main.outcome(["plot", "curves", *map(str, arguments)]) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)
        assert message in captured.err
