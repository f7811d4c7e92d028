"""The picture of clouds in a plane: every token is in it once, in its hole's colour."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex

from drift.experiments.figures.cloud import (
    HOLES,
    Panel,
    cloud_figure,
    cloud_panels,
)
from drift.experiments.figures.clouds.plane import CloudPlane, most_telling_plane
from drift.experiments.figures.style import COLOURS
from drift.kernels.formats import BFLOAT16, FLOAT4_E2M1FN, FLOAT32
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.runs import run as runs
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support import builders
from tests.support.run_cli import drift

NOTHING = (None, None, None, None)
"""No option of the source."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    places = {}
    for sigma in (1e-8, 1e-7):
        places[sigma] = tmp_path_factory.mktemp("scatter") / "a.zarr"
        spec = Drift(sigma=sigma, tokens=300, dims=300, records=4, snapshots="records")
        runs.run(spec, places[sigma], on="cpu")
    return places


@pytest.fixture(params=[1e-8, 1e-7])
def run(stores, request):
    return stores[request.param]


def drawn_in(axes):
    """Each disc's place, radius and colour, the lowest first."""
    [discs] = axes.collections
    radii = np.sqrt(discs.get_sizes()) / 2
    inks = [to_hex(ink).upper() for ink in discs.get_facecolors()]
    return list(zip(map(tuple, discs.get_offsets().tolist()), radii, inks, strict=True))


def test_rings_are_the_tokens_of_each_hole_where_they_lie(stores, run):
    panels, cloud_plane, caption = cloud_panels(run, (7, 2), *NOTHING)
    drawn = cloud_figure(panels, cloud_plane, caption)
    store = RunStore(run)
    bits, largest = store.read("bits"), store.read("populations")[:HOLES].tolist()
    assert cloud_plane.populations.tolist() == largest
    cells, cell, tokens = np.unique(bits[-1], axis=0, return_inverse=True, return_counts=True)
    assert cloud_plane.cells == len(cells)
    ink = dict.fromkeys(range(len(cells)), "#999999")
    coloured = sorted(np.flatnonzero(tokens > 1), key=lambda k: (-tokens[k], list(cell).index(k)))
    ink |= dict(zip(coloured[:HOLES], COLOURS, strict=False))
    seen = 0
    for axes, codes in ((drawn.axes[0], bits[0]), (drawn.axes[1], bits[-1])):
        wanted = {}
        for token, code in enumerate(codes):
            at = (*(BFLOAT16.value(code[[7, 2]]) + 0.0).tolist(), ink[cell[token]])
            wanted[at] = wanted.get(at, 0) + 1
        discs = drawn_in(axes)
        assert len(discs) == len(wanted)
        assert {(*at, colour) for at, _, colour in discs} == set(wanted)
        for at in {at for at, *_ in discs}:  # in a place each lies on one larger than itself
            here = [(radius, wanted[(*at, colour)]) for each, radius, colour in discs if each == at]
            below = [radius for radius, _ in here]
            assert below == sorted(below, reverse=True)
            together = list(itertools.accumulate(count for _, count in reversed(here)))[::-1]
            areas = [radius**2 for radius, _ in here]
            if min(below) > 1.8:  # the smallest are all alike
                seen += 1
                assert np.allclose(np.array(areas) / areas[0], np.array(together) / together[0])
    assert seen or run != stores[1e-8]
    assert [axes.get_title() for axes in drawn.axes] == ["initial cloud, step 0", "step 100"]
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names[: len(largest)] == [f"{count:,} tokens" for count in largest]
    rest = 300 - sum(largest)
    assert names[len(largest) :] == [
        f"{rest:,} other tokens in {len(cells) - len(largest):,} cells"
    ]


def test_lines_are_the_values_of_the_lattice(run):
    panels, cloud_plane, caption = cloud_panels(run, (0, 1), *NOTHING)
    axes = cloud_figure(panels, cloud_plane, caption).axes[1]
    low, high = axes.get_xlim()
    lattice = BFLOAT16.value(np.arange(0x8000))
    lattice = np.unique(np.concatenate([-lattice, lattice]))
    upright = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert upright == lattice[(lattice > low) & (lattice < high)].tolist()
    shown = {at[0] for at, *_ in drawn_in(axes)}
    assert shown <= set(upright)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(2, 5)), elements=st.integers(0, 15))
)
def test_the_plane_tells_most_cells_apart(codes):
    values = FLOAT4_E2M1FN.coordinate(codes)

    def alike(*dims):
        _, count = np.unique(values[:, dims], axis=0, return_counts=True)
        return (count**2).sum()

    every = range(codes.shape[1])
    first = min(every, key=alike)
    others = [dim for dim in every if dim != first]
    second = min(others, key=lambda dim: (alike(first, dim), alike(dim), dim))
    assert most_telling_plane(codes, FLOAT4_E2M1FN) == (first, second)


def test_of_a_selection_and_another_snapshot_the_same_tokens_are_in_both(stores):
    run = stores[1e-7]
    panels, cloud_plane, caption = cloud_panels(run, None, None, 50, "largest", 0)
    assert [panel.title for panel in panels] == ["initial cloud, step 0", "step 50"]
    assert (
        len(panels[0].view.codes) == len(panels[1].view.codes) == len(cloud_plane.token_ids) < 300
    )
    assert "tokens within 0 exponents of the largest black hole" in caption
    [one], *_ = cloud_panels(run, None, None, 0, None, None)
    assert one.title == "step 0"


@pytest.mark.slow
def test_tokens_that_have_left_are_in_no_panel(tmp_path):
    spec = Drift(sigma=1e-9, tokens=60, dims=40, survivors=10, records=2)
    runs.run(spec, tmp_path / "a.zarr", on="cpu")
    panels, cloud_plane, _ = cloud_panels(tmp_path / "a.zarr", None, *NOTHING)
    assert [len(panel.view.codes) for panel in panels] == [10, 10]
    present = RunStore(tmp_path / "a.zarr").read("present")[-1]
    assert cloud_plane.token_ids.tolist() == np.flatnonzero(present).tolist()


@pytest.mark.slow
def test_of_a_checkpoint_its_finite_rows_are_drawn(svg_only, in_tmp, capsys):
    codes = np.array([[16256, 1]] * 4 + [[0, 0], [0x8000, 0], [0, 0x8000]] + [[0x7FC0, 0]] * 5)
    builders.write("a.safetensors", {"lm_head.weight": builders.matrix(codes, BFLOAT16)})
    status, out, _ = drift(capsys, "plot", "cloud", "a.safetensors", "--json")
    assert (status, json.loads(out)) == (0, {"figures": ["a-cloud.png", "a-cloud.svg"]})
    [panel], cloud_plane, caption = cloud_panels(in_tmp / "a.safetensors", None, *NOTHING)
    assert (cloud_plane.populations.tolist(), cloud_plane.cells) == ([4, 3], 2)
    assert (
        len(drawn_in(cloud_figure([panel], cloud_plane, caption).axes[0])) == 2
    )  # both zeros are one place


@pytest.mark.parametrize(
    ("codes", "plane", "said"),
    [
        (np.zeros((3, 1)), None, "bits has 1 dimension; a plane needs two"),
        (np.full((3, 2), np.nan), None, "bits: no row is finite; there is nothing to draw"),
        *(
            (np.zeros((3, 4)), plane, f"plane is {name}; it must be two dimensions of 0 ... 3")
            for plane, name in (((1,), "1"), ((1, 1), "1,1"), ((0, 4), "0,4"), ((-1, 0), "-1,0"))
        ),
    ],
)
def test_what_has_no_such_plane_is_refused(codes, plane, said):
    with pytest.raises(BadInput) as refused:
        CloudPlane.of(Matrix.from_array(codes.astype(np.float32), "float32"), 6, plane)
    assert str(refused.value) == said


@pytest.mark.parametrize("value", [0.0, 1e-40, FLOAT32.largest, -FLOAT32.largest])
def test_at_the_end_of_the_lattice_there_is_room_too(value):
    alike = Matrix.from_array(np.full((5, 2), value, np.float32), "float32")
    cloud_plane = CloudPlane.of(alike, 6, None)
    [axes] = cloud_figure([Panel("", cloud_plane.view(alike))], cloud_plane, "").axes
    assert axes.get_xlim()[0] < np.float32(value) < axes.get_xlim()[1]
    assert len(drawn_in(axes)) == 1
