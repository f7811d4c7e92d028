import json

import numpy as np
import pytest
from matplotlib import image

from experiments import cli
from experiments.curves import curves
from sim import runs
from sim.errors import BadInput
from sim.spec import Drift
from sim.store import RunStore


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    for seed in (0, 1):
        drift = Drift(sigma=1e-9, tokens=100, dims=400, seed=seed, records=10)
        runs.run(drift, folder / f"{seed}.zarr", on="cpu")
    return [folder / "0.zarr", folder / "1.zarr"]


def test_the_lines_are_the_stored_counts(stores):
    store = RunStore(stores[0])
    axes = curves([store]).axes[0]
    distinct, largest = axes.get_lines()
    records = store.records()
    np.testing.assert_array_equal(distinct.get_xdata(), [c.radius for c in records])
    np.testing.assert_array_equal(distinct.get_ydata(), [c.distinct for c in records])
    np.testing.assert_array_equal(largest.get_ydata(), [c.largest for c in records])
    assert axes.get_yscale() == "log"


def test_counts_within_a_decade_get_a_linear_axis(tmp_path):
    drift = Drift(sigma=1.0, tokens=4, dims=16, steps=2)
    runs.run(drift, tmp_path / "few.zarr", on="cpu")
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
    assert "bfloat16" not in caption  # the usual goes without saying


def test_the_verb_writes_a_png_and_an_svg(stores, in_tmp, capsys):
    assert cli.outcome(["plot", "curves", *map(str, stores), "--out", "fig/a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"figures": ["fig/a.png", "fig/a.svg"]}
    assert image.imread(in_tmp / "fig/a.png").shape[0] > 500
    first = (in_tmp / "fig/a.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert cli.outcome(["plot", "curves", *map(str, stores), "--out", "fig/a"]) == 0
    assert (in_tmp / "fig/a.svg").read_bytes() == first
    assert sorted(p.name for p in (in_tmp / "fig").iterdir()) == ["a.png", "a.svg"]


def test_a_run_without_records_cannot_be_drawn(tmp_path):
    def stop(counts, done, total):
        raise KeyboardInterrupt

    path = tmp_path / "none.zarr"
    drift = Drift(sigma=1.0, tokens=4, dims=4, at=(2,), steps=3)
    with pytest.raises(KeyboardInterrupt):
        runs.run(drift, path, on="cpu", progress=stop)
    RunStore(path, writing=True).array("step")[:] = -1
    with pytest.raises(BadInput, match="has no record yet"):
        curves([RunStore(path)])
