"""The phase picture: what is read of a sweep, where it lies, and the contour at one half."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib import image
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure

from drift.experiments.cli import main
from drift.experiments.figures.axes import Scale, Ticks, contour
from drift.experiments.figures.captions import in_symbols
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.sweeps.phase import phase
from drift.experiments.figures.sweeps.sweep_slice import (
    SweepSlice,
    parse_fixed,
    plane_slice,
    record_at,
)
from drift.experiments.figures.sweeps.transition import crossings, transition
from drift.sim.errors import BadInput
from drift.sim.prediction.predict import onsets
from drift.sim.spec.axis import Axis
from drift.sim.sweeps.grid import drift_of
from drift.sim.sweeps.store import SweepStore
from tests.support.builders import small_grid, sweep_store

SIGMAS = (1e-7, 1e-10, 1e-9, 1e-8)
STEPS = (1, 10, 100)
RADII = (0.1, 0.371, 1.0)


def share(sigma=1e-9, steps=100, radius=0.371, seed=0, progress=1.0, **others):
    """A transition where sigma is 1e-9 times the root of the steps, less sharp early on."""
    at = math.log10(sigma) + 9 - 0.5 * math.log10(steps) + 0.1 * seed + math.log10(radius / 0.371)
    return 1 - progress / (1 + math.exp(4 * at))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = tmp_path_factory.mktemp("phase") / "grid.zarr"
    axes = {"sigma": SIGMAS, "radius": RADII, "steps": STEPS, "seed": (0, 1, 2)}
    return sweep_store(path, axes, share)


def mesh_of(drawn):
    [mesh] = [each for each in drawn.axes[0].collections if isinstance(each, QuadMesh)]
    return mesh


def legend(drawn):
    return [text.get_text() for text in drawn.legends[0].get_texts()]


def means(store, record, radius=0):
    """The mean share (steps, sigma) by hand, both rising."""
    distinct, alive = store.read("distinct"), store.read("alive")
    found = np.empty((len(STEPS), len(SIGMAS)))
    for k, sigma in enumerate(sorted(SIGMAS)):
        for j in range(len(STEPS)):
            cells = SIGMAS.index(sigma), radius, j, slice(None), record
            found[j, k] = np.mean(distinct[cells] / alive[cells])
    return found


def test_the_picture_is_the_mean_of_the_stored_counts_at_its_place(sweep):
    drawn = phase(plane_slice(sweep, None, None, {}), 4)
    mesh = mesh_of(drawn)
    np.testing.assert_allclose(mesh.get_array(), means(sweep, 4), rtol=1e-15)
    axes = drawn.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    corners = mesh.get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], 10 ** np.arange(-10.5, -6), rtol=1e-12)
    np.testing.assert_allclose(corners[:, 0, 1], 10 ** np.arange(-0.5, 3), rtol=1e-12)
    assert axes.get_xlabel() == r"standard deviation of the cloud, $\sigma$"
    assert axes.get_ylabel() == "number of steps, $X$"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "10", "100"]
    assert drawn.axes[1].get_ylabel() == "final distinct fraction (cells / tokens)"


@pytest.mark.slow
def test_other_axes_are_fixed_as_asked_and_the_caption_says_at_what(sweep):
    drawn = phase(plane_slice(sweep, None, None, parse_fixed(sweep.grid, ["radius=0.371"])), 2)
    np.testing.assert_allclose(mesh_of(drawn).get_array(), means(sweep, 2, radius=1), rtol=1e-15)
    assert drawn.axes[1].get_ylabel() == "distinct fraction after 0.5 of the steps"
    assert mesh_of(drawn).get_clim() == (0, 1)
    caption = drawn.get_supxlabel()
    for part in ("$R$ = 0.371 (one of 3)", "$N$ = 100", "$D$ = 16", "mean over 3 seeds"):
        assert part in caption
    assert "$R$ = 0.1 (one of 3)" in phase(plane_slice(sweep, None, None, {}), 4).get_supxlabel()


def test_any_two_axes_can_be_drawn_seeds_too(sweep):
    drawn = phase(
        plane_slice(sweep, "seed", "radius", parse_fixed(sweep.grid, ["sigma=1e-9,steps=10"])), 4
    )
    stored = sweep.read("distinct")[2, :, 1, :, 4] / 100
    np.testing.assert_array_equal(mesh_of(drawn).get_array(), stored)
    assert "mean" not in drawn.get_supxlabel()
    assert plane_slice(sweep, None, "sigma", {}).names == ("steps", "sigma")
    assert plane_slice(sweep, "radius", None, {}).names == ("radius", "sigma")
    assert plane_slice(sweep, "steps", "sigma", {}).fixed == {"radius": 0}


def test_the_contour_is_where_the_share_is_one_half(sweep):
    drawn = phase(
        plane_slice(sweep, None, None, parse_fixed(sweep.grid, ["radius=0.371"])),
        4,
        ExpectedPairs(False),
    )
    [line] = drawn.axes[0].get_lines()
    assert legend(drawn) == ["one half distinct"]
    found = means(sweep, 4, radius=1)
    for j, steps in enumerate(STEPS):  # along each row, by hand
        k = np.flatnonzero((found[j, :-1] < 0.5) & (found[j, 1:] > 0.5))[0]
        here = (0.5 - found[j, k]) / (found[j, k + 1] - found[j, k])
        expected = sorted(SIGMAS)[k] * 10**here
        at = line.get_xdata()[np.isclose(line.get_ydata(), steps, rtol=1e-12)]
        np.testing.assert_allclose(at, expected, rtol=1e-9)
    assert line.get_ydata().min() == pytest.approx(10**-0.5)  # to the edges of the picture
    assert line.get_ydata().max() == pytest.approx(10**2.5)


def test_between_names_there_is_no_contour():
    sigma, rounding = Axis("sigma", (1e-9, 1e-8, 1e-7)), Axis("rounding", ("nearest", "stochastic"))
    x, y = Scale(sigma), Scale(rounding)
    values = np.ma.MaskedArray([[0.0, 1.0, 1.0], [0.0, 0.25, 0.75]], False)
    lines = contour(x, y, values, 0.5)
    turned = contour(y, x, values.T, 0.5)
    expected = [(10**-8.5, -0.5, 0.5), (10**-7.5, 0.5, 1.5)]
    for line, other, (at, low, high) in zip(lines, turned, expected, strict=True):
        np.testing.assert_allclose(line[:, 0], at)
        np.testing.assert_allclose(sorted(line[:, 1]), [low, high])
        np.testing.assert_array_equal(other, line[:, ::-1])
    assert contour(y, Scale(rounding), values[:, :2], 0.5) == []


@given(
    st.lists(st.floats(0.001, 1000), min_size=2, max_size=6, unique=True).map(sorted),
    st.sampled_from([0.1, 0.3, 0.5, 0.9]),
)
@example([0.0016866455078125, 0.0016866455078125002], 0.1)  # of one logarithm
def test_a_contour_of_what_rises_evenly_is_straight(values, level):
    scale = Scale(Axis("radius", tuple(values)))
    other = Scale(Axis("steps", (1, 2, 3)))
    even = scale.straightened(scale.positions)
    rising = (even - even[0]) / (even[-1] - even[0])
    lines = contour(scale, other, np.ma.MaskedArray(np.tile(rising, (3, 1)), False), level)
    [line] = lines
    expected = scale.curved(np.array([even[0] + level * (even[-1] - even[0])]))[0]
    np.testing.assert_allclose(line[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(sorted(line[[0, -1], 1]), [0.5, 3.5])


@pytest.mark.slow
def test_where_nothing_passes_one_half_the_legend_says_so(tmp_path):
    axes = {"sigma": (1e-9, 1e-8), "steps": (1, 10)}
    for name, all_of_it, said in (("a", 0.2, "below"), ("b", 0.9, "above")):
        store = sweep_store(tmp_path / name, axes, lambda all_of_it=all_of_it, **_: all_of_it)
        drawn = phase(plane_slice(store, None, None, {}), 4, ExpectedPairs(False))
        assert legend(drawn) == [f"no contour at one half: all values are {said}"]
        assert not drawn.axes[0].get_lines()


def test_cells_that_are_not_done_are_hatched_and_counted(tmp_path):
    axes = {"sigma": SIGMAS, "steps": STEPS, "seed": (0, 1)}
    left, failed = [(0, 2), (2, 0, 1)], [(1, 0), (3, 1, 0)]
    store = sweep_store(tmp_path / "grid.zarr", axes, share, left, failed)
    drawn = phase(plane_slice(store, None, None, {}), 4, ExpectedPairs(False))
    array = mesh_of(drawn).get_array()
    assert np.argwhere(array.mask).tolist() == [[0, 0], [2, 3]]  # sigma rises
    one_seed = store.read("distinct")[2, 0, 0, -1] / 100
    assert array[0, 1] == one_seed
    patches = {
        each.get_label(): each
        for each in drawn.axes[0].collections
        if isinstance(each, PolyCollection)
    }
    assert legend(drawn)[1:] == ["failed", "not done yet", "mean of fewer than 2 seeds"]
    for label, (x, y) in {"failed": (1e-10, 1), "not done yet": (1e-7, 100)}.items():
        [path] = patches[label].get_paths()
        np.testing.assert_allclose(path.get_extents().min, [x / 10**0.5, y / 10**0.5])
        np.testing.assert_allclose(path.get_extents().max, [x * 10**0.5, y * 10**0.5])
    marked = drawn.axes[0].get_lines()[-1]
    assert sorted(marked.get_xydata().tolist()) == [[1e-9, 1], [1e-8, 10]]
    assert "3 of 24 grid points failed,  3 of 24 grid points not done yet" in drawn.get_supxlabel()


def test_what_was_done_later_has_not_failed(tmp_path):
    store = sweep_store(tmp_path / "grid.zarr", {"sigma": SIGMAS}, share, failed=[0, 1])
    store.array("done")  # which is read anew, attributes are not
    writer = SweepStore(tmp_path / "grid.zarr", writing=True)
    writer.release("done/c/0")
    writer.array("done")[0] = True
    sweep_slice = plane_slice(store, None, None, {})
    assert sweep_slice.failed.ravel().tolist() == [True, False, False, False]  # sigma rises
    assert sweep_slice.missing() == ["1 of 4 grid points failed"]


def test_one_axis_that_is_left_gives_a_curve_and_where_it_passes_one_half(sweep):
    drawn = transition(
        plane_slice(sweep, None, None, parse_fixed(sweep.grid, ["steps=10", "radius=0.371"])), 4
    )
    axes = drawn.axes[0]
    np.testing.assert_array_equal(axes.get_lines()[0].get_xdata(), sorted(SIGMAS))
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), means(sweep, 4, radius=1)[1])
    ends = axes.collections[0].get_paths()[0].vertices
    cells = sweep.read("distinct")[:, 1, 1, :, 4] / 100
    for k, sigma in enumerate(SIGMAS):
        mine = ends[ends[:, 0] == sigma, 1]
        assert (mine.min(), mine.max()) == (cells[k].min(), cells[k].max())
    labels = legend(drawn)
    assert labels[:2] == ["mean over 3 seeds", "min–max"]
    assert labels[2].startswith(r"one half, at $\sigma$ = $2.")
    assert "$X$ = 10 (one of 3)" in drawn.get_supxlabel()


def onset_in(drawn):
    """The lines of the onset, which the contour's style is not."""
    return [line for line in drawn.axes[0].get_lines() if line.get_color() == "white"]


def onset_of(store, step, **fields):
    return onsets(drift_of({**store.grid.base, "sigma": 1.0, **fields}), [step])[0]


@pytest.mark.slow
def test_the_onset_is_where_one_pair_is_expected_in_each_row(tmp_path):
    axes = {"sigma": (1e-9, 1e-5), "steps": STEPS, "direction_seed": (0, 1)}
    store = sweep_store(tmp_path / "grid.zarr", axes, share, tokens=400, dims=64)
    for record, steps in ((4, STEPS), (2, (1, 5, 50))):  # 0.5 of a step is rounded up
        drawn = phase(plane_slice(store, None, None, {}), record)
        lines = onset_in(drawn)
        means = [
            np.sqrt(np.prod([onset_of(store, at, steps=x, direction_seed=k) for k in (0, 1)]))
            for x, at in zip(STEPS, steps, strict=True)
        ]
        # Across each tile, and nothing between them: nobody has asked where it is there.
        for line, mean, step in zip(lines, means, STEPS, strict=True):
            np.testing.assert_allclose(line.get_xdata(), [mean, mean], rtol=1e-12)
            np.testing.assert_allclose(line.get_ydata(), [step / 10**0.5, step * 10**0.5])
        assert "one pair expected" in legend(drawn)
    turned = onset_in(phase(plane_slice(store, "steps", "sigma", {}), 2))
    for one, other in zip(turned, lines, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata()[:, ::-1])


@pytest.mark.slow
def test_between_names_and_where_it_is_not_known_the_onset_stops(tmp_path):
    names = ("stochastic", "nearest", "toward-zero")
    axes = {"sigma": (1e-9, 1e-5), "rounding": names}
    store = sweep_store(tmp_path / "grid.zarr", axes, share, tokens=400, dims=64)
    drawn = phase(plane_slice(store, "sigma", "rounding", {}), 4)
    for line, row in zip(onset_in(drawn), (1, 2), strict=True):
        expected = onset_of(store, 100, rounding=names[row])
        np.testing.assert_allclose(line.get_xdata(), [expected] * 2)
        np.testing.assert_allclose(line.get_ydata(), [row - 0.5, row + 0.5])
    why = "no prediction for some runs: no exact form is implemented for stochastic rounding"
    assert why in drawn.get_supxlabel()
    alone = transition(
        plane_slice(store, None, None, parse_fixed(store.grid, ["rounding=stochastic"])), 4
    )
    assert "\nno prediction: no exact form" in alone.get_supxlabel()
    assert not [label for label in legend(alone) if "expected" in label]


@pytest.mark.slow
def test_an_onset_beyond_the_picture_is_told_and_not_drawn(tmp_path):
    for name, sigmas, said in (
        ("low", (1e-12, 1e-11), r"one pair expected above the $\sigma$ shown"),
        ("high", (1e-2, 1e-1), r"one pair expected below the $\sigma$ shown"),
    ):
        axes = {"sigma": sigmas, "steps": (10, 100)}
        store = sweep_store(tmp_path / name, axes, share, tokens=400, dims=64)
        drawn = phase(plane_slice(store, None, None, {}), 4)
        assert said in legend(drawn)
        assert onset_in(drawn) == []
    start = phase(plane_slice(store, None, None, {}), 0)
    assert r"one pair expected at no $\sigma$" in legend(start)


@pytest.mark.slow
def test_along_sigma_alone_the_onset_is_a_line_across(tmp_path):
    axes = {"sigma": (1e-9, 1e-8, 1e-5), "seed": (0, 1)}
    store = sweep_store(tmp_path / "grid.zarr", axes, share, tokens=400, dims=64)
    drawn, sigma = transition(plane_slice(store, None, None, {}), 4), onset_of(store, 100)
    assert list(drawn.axes[0].get_lines()[-1].get_xdata()) == pytest.approx([sigma, sigma])
    told = in_symbols("sigma", float(f"{sigma:.3g}"))
    assert legend(drawn)[-1] == f"one pair expected, at {told}"
    without = transition(plane_slice(store, None, None, {}), 4, ExpectedPairs(False))
    assert not [label for label in legend(without) if "expected" in label]


@pytest.mark.slow
def test_the_flag_leaves_the_onset_out(svg_only, sweep, in_tmp):
    verb = ["plot", "phase", str(sweep.address), "--at", "radius=1", "--out", "a"]
    for flag, said in (([], True), (["--no-prediction"], False)):
        assert main.outcome([*verb, *flag]) == 0
        assert ("one pair expected" in (in_tmp / "a.svg").read_text()) == said


def test_crossings_lie_between_neighbours_that_are_done():
    scale = Scale(Axis("sigma", (1.0, 10.0, 100.0, 1e3, 1e4)))
    of = np.ma.masked_invalid
    assert crossings(scale, of([0.0, 1.0, 1.0, 0.75, 0.25])) == pytest.approx([10**0.5, 10**3.5])
    assert crossings(scale, of([0.0, np.nan, 1.0, 0.5, 0.6])) == [1e3]
    names = Scale(Axis("rounding", ("nearest", "stochastic")))
    assert crossings(names, of([0.0, 1.0])) == []


KINDS = {
    (1e-10, 1e-9, 1e-8): "log",
    (0.1, 0.371, 1.0): "log",
    (1, 2, 3, 5, 7, 10, 14, 20): "log",
    (1, 2, 3): "linear",
    (10, 20, 30, 40): "linear",
    (1.0, 2.0): "linear",
    (1.0, 10.0): "log",
    (0.0, 0.5, 1.0): "linear",
    (0.0, 0.01, 0.1, 1.0): "symlog",
}


@pytest.mark.parametrize("values", KINDS)
def test_axes_lie_as_their_values_are_most_even(values):
    name = "steps" if isinstance(values[0], int) else "radius"
    scale = Scale(Axis(name, values))
    assert scale.kind == KINDS[values]
    assert np.all(scale.edges[:-1] < values)
    assert np.all(values < scale.edges[1:])
    np.testing.assert_allclose(scale.curved(scale.straightened(scale.positions)), values)
    even = scale.straightened(scale.edges)[1:-1]
    places = scale.straightened(scale.positions)
    np.testing.assert_allclose(even, (places[1:] + places[:-1]) / 2, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("decades", [1, 2, 4, 7])
@pytest.mark.parametrize("count", [3, 8, 13, 25])
@pytest.mark.parametrize(("across", "long"), [(4.5, 300.0), (2.9, 185.0)])
def test_labels_of_an_axis_do_not_touch(decades, count, across, long):
    values = tuple(np.geomspace(1e-10, 10.0 ** (decades - 10), count).tolist())
    drawn = Figure(figsize=(across, 3), layout="constrained")
    axes = drawn.add_subplot()
    Ticks(Scale(Axis("sigma", values)), "x", long).put_on(axes)
    drawn.draw_without_rendering()
    texts = axes.xaxis.get_ticklabels(which="both")
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    boxes = sorted((box for box in boxes if box.width), key=lambda box: box.x0)
    assert len(boxes) > 1
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_names_seeds_and_huge_numbers_lie_side_by_side():
    for axis in (
        Axis("format", ("float16", "bfloat16")),
        Axis("seed", (7, 1000)),
        Axis("tokens", (2**62, 2**62 + 1)),
        Axis("survivors", (None, 5)),
    ):
        scale = Scale(axis)
        assert scale.kind == "names"
        assert scale.edges.tolist() == [-0.5, 0.5, 1.5]
    assert Ticks(scale, "x", 300).labels == ["all", "5"]


def test_a_value_is_named_by_as_many_digits_as_tell_it_apart():
    values = (1e-10, 3.1622776601683795e-10, 3.2e-10, 1e-9)
    found = small_grid({"sigma": values, "steps": (1, 10), "rounding": ("nearest", "stochastic")})
    for text, index in {
        "sigma=1e-9": 3,
        "sigma=.000000001": 3,
        "sigma=3.16e-10": 1,
        "sigma=3.20e-10": 2,
        "sigma=3.2e-10": 2,  # itself, though the other is rounded to it
        "sigma=3.1622776601683795e-10": 1,
        "--steps = 1e1": 1,
        "rounding=stochastic": 1,
    }.items():
        assert list(parse_fixed(found, [text]).values()) == [index], text
    assert parse_fixed(found, ["sigma=1e-10,steps=10"]) == {"sigma": 0, "steps": 1}
    close = small_grid({"sigma": (1.111e-9, 1.112e-9)})
    with pytest.raises(BadInput, match=r"may be any of 1.111e-09, 1.112e-09; write more digits"):
        parse_fixed(close, ["sigma=1.1e-9"])


def test_records_are_found_by_their_share_of_the_steps():
    found = small_grid({"sigma": (1e-9, 1e-8)}, records=50)
    assert [record_at(found, share) for share in (0, 0.02, 0.34, 1)] == [0, 1, 17, 50]
    for bad in (0.333, -0.1, 1.5, math.nan, math.inf):
        with pytest.raises(BadInput, match="progress is"):
            record_at(found, bad)


def test_axes_are_read_in_the_order_they_are_shown(sweep):
    sweep_slice = SweepSlice(sweep, ("steps", "sigma"), {"radius": 2})
    stored = sweep.read("pairs")[:, 2].transpose(1, 0, 2, 3)[:, [1, 2, 3, 0]]
    np.testing.assert_array_equal(sweep_slice.read("pairs"), stored)
    np.testing.assert_array_equal(sweep_slice.read("pairs", 3), stored[..., 3])


@pytest.mark.slow
def test_the_verb_writes_the_same_files_again(sweep, in_tmp, capsys):
    verb = ["plot", "phase", str(sweep.address), "--at", "radius=1", "--progress", "0.5"]
    assert main.outcome([*verb, "--out", "fig/a", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"figures": ["fig/a.png", "fig/a.svg"], "not_predicted": []}
    first = [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")]
    assert image.imread(in_tmp / "fig/a.png").shape[0] > 500
    assert main.outcome([*verb, "--out", "fig/a"]) == 0
    assert capsys.readouterr().out == "figure: fig/a.png\nfigure: fig/a.svg\n"
    assert [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")] == first
    assert main.outcome(["plot", "phase", str(sweep.address), "--at", "radius=1,steps=10"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("/grid-phase.png")


BAD = {
    "nothing there": (["gone"], "gone is not the store of a sweep: there is nothing"),
    "no such axis": (
        ["--x", "sigmas"],
        "'sigmas' is not an axis of the sweep; its axes",
    ),
    "a single value": (["--y", "tokens"], "tokens is 100 throughout the sweep; its axes are"),
    "one axis twice": (["--x", "steps", "--y", "steps"], "x and y are both steps"),
    "shown and fixed": (["--x", "steps", "--at", "steps=1"], "steps is shown and also fixed"),
    "fixed twice": (["--at", "steps=1,steps=10"], "at names steps twice"),
    "no value": (["--at", "steps"], "at is 'steps'; it must be AXIS=VALUE"),
    "an empty part": (["--at", "steps=1,"], "at is ''; it must be AXIS=VALUE"),
    "no such value": (["--at", "steps=7"], "the sweep has no steps=7; its values are 1, 10, 100"),
    "no number": (["--at", "steps=few"], "the sweep has no steps=few"),
    "all fixed": (["--at", "sigma=1e-9,radius=1,steps=1"], "has no axis left to show"),
    "progress between": (["--progress", "0.3"], "the nearest is 0.25"),
    "progress beyond": (["--progress", "2"], "progress is 2; it must be in 0 ... 1"),
    "below a file": (["--out", "file/a"], "file/a.png can't be written"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(sweep, in_tmp, capsys, name):
    (in_tmp / "file").write_text("")
    arguments, message = BAD[name]
    source = [] if arguments[0] == "gone" else [str(sweep.address)]
    assert main.outcome(["plot", "phase", *source, *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert message in captured.err
    assert [path.name for path in in_tmp.iterdir()] == ["file"]


def test_what_cannot_be_drawn_is_told(tmp_path):
    axes = {"sigma": (1e-9, 1e-8), "steps": (1, 10), "seed": (0, 1)}
    nothing = sweep_store(tmp_path / "nothing", axes, share, left=[...])
    for draw, fix in ((phase, []), (transition, ["steps=1"])):
        with pytest.raises(BadInput, match="none of the grid points shown is done yet"):
            draw(plane_slice(nothing, None, None, parse_fixed(nothing.grid, fix)), 4)
    seeds = sweep_store(tmp_path / "seeds", {"seed": (0, 1)}, share)
    with pytest.raises(BadInput, match="its axes are: seed; drift plot curves draws it"):
        plane_slice(seeds, None, None, {})
    axes = {"steps": tuple(range(1, 2002)), "seed": (0, 1)}
    long = sweep_store(tmp_path / "long", axes, share, left=[...])
    with pytest.raises(BadInput, match="steps has 2,001 values; a figure shows at most 2,000"):
        phase(plane_slice(long, "steps", "seed", {}), 4)


def test_help_has_an_example(capsys):
    assert main.outcome(["plot", "phase", "--help"]) == 0
    assert "drift plot phase" in capsys.readouterr().out.split("Example:")[1]
