"""How all figures look: their files, widths and titles, numbers, colours, and what coincides."""

import json

import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import drift
from drift.experiments.bench.figure import draw
from drift.experiments.cli import main
from drift.experiments.figures.axes import Scale, Ticks
from drift.experiments.figures.curves import put_scale
from drift.experiments.figures.legend import line_colours
from drift.experiments.figures.lines.coincide import is_turn, take_turns
from drift.experiments.figures.style import COLOURS, files_of
from drift.experiments.figures.ticks.numbers import NumberFormatter, format_value
from drift.experiments.figures.ticks.scales import count_axis, linear_axis, log_axis
from drift.sim.errors import BadInput
from drift.sim.spec.axis import Axis
from tests.support import builders

SMALL = drift.Drift(sigma=1e-8, tokens=40, dims=16, steps=20, records=4)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return drift.run(SMALL, tmp_path_factory.mktemp("looks") / "a.zarr", on="cpu")


def labels(axes, which="y"):
    axes.figure.draw_without_rendering()
    axis = getattr(axes, f"{which}axis")
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [text.get_text() for at, text in ticks if low <= at <= high]


def contrast(colour):
    """With white, as the guidelines for accessible pages have it."""
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 1.05 / (float(np.dot(parts, (0.2126, 0.7152, 0.0722))) + 0.05)


@pytest.mark.parametrize(
    ("out", "kinds", "files"),
    [
        ("fig.pdf", None, ["fig.pdf"]),
        ("a/fig.PNG", None, ["a/fig.PNG"]),
        ("fig", None, ["fig.png", "fig.svg"]),
        ("fig", ("pdf", "png", "pdf"), ["fig.pdf", "fig.png"]),
        ("fig.pdf", ("pdf",), ["fig.pdf"]),
        ("sigma-1e-9.5", None, ["sigma-1e-9.5.png", "sigma-1e-9.5.svg"]),
        ("run.final", ("svg",), ["run.final.svg"]),
    ],
)
def test_the_ending_or_the_format_decides(tmp_path, out, kinds, files):
    assert [str(each) for each in files_of(type(tmp_path)(out), kinds)] == files


@pytest.mark.parametrize(
    ("out", "kinds", "said"),
    [
        ("fig.gif", None, "figures are written as png, svg, pdf, jpg"),
        ("fig", ("gif",), "format is 'gif'; figures are written as png, svg, pdf, jpg"),
        ("fig.pdf", ("png",), "out is fig.pdf, but format is png"),
        (".pdf", None, "does not name a figure"),
        ("", None, "does not name a figure"),
    ],
)
def test_what_is_not_written_is_said(tmp_path, out, kinds, said):
    with pytest.raises(BadInput, match=said):
        files_of(type(tmp_path)(out), kinds)


def test_options_of_the_output_hold_for_a_verb(ran, in_tmp, capsys):
    verb = ["plot", "holes", str(ran.store.address), "--no-prediction", "--width", "3.25"]
    assert main.outcome([*verb, "--out", "a.png", "--title", "Mine, for $5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"] == ["a.png"]
    assert image.imread(in_tmp / "a.png").shape[1] == pytest.approx(3.25 * 200, abs=2)
    assert main.outcome([*verb, "--out", "b", "--format", "pdf,svg", "--no-caption"]) == 0
    assert (in_tmp / "b.pdf").read_bytes().startswith(b"%PDF")
    assert "bfloat16" not in (in_tmp / "b.svg").read_text()
    first = (in_tmp / "b.pdf").read_bytes()
    assert main.outcome([*verb, "--out", "b", "--format", "pdf", "--no-caption"]) == 0
    assert (in_tmp / "b.pdf").read_bytes() == first
    capsys.readouterr()
    for more, said in (
        (["--width", "0"], "width is 0; it must be in 2 ... 40 inches"),
        (["--font-size", "nan"], "font size is nan; it must be in 4 ... 40 points"),
        (["--format", "tex"], "format is 'tex'; figures are written as"),
    ):
        assert main.outcome([*verb, *more]) == 2
        captured = capsys.readouterr().err
        assert said in captured
        assert captured.count("\n") == 1


def test_letters_titles_and_captions_are_as_asked_for(ran):
    usual = drift.plot.curves(ran, prediction=False)
    large = drift.plot.curves(ran, prediction=False, font_size=18, title="One\ntwo", caption=False)
    sizes = [each.axes[0].yaxis.label.get_size() for each in (usual, large)]
    assert sizes[1] == 2 * sizes[0] == 18
    assert (large.get_suptitle(), large.get_supxlabel()) == ("One\ntwo", "")
    assert "bfloat16" in usual.get_supxlabel()
    large.draw_without_rendering()
    box, below = large._suptitle.get_window_extent(), large.legends[0].get_window_extent()
    assert below.y1 <= box.y0 + 1
    assert large.axes[0].get_window_extent().y1 <= below.y0 + 1


def test_numbers_have_one_style():
    assert [format_value(v) for v in (2212, 1e6, 1e-9, 0.371, 2.5e-10, 1234.5)] == [
        *("2,212", "1,000,000", "$10^{-9}$", "0.371", r"$2.5 \times 10^{-10}$", "1,234.5")
    ]
    axes = Figure().add_subplot()
    axes.plot([1e-6, 1], [1, 1e8])
    for which in "xy":
        log_axis(axes, which)
    shown = labels(axes)
    assert "100,000,000" in shown
    assert not any("10^" in text for text in shown)
    assert {"$10^{-6}$", "1"} <= set(labels(axes, "x"))
    assert "0.1" not in labels(axes, "x")
    text = NumberFormatter()
    text.set_locs([0.0, 0.05, 0.1])
    assert [text(v) for v in (0.0, 0.05, 0.1)] == ["0.00", "0.05", "0.10"]


@pytest.mark.parametrize(
    "counts", [[1, 1, 1], [400] * 3, [398, 400], [3, 4], [0, 0], [1, 400], [399, 400, 400]]
)
def test_ticks_of_counts_are_different_whole_numbers_that_can_be(counts):
    axes = Figure().add_subplot()
    axes.plot(range(len(counts)), counts)
    count_axis(axes, "y", max(counts[-1], 1))
    shown = labels(axes)
    assert len(shown) == len(set(shown)) >= 2
    values = [int(text.replace(",", "")) for text in shown]
    assert axes.get_yscale() == "log" or max(values) <= max(counts[-1], 1)
    assert axes.get_ylim()[1] < 1.06 * max(counts[-1], 1) or axes.get_yscale() == "log"


@pytest.mark.parametrize("pairs", [[0, 0], [0, 1], [0, 3], [0, 500], [0, 10**8]])
def test_pairs_have_ticks_that_differ(pairs):
    axes = Figure().add_subplot()
    axes.plot([0, 1], pairs)
    put_scale(axes)
    shown = labels(axes)
    assert len(shown) == len(set(shown)) >= 2
    assert shown[0] == "0"


@pytest.mark.parametrize(
    "values",
    [(1.0, 1.33, 1.78, 2.37, 3.16, 4.22, 5.62, 7.5, 10.0), tuple(np.geomspace(1, 10, 25).tolist())],
)
def test_ticks_stand_at_swept_values_alone(values):
    for long in (60, 120, 300):
        axes = Figure().add_subplot()
        Ticks(Scale(Axis("radius", values)), "x", long).put_on(axes)
        axes.figure.draw_without_rendering()
        ticks = np.concatenate([axes.get_xticks(), axes.get_xticks(minor=True)])
        inside = ticks[(ticks >= values[0]) & (ticks <= values[-1])]
        gaps = np.diff(np.log(np.unique(inside)))
        if len(axes.get_xticks(minor=True)):
            assert np.isin(inside, values).all()  # and none beside a round number
        assert len(gaps) == 0 or gaps.min() > 0.05


def test_lines_contrast_with_white():
    assert all(contrast(colour) >= 3 for colour in COLOURS)
    for many in (2, 7, 9, 40):
        axis = Axis("sigma", tuple(np.geomspace(1e-9, 1e-6, many).tolist()))
        assert all(contrast(colour) >= 3 for colour in line_colours(axis))
        assert len(set(line_colours(axis))) == many


def test_of_nine_curves_that_coincide_all_are_seen():
    figure = Figure(figsize=(5, 3), dpi=100)
    axes = figure.add_subplot()
    inks = line_colours(Axis("sigma", tuple(np.geomspace(1e-9, 1e-6, 9).tolist())))
    x = [0.0, 0.3, 0.3, 1.0]  # a stalled cloud stays where it is
    for style in ("default", "steps-post"):
        axes.clear()
        put = [axes.plot(x, [5, 5, 1, 1], color=ink, drawstyle=style)[0] for ink in inks]
        linear_axis(axes, "y")
        assert take_turns(axes, put)
        turns = [line for line in axes.get_lines() if is_turn(line)]
        assert {line.get_color() for line in turns} == set(inks)
        starts = [line._dash_pattern[0] for line in turns]
        assert len(set(starts)) == 9  # none lies on another
        assert [line.get_ydata().tolist() for line in put] == [[5, 5, 1, 1]] * 9


def test_curves_that_part_take_turns_only_where_they_coincide():
    axes = Figure().add_subplot()
    one = axes.plot([0, 1, 2, 3], [1, 1, 1, 0], color="C0")[0]
    other = axes.plot([0, 1, 2, 3], [1, 1, 0, 0], color="C1")[0]
    apart = axes.plot([0, 1, 2, 3], [3, 2, 3, 2], color="C2")[0]
    linear_axis(axes, "y")
    assert take_turns(axes, [one, other, apart])
    turns = [line for line in axes.get_lines() if is_turn(line)]
    assert {(*line.get_xdata(),) for line in turns} == {(0, 1)}
    assert not take_turns(axes, [one, apart])


def test_a_figure_says_nothing_of_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("u.npy", np.ones(6))
    small = {"sigma": 1e-6, "tokens": 20, "dims": 6, "steps": 5, "records": 1}
    found = drift.run(drift.Drift(**small, direction="u.npy"), "a.zarr", on="cpu")
    (tmp_path / "u.npy").unlink()
    said = drift.plot.curves(found, prediction=True).get_supxlabel()
    assert "no prediction: " in said
    assert "--" not in said


def test_counts_are_drawn_as_steps(ran):
    figure = drift.plot.curves(ran, prediction=True)
    joined = [
        line for axes in figure.axes for line in axes.get_lines() if line.get_linestyle() != "None"
    ]
    assert {line.get_drawstyle() for line in joined} == {"steps-post"}


def test_each_size_of_matrix_has_a_panel_of_the_bench():
    def row(name, steps):
        return {"name": name, "steps": steps, "median": 1.0, "min": 0.9, "max": 1.2}

    sizes = {"step": (20_000, 2_560), "leap": (151_936, 2_560)}
    results = [
        {"group": group, "tokens": n, "dims": d, "steps": 10, "contenders": [row(name, 10)]}
        for (group, (n, d)), name in zip(sizes.items(), ("step engine", "leap engine"), strict=True)
    ]
    titles = [axes.get_title() for axes in draw(results).axes]
    assert titles == ["20,000 × 2,560", "151,936 × 2,560"]


@pytest.fixture
def model(in_tmp):
    """A model of two shards: a wide cloud, and black holes close to each other in it."""
    random = np.random.default_rng(0)
    wide = random.normal(size=(400, 8)) * 0.02
    near = np.repeat(np.float32([[0.0101, 0.0203, 0.0304, 0.01, 0.02, 0.03, 0.04, 0.05]]), 60, 0)
    near[20:, 0] *= 1 + 2**-7
    near[40:, 1] *= 1 + 2**-7
    rows = np.concatenate([wide, near]).astype(drift.FORMATS["bfloat16"].dtype)
    folder = in_tmp / "models--org--mine" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    name = "model-00002-of-00002.safetensors"
    builders.write(folder / name, {"lm_head.weight": ("BF16", list(rows.shape), rows.tobytes())})
    index = {"weight_map": {"lm_head.weight": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_the_model_is_named_and_not_its_shard(model):
    for place in (model, model / "model.safetensors.index.json"):
        holes = drift.plot.holes(place)
        assert [text.get_text() for text in holes.legends[0].get_texts()] == ["org/mine"]
        for figure in (
            holes,
            drift.plot.cloud(place),
            drift.plot.components(place, near="largest"),
        ):
            assert "org/mine, lm_head.weight" in figure.get_supxlabel()
            assert "bfloat16" in figure.get_supxlabel()
            assert "00002" not in figure.get_supxlabel()


def test_a_checkpoints_black_holes_are_seen_apart(model):
    whole, close = drift.plot.cloud(model).axes
    assert close.get_title() == "around the largest black hole"
    [discs] = close.collections
    assert len(np.unique(discs.get_offsets().data, axis=0)) == 3  # each hole at its own place
    low, high = close.get_xlim()
    assert high - low < 0.1 * np.diff(whole.get_xlim())[0]
