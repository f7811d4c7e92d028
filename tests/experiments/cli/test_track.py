"""`drift track`, and the figure, the page and the table of it."""

import csv
import io
import json
import signal

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import drift as library
from drift.experiments.cli import main
from drift.experiments.figures.track import PANELS, phases
from drift.sim.tracks import track as track_module
from drift.sim.tracks.track_store import TrackStore
from tests.support.run_cli import drift


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(2)
    w = np.repeat(rng.normal(1, 0.01, (1, 30, 6)), 8, axis=0)
    w += np.arange(8)[:, None, None] * 0.01 * (np.arange(30) % 3)[:, None]
    w[4:] = w[4]
    w[3:, 7] = w[3:, 4]
    return w.astype(ml_dtypes.bfloat16)


@pytest.fixture
def there(values, in_tmp):
    save_file({"W": values}, "W.safetensors")
    return in_tmp


def test_json_has_what_was_promised(there, values, capsys):
    status, out, err = drift(capsys, "track", "W.safetensors", "--out", "t.zarr", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    promised = {"steps", "tokens", "dims", "format", "per_step", "per_token", "all_still", "events"}
    assert promised <= set(found)
    names = "distinct black_holes black_hole_tokens singletons largest pairs alive centroid_norm"
    names += " mean_radius bounding_radius moved_tokens moved_values l1 l2 linf centroid_step bulk"
    assert {*names.split(), "thermal", "cosine", "efficiency"} <= set(found["per_step"])
    assert all(len(numbers) == 8 for numbers in found["per_step"].values())
    assert all(len(numbers) == 30 for numbers in found["per_token"].values())
    assert set(found["per_step"]["l2"][1]) == {"median", "p10", "p90", "max"}
    assert found["per_step"]["l2"][0] is None
    assert found["all_still"] == [[4, 7]]
    born = found["events"][0]
    assert {name: born[name] for name in ("step", "what", "tokens_before", "tokens_after")} == {
        "step": 3,
        "what": "born",
        "tokens_before": 0,
        "tokens_after": 2,
    }
    assert found == library.track(values).as_json() | {"store": "t.zarr"}


def test_the_table_says_what_frozen_means(there, capsys):
    words = ["track", "W.safetensors", "--steps", "0:70:8:lin", "--save-motion", "c.npy"]
    status, out, _ = drift(capsys, *words)
    assert status == 0
    assert "8 samples of 30 tokens × 6 dims in bfloat16" in out
    assert "frozen means equal at the samples" in out
    assert "nothing moves from step 40 to 70" in out
    assert "store: results/track-W-" in out
    motion = np.load("c.npy")
    assert motion.shape == (7, 6)
    assert motion.dtype == np.float32
    assert not motion[4:].any()
    again = drift(capsys, *words)  # by its name, the store is the same, and complete
    assert again[:2] == (status, out)


@pytest.mark.slow
def test_it_is_drawn_reported_and_exported(svg_only, there, capsys):
    assert drift(capsys, "track", "W.safetensors", "--out", "t.zarr")[0] == 0
    status, out, _ = drift(capsys, "plot", "track", "t.zarr", "--panels", "phases,moves")
    assert (status, out) == (0, "figure: t-track.png\nfigure: t-track.svg\n")
    status, _, err = drift(capsys, "plot", "track", "t.zarr", "--panels", "pies")
    assert (status, err.count("\n")) == (2, 1)
    assert "panels are phases, freezing" in err
    assert drift(capsys, "report", "t.zarr", "-o", "t.html")[0] == 0
    page = (there / "t.html").read_text()
    assert page.count("<svg") == len(PANELS)
    assert "frozen means equal at the samples" in page
    status, out, _ = drift(capsys, "export", "t.zarr")
    header, first, *_ = csv.reader(io.StringIO(out))
    assert header[:3] == ["step", "distinct", "black_holes"]
    assert len(out.splitlines()) == 9
    assert first[header.index("l2_max")] == ""


def test_every_token_is_in_one_phase(values):
    found = phases(library.track(values))
    assert (sum(found.values()) == 30).all()
    assert found["frozen"].tolist()[-1] == 30
    assert found["early"][1] == 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--every", "0"], "every is 0; it must be 1 or more"),
        (["--steps", "3,2"], "steps names 2; W.safetensors, W has 8 samples"),
        (["--steps", "0,1,2,3,4,5,6,6"], "steps is 6 after 6; they must be 0 or more, and rise"),
        (["--as", "float8_e5m2"], "reads the bits of uint8 codes"),
        (["--rows", "30:40"], "rows 30:40 selects none of the 30 tokens"),
        (["--save-motion", "c.txt"], "a file that ends with .npy is needed"),
        (["--tensor", "V"], "holds no tensor 'V'; it holds W"),
    ],
)
def test_bad_options_are_told_in_a_line(there, capsys, words, said):
    status, out, err = drift(capsys, "track", "W.safetensors", "--out", "t.zarr", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (there / "t.zarr").exists()


@pytest.mark.parametrize(("number", "ended"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_measured(there, values, capsys, monkeypatch, number, ended):
    before = signal.signal(signal.SIGTERM, main._terminate)
    taken = track_module.Meter.take

    def interrupted(meter, codes, present=None):
        if meter.partition.counts["distinct"] and not told:
            told.append(signal.raise_signal(number))
        return taken(meter, codes, present)

    told = []
    monkeypatch.setattr(track_module.Meter, "take", interrupted)
    try:
        status, _, err = drift(capsys, "track", "W.safetensors", "--out", "t.zarr")
        assert status == ended
        assert "the same command goes on with the samples that are left" in err
        store = TrackStore("t.zarr")
        assert not store.complete
        assert store.progress() is not None
        assert drift(capsys, "track", "W.safetensors", "--out", "t.zarr")[0] == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (
        TrackStore("t.zarr").track().as_json()["per_step"]
        == (library.track(values).as_json()["per_step"])
    )
