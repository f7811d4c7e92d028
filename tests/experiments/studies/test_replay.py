"""Replays of hand-made trajectories: where the common motion is everything, and where nothing."""

import csv
import json

import ml_dtypes
import numpy as np
import pytest
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.replay import figures
from drift.experiments.studies.replay.facts import ReplayFacts, freezing
from drift.experiments.studies.replay.replayed import compare
from drift.kernels.formats import BFLOAT16
from tests.support import svg_only
from tests.support.run_cli import drift

BF16 = np.dtype(ml_dtypes.bfloat16)
SAMPLES, TOKENS, DIMS = 6, 10, 3
pytestmark = pytest.mark.slow


DRAWN = figures.figure


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    """Draw nothing: pictures take longer than all else."""
    svg_only.draw(monkeypatch)
    monkeypatch.setattr(figures, "figure", lambda facts: Figure())


def first():
    """Rows of eighths in 16 ... 24, where bfloat16's spacing is an eighth; two are equal."""
    rng = np.random.default_rng(1)
    found = 16 + rng.integers(0, 64, (TOKENS, DIMS)) / 8
    found[1] = found[0]
    return found


def alike():
    """All tokens move by one eighth a sample, but for the last one, in which nothing moves."""
    moves = np.array([0, 1, 2, 3, 4, 4]) / 8
    return (first()[None] + moves[:, None, None]).astype(BF16)


def apart():
    """Pairs of tokens move in opposite ways, so that their centroid stays."""
    signs = np.tile([1, -1], TOKENS // 2) / 8
    moves = np.arange(SAMPLES)[:, None, None] * signs[None, :, None]
    return (first()[None] + moves).astype(BF16)


def replay(capsys, path, tmp_path, *more):
    """What a study of an array finds: its facts."""
    out = tmp_path / "replay"
    status, said, error = drift(
        capsys, "study", "replay", str(path), "--out", str(out), "--json", *more
    )
    assert status == 0, error
    told = json.loads(said)
    assert set(told["files"]) == {str(each) for each in out.iterdir() if each.is_file()}
    text = (out / "README.md").read_text()
    assert "None" not in text
    assert "nan" not in text
    return ReplayFacts(StudyStores(out / "stores")), text


def saved(tmp_path, array):
    np.save(tmp_path / "w.npy", array.view(np.uint16))
    return tmp_path / "w.npy"


def test_where_the_common_motion_is_everything_it_explains_all(capsys, tmp_path):
    facts, text = replay(capsys, saved(tmp_path, alike()), tmp_path, "--as", "bfloat16")
    assert facts.common_share == 1
    assert [row["explained"] for row in facts.rows] == [None, 1, 1, 1, 1, 1]
    assert [row["identical"] for row in facts.rows] == [TOKENS] * SAMPLES
    for name in ("distinct", "pairs", "moved_tokens", "bulk", "thermal", "last_motion"):
        assert facts.observed[name] == facts.replayed[name], name
    assert facts.observed["bulk"][1] == DIMS / 64
    assert facts.observed["thermal"][1:] == [0] * 5
    assert facts.frozen("replayed") == {
        "p10": 4, "median": 4, "p90": 4, "moving": 0, "never": 0, "tokens": TOKENS
    }  # fmt: skip
    assert facts.rows[-1]["pairs_both"] == facts.observed["pairs"][-1] == 1
    assert "**100.0% is common**" in text
    assert "explains **100.0%**" in text
    assert "Of 10 tokens, 10 are replayed to the bit" in text
    motion = np.load(tmp_path / "replay/stores/motion.npy")
    assert motion.tolist() == [[0.125] * DIMS] * 4 + [[0.0] * DIMS]
    kept = np.load(tmp_path / "replay/stores/first.npy")
    np.testing.assert_array_equal(kept.view(np.uint16), alike()[0].view(np.uint16))


def test_where_it_is_nothing_it_explains_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "figure", DRAWN)
    facts, text = replay(capsys, saved(tmp_path, apart()), tmp_path, "--as", "bfloat16")
    assert facts.common_share == 0
    assert [row["explained"] for row in facts.rows] == [None, 0, 0, 0, 0, 0]
    assert facts.replayed["moved_tokens"][1:] == [0] * 5
    assert facts.replayed["distinct"] == [TOKENS - 1] * SAMPLES
    assert facts.observed["distinct"][1:] == [TOKENS] * 5
    assert facts.frozen("replayed")["never"] == TOKENS
    assert facts.frozen("observed")["moving"] == TOKENS
    assert [row["identical"] for row in facts.rows] == [TOKENS, 0, 0, 0, 0, 0]
    assert "**0.0% is common**" in text


def test_rounding_of_a_common_motion_is_that_of_a_drift(capsys, tmp_path):
    rng = np.random.default_rng(3)
    walk = rng.normal(0, 1e-3, (7, 12, 4)).cumsum(axis=0) + np.arange(7)[:, None, None] * 0.01
    w = walk.astype(BF16)
    facts, _ = replay(capsys, saved(tmp_path, w), tmp_path, "--as", "bfloat16")
    x = w.astype(np.float64)
    again = [x[0].astype(np.float32)]
    for k in range(6):
        mean = (x[k + 1] - x[k]).mean(axis=0)
        motion = np.load(tmp_path / "replay/stores/motion.npy")[k]
        np.testing.assert_allclose(motion, mean, rtol=1e-6, atol=1e-12)
        again.append((again[-1] + motion).astype(BF16).astype(np.float32))
    expected = [
        1 - ((x[k] - again[k]) ** 2).sum() / ((x[k] - x[0]) ** 2).sum() for k in range(1, 7)
    ]
    assert [row["explained"] for row in facts.rows][1:] == pytest.approx(expected)
    rows = list(csv.DictReader((tmp_path / "replay/samples.csv").read_text().splitlines()))
    assert [int(row["replayed_distinct"]) for row in rows] == [
        len(np.unique(each, axis=0)) for each in again
    ]


def test_what_comes_together_by_itself_is_told_apart():
    x = first()
    met = x.copy()
    met[3], met[5] = met[2], met[4]
    codes = [each.astype(BF16).view(np.uint16) for each in (x, met)]
    found = compare(iter(codes), iter([codes[0], codes[0]]), BFLOAT16)
    assert found["pairs_both"] == [1, 1]
    assert found["explained"] == [None, 0]
    assert compare(iter(codes), iter(codes), BFLOAT16)["pairs_both"] == [1, 3]


def test_any_source_of_a_track_is_replayed(capsys, tmp_path):
    whole = alike()
    save_file({"w": whole, "other": whole[0]}, tmp_path / "w.safetensors")
    for k, each in enumerate(whole):
        save_file({"lm_head.weight": each}, tmp_path / f"c-{k}.safetensors")
    np.save(tmp_path / "wide.npy", whole.astype(np.float32))
    checkpoints = [str(tmp_path / f"c-{k}.safetensors") for k in range(1, SAMPLES)]
    for path, more in (
        (tmp_path / "w.safetensors", ["--tensor", "w", "--steps", "10:60:6:lin"]),
        (tmp_path / "c-0.safetensors", checkpoints),
        (tmp_path / "wide.npy", ["--rows", "!0,1", "--every", "5"]),
    ):
        facts, _ = replay(capsys, path, tmp_path, *more)
        assert facts.common_share == 1
        assert facts.rows[-1]["explained"] == 1
    assert facts.observed["format"] == "float32"
    assert (facts.observed["tokens"], facts.observed["steps"]) == (TOKENS - 2, [0, 5])


def test_tokens_that_do_not_last_are_left_out(capsys, tmp_path):
    array = alike()
    array[2, 4, 1] = np.nan
    facts, text = replay(capsys, saved(tmp_path, array), tmp_path, "--as", "bfloat16")
    assert facts.observed["tokens"] == TOKENS - 1
    assert "1 token not present, or not finite, at some sample is left out" in text
    assert facts.rows[-1]["explained"] == 1


def test_again_it_only_draws_and_other_data_are_replayed_anew(capsys, tmp_path):
    line = ["study", "replay", str(saved(tmp_path, alike())), "--as", "bfloat16", "--json"]
    line += ["--out", str(tmp_path / "replay")]
    parts = []
    for array in (alike(), alike(), apart()):
        saved(tmp_path, array)
        parts.append([part["before"] for part in json.loads(drift(capsys, *line)[1])["parts"]])
    assert parts == [[False, False], [True, True], [False, False]]
    facts = ReplayFacts(StudyStores(tmp_path / "replay/stores"))
    assert facts.common_share == 0


def test_a_report_shows_it(capsys, tmp_path):
    replay(capsys, saved(tmp_path, alike()), tmp_path, "--as", "bfloat16")
    page = tmp_path / "page.html"
    assert drift(capsys, "report", str(tmp_path / "replay"), "-o", str(page))[0] == 0
    assert "Which part of the motion is common" in page.read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "no source is named; drift study replay SOURCE takes what drift track takes"),
        (["gone.npy"], "gone.npy: there is no such file"),
        (["w.npy"], "w.npy holds uint16 of 16 bits, whose format is not told; --as bfloat16 or"),
        (["w.npy", "--as", "int8"], "format is 'int8'; it must be one of"),
        (["w.npy", "--as", "bfloat16", "--every", "9"], "w.npy has 6 samples; every 9 of them"),
        (["w.npy", "--as", "bfloat16", "--every", "0"], "every is 0; it must be 1 or more"),
        (["w.npy", "--as", "bfloat16", "--steps", "1,2"], "steps names 2; w.npy has 6 samples"),
        (["w.npy", "--as", "bfloat16", "--exponents", "2"], "exponents is 2 without near"),
        (["w.npy", "--as", "bfloat16", "--quick"], "replay has no quick form"),
        (["w.npy", "--lr", "1"], "--lr is an option of training, not of replay"),
        (
            ["big.npy"],
            "big.npy can't be replayed: step 1 takes a token to 95503.5 in dim 0, out of",
        ),
        (["nan.npy"], "nan.npy has no token that is present and finite at every sample"),
    ],
)
def test_bad_sources_take_one_line(capsys, in_tmp, words, line):
    saved(in_tmp, alike())
    np.save(in_tmp / "nan.npy", np.full((2, 2, 2), np.nan, np.float32))
    big = [[[65504, 1], [1, 2]], [[65504, 1], [60000, 2]]]
    np.save(in_tmp / "big.npy", np.array(big, np.float16))
    status, said, error = drift(capsys, "study", "replay", *words)
    assert (status, said) == (2, "")
    (told,) = [each for each in error.splitlines() if not each.startswith("study:")]
    assert told.startswith(f"drift: {line}"), told


def test_freezing_counts_tokens():
    assert freezing([1, 0, 5, 4], [0, 10, 20, 30]) == {
        "p10": 0, "median": 20, "p90": 30, "moving": 4, "never": 1, "tokens": 10
    }  # fmt: skip
