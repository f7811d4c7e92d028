"""The picture of the components: what is drawn is what is there, and nothing overlaps."""

import itertools
import json
import re

import networkx
import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection

from drift.experiments.cli import main
from drift.experiments.figures import components as drawing
from drift.experiments.figures.components import components
from drift.kernels.formats import BFLOAT16
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.structures.structure import structure_of
from tests.support import builders

SMOKE = [
    [814, 228, 11, 4, 3] + [1] * 10,
    [704, 2] + [1] * 6,
    [306] + [1] * 6,
    [5, 1],
    [1, 1],
]
"""Populations of the cells of each component, as they were observed."""
ALONE = [10, 6, 4, 3] + [1] * 87


def cloud(groups, alone=()):
    """Tokens whose components are `groups`, patches of a plane, far apart; and isolated cells."""
    cells = [(30 * g, k // 4, k % 4) for g, group in enumerate(groups) for k in range(len(group))]
    cells += [(3 * k, 60, 0) for k in range(len(alone))]
    populations = [n for group in groups for n in group] + list(alone)
    codes = (0x3C00 + np.repeat(np.array(cells), populations, axis=0)).astype(np.uint16)
    order = np.random.default_rng(0).permutation(len(codes))
    return Matrix.whole(codes[order], BFLOAT16, "a cloud")


def on_paper(axes, places):
    """Places in data coordinates, (n, 2), in points to the right and down from the top left."""
    figure = axes.get_figure()
    at = axes.transData.transform(np.reshape(places, (-1, 2))) * 72 / figure.dpi
    return np.array([0, 72 * figure.get_figheight()]) + at * [1, -1]


def marks(drawn):
    """Of a figure the edges (n, 2, 2), the discs and the dots (n, 3): x, y, radius."""
    edges, discs, dots = [np.zeros((0, 2, 2))], [np.zeros((0, 3))], [np.zeros((0, 3))]
    for axes in drawn.axes:
        (lines,) = (each for each in axes.collections if isinstance(each, LineCollection))
        ends = np.array(lines.get_segments()).reshape(-1, 2, 2)
        edges.append(on_paper(axes, ends).reshape(-1, 2, 2))
        rounds = [each for each in axes.collections if isinstance(each, EllipseCollection)]
        for each, kind in zip(rounds, (discs, dots), strict=True):
            places = on_paper(axes, each.get_offsets())
            kind.append(np.column_stack([places, each.get_widths() / 2]))
    return tuple(map(np.concatenate, (edges, discs, dots)))


def written(drawn):
    """All texts but the caption."""
    found = [[axes.title, axes._left_title, *axes.texts] for axes in drawn.axes]
    return [text for text in itertools.chain(*found) if text.get_text()]


def texts(drawn):
    return [text.get_text() for text in written(drawn)]


def caption(drawn):
    return drawn.get_supxlabel().replace("\n", " ")


@pytest.fixture(scope="module")
def smoke():
    return structure_of(cloud(SMOKE, ALONE))


@pytest.mark.slow
def test_the_picture_is_the_graph(smoke):
    edges, discs, dots = marks(components(smoke, None))
    assert len(edges) == len(smoke.edges)
    area = discs[:, 2] ** 2 / discs[:, 2].max() ** 2 * 814
    by_place = {tuple(row[:2]): round(n, 6) for row, n in zip(discs, area, strict=True)}
    by_place |= {tuple(row[:2]): 1 for row in dots}
    graph = networkx.Graph([(tuple(a), tuple(b)) for a, b in edges])
    found = [sorted(by_place[at] for at in group) for group in networkx.connected_components(graph)]
    for group, expected in zip(sorted(found, key=sum), sorted(SMOKE, key=sum), strict=True):
        assert group == pytest.approx(sorted(expected), rel=0.02)
    scale = [200, 20, 2]
    holes = [n for n in itertools.chain(*SMOKE, ALONE) if n > 1]
    assert sorted(area) == pytest.approx(sorted(holes + scale), rel=0.02)
    assert len(dots) == sum(group.count(1) for group in SMOKE) + 1  # and that of the scale


def test_neighbours_are_near_on_the_page():
    edges, _, dots = marks(components(structure_of(cloud([[1] * 40])), None))
    lengths = np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1)
    places = dots[:-1, :2]  # the last one is that of the scale
    between = np.linalg.norm(places[:, None] - places, axis=2)
    assert len(places) == 40
    assert lengths.mean() < 0.5 * between[np.triu_indices(40, 1)].mean()


def test_components_are_numbered_as_in_the_table(smoke):
    words = texts(components(smoke, None))
    rows = [each.as_json() for each in smoke.components]
    expected = [f"{row['nodes']} cells, {row['tokens']:,} tokens" for row in rows]
    assert expected[0] == "15 cells, 1,070 tokens"
    titles = [rf"$\bf{{{number}}}$  {text}" for number, text in enumerate(expected, 1)]
    assert [word for word in words if "cells, " in word] == titles
    alone = words.index(r"$\bf{isolated}$  black holes, with token counts")
    assert words[alone + 1 : alone + 5] == ["10", "6", "4", "3"]
    assert {"814", "704", "306", "228"} <= set(words)  # within their discs


def test_the_caption_counts_what_is_not_drawn(smoke):
    said = caption(components(smoke, {"near": "largest", "exponents": 5}))
    assert "a cloud,  bfloat16,  tokens within 5 exponents of the largest black hole" in said
    assert "2,212 tokens in 125 cells: 5 components" in said
    assert "isolated: 4 black holes and 87 cells of one token (not drawn)." in said
    assert "Not drawn" not in said


def boxes(drawn):
    """Where the texts are, in points from the top left of the figure."""
    renderer = FigureCanvasAgg(drawn).get_renderer()
    high = 72 * drawn.get_figheight()
    for text in written(drawn):
        box = text.get_window_extent(renderer)
        left, bottom, right, top = np.array(box.extents) * 72 / drawn.dpi
        yield text.get_text(), left, high - top, right, high - bottom


PAGES = {
    "smoke": (SMOKE, ALONE),
    "pairs": ([[2, 1]] * 40, [3] * 30),
    "a hundred thousand": ([[100_000, 1, 40_000, 2]], [5, 1]),
    "equal": ([[7] * 60, [1] * 20], []),
    "one hole alone": ([], [9]),
    "no hole": ([[1, 1, 1]], [1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_and_nothing_is_cut(name):
    drawn = components(structure_of(cloud(*PAGES[name])), None)
    _, discs, dots = marks(drawn)
    width, height = 72 * drawn.get_size_inches()
    round_ = np.concatenate([discs, dots])
    between = np.linalg.norm(round_[:, None, :2] - round_[:, :2], axis=2)
    assert np.all(between + 1e9 * np.eye(len(round_)) > round_[:, None, 2] + round_[:, 2])
    assert (round_[:, :2] >= round_[:, 2:] - 0.01).all()
    assert (round_[:, :2] + round_[:, 2:] <= (width + 0.01, height + 0.01)).all()
    words = list(boxes(drawn))
    for text, left, top, right, bottom in words:
        assert -1 < left < right < width + 1
        assert -1 < top < bottom < height + 1
        for x, y, radius in round_:
            apart = np.hypot(x - np.clip(x, left, right), y - np.clip(y, top, bottom))
            corner = np.hypot(max(x - left, right - x), max(y - top, bottom - y))
            within = re.fullmatch("[0-9,]+", text) and corner < radius
            assert apart > radius - 1 or within, text
    for (_, *a), (_, *b) in itertools.combinations(words, 2):
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] + 1.5 or b[3] < a[1] + 1.5


def test_beyond_its_limits_the_largest_are_drawn_and_the_rest_is_said(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_CELLS", 25)
    monkeypatch.setattr(drawing, "MOST_ISOLATED", 3)
    drawn = components(structure_of(cloud(SMOKE, ALONE)), None)
    assert "Not drawn: components 3 to 5, which hold 11 cells." in caption(drawn)
    assert "Not drawn: 1 more isolated black holes, none larger." in caption(drawn)
    assert not any("7 cells, 312 tokens" in text for text in texts(drawn))
    monkeypatch.setattr(drawing, "MOST_COMPONENTS", 1)
    assert "components 2 to 5, which hold 19" in caption(
        components(structure_of(cloud(SMOKE)), None)
    )
    monkeypatch.setattr(drawing, "MOST_CELLS", 14)
    with pytest.raises(BadInput, match="component 1 has 15 cells; at most 14 can be drawn"):
        components(structure_of(cloud(SMOKE)), None)


def test_discs_too_small_to_see_are_said_to_be_larger():
    drawn = components(structure_of(cloud([[100_000, 2, 1]])), None)
    _, discs, dots = marks(drawn)
    assert discs[:, 2].min() > dots[:, 2].max()
    least = int(re.search("of fewer than ([0-9,]+) tokens are drawn as large", caption(drawn))[1])
    assert discs[:, 2].min() ** 2 / discs[:, 2].max() ** 2 * 1e5 == pytest.approx(least, rel=0.05)


def test_without_neighbours_and_black_holes_there_is_nothing_to_draw():
    with pytest.raises(BadInput, match="none of 4 cells is adjacent to another"):
        components(structure_of(cloud([], [1] * 4)), None)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("components") / "run.zarr"
    run.run(Drift(sigma=1e-9, tokens=100, dims=400, records=10), path, on="cpu")
    return path


@pytest.mark.slow
def test_the_verb_writes_the_same_files_again(store, in_tmp, capsys):
    verb = ["plot", "components", str(store), "--out", "fig/a"]
    assert main.outcome([*verb, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"figures": ["fig/a.png", "fig/a.svg"]}
    first = [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")]
    assert main.outcome(verb) == 0
    assert capsys.readouterr().out == "figure: fig/a.png\nfigure: fig/a.svg\n"
    assert [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")] == first
    assert image.imread(in_tmp / "fig/a.png").shape[0] > 300
    assert main.outcome(["structure", str(store), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["components"]
    assert f"{rows[0]['nodes']} cells, {rows[0]['tokens']} tokens" in first[1].decode()


@pytest.mark.slow
def test_many_edges_become_a_picture_and_stay_the_same(in_tmp, capsys):
    corners = np.array(list(itertools.product((0, 1), repeat=7))[:70], np.uint16) + 0x3C00
    builders.write("a.safetensors", {"lm_head.weight": builders.matrix(corners, BFLOAT16)})
    drawn = components(structure_of(Matrix.whole(corners, BFLOAT16, "corners")), None)
    assert len(marks(drawn)[0]) == 70 * 69 // 2
    for _ in range(2):
        assert main.outcome(["plot", "components", "a.safetensors"]) == 0
        svg = (in_tmp / "a-components.svg").read_bytes()
        assert svg.count(b"<image") == 1
        assert len(svg) < 2_000_000
    capsys.readouterr()


BAD = {
    "nothing there": (["gone"], "gone does not exist"),
    "a tensor of a run": (["run", "--tensor", "x"], "tensor is 'x'"),
    "a step without snapshot": (["run", "--snapshot", "7"], "no snapshot of step 7"),
    "exponents alone": (["run", "--exponents", "2"], "exponents is 2 without near"),
    "near what": (["run", "--near", "me"], "near is 'me'"),
    "all apart": (["run", "--snapshot", "0"], "there is nothing to draw"),
    "below a file": (["run", "--out", "file/a"], "file/a.png can't be written"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line(store, in_tmp, capsys, name):
    (in_tmp / "file").write_text("")
    arguments, message = BAD[name]
    arguments = [str(store) if each == "run" else each for each in arguments]
    assert main.outcome(["plot", "components", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if "neighbours of cells" not in line]
    assert len(lines) == 1
    assert message in lines[0]


def test_hostile_names_are_shown_as_they_are(in_tmp, capsys):
    name = "a$b_{\x1b[31m[bold]\u6a21"
    tensor = builders.matrix(cloud([[3, 1]]).codes, BFLOAT16)
    builders.write("$x^{.safetensors", {name: tensor})
    assert main.outcome(["plot", "components", "$x^{.safetensors", "--tensor", name]) == 0
    assert "\x1b" not in capsys.readouterr().out
    svg = (in_tmp / "$x^{-components.svg").read_text()
    assert "$x^{.safetensors, a$b_{\\x1b[31m[bold]\\u6a21" in svg
