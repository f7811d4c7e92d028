"""The study of training: its options, its parts, and that every claim is that of its stores."""

import csv
import json

import numpy as np
import pytest
from matplotlib.figure import Figure

import drift as library
from drift.experiments.studies import run_study
from drift.experiments.studies import training as study_of_training
from drift.experiments.studies.parts import Note, StudyStores, Training
from drift.experiments.studies.registry import STUDIES
from drift.experiments.studies.training import figures, plan
from drift.experiments.training import steps
from drift.sim.errors import BadInput
from tests.support import svg_only
from tests.support.run_cli import drift
from tests.support.study_page import whole_page

QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
OPTIONS = {
    **{"vocabulary": 16, "batch": 1, "length": 3, "steps": [12], "record_every": 4, "seeds": 1},
    "arithmetic": ["nearest"],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The study of tiny trainings, and what it printed."""
    out = tmp_path_factory.mktemp("training")
    with pytest.MonkeyPatch.context() as patch:
        svg_only.draw(patch)
        patch.setattr(steps, "_OPTIONS", {"cpu": QUICK})
        study = STUDIES["training"].given(OPTIONS)
        yield out, run_study.run_study(study, out, quick=True, device="cpu")


@pytest.mark.slow
def test_the_page_shows_all_and_its_numbers_are_those_of_the_stores(tiny):
    out, said = tiny
    pictures = ["distinct.png", "loss.png", "motion.png", "moved.png", "radius.png"]
    text = whole_page(out, said, pictures)
    assert "with fewer than three seeds: it shows how the page reads" in text
    assert (
        "`drift study training --vocabulary 16 --batch 1 --length 3 --steps 12 --record-every 4"
        " --seeds 1 --arithmetic nearest --quick`"
    ) in text
    rows = list(csv.DictReader((out / "runs.csv").read_text().splitlines()))
    names = ("nearest", "narrow-nearest", "between", "rate", "unseen-decay", "decay")
    assert [row["variant"] for row in rows] == list(names)
    for row in rows:
        store = StudyStores(out / "stores").training(f"{row['variant']}-0")
        dead = library.track(str(store.address), rows="12:16")
        assert int(row["dead_distinct"]) == dead.arrays["distinct"][-1]
        assert float(row["dead_radius"]) == dead.arrays["mean_radius"][-1]
        bulk, own = (np.nansum(dead.arrays[name]) for name in ("bulk", "thermal"))
        assert float(row["dead_share"]) == pytest.approx(bulk / (bulk + own))
        assert float(row["loss"]) == store.values("loss")[-1]
    stores = {row["variant"]: StudyStores(out / "stores") for row in rows}
    w = [stores[name].training(f"{name}-0").values("W") for name in ("nearest", "unseen-decay")]
    assert np.array_equal(*w) == ("changes no bit" in text)


@pytest.mark.slow
def test_claims_follow_the_stores(tiny, monkeypatch):
    out, _ = tiny
    monkeypatch.setattr(figures, "figures", lambda facts: {})
    made = StudyStores(out / "stores")
    before = study_of_training.page(made, "it").text
    note = out / "stores" / "measured-nearest-0.json"
    kept, told = note.read_text(), json.loads(note.read_text())
    told["found"]["dead"]["black_holes"][-1] = 7654
    told["found"]["dead"]["mean_radius"][-1] = 99.0
    note.write_text(json.dumps(told))
    try:
        after = study_of_training.page(made, "it").text
    finally:
        note.write_text(kept)
    assert "nothing coalesces without weight decay**" in before
    assert "nothing coalesces without weight decay**" not in after
    assert "| 7,654 |" in after
    assert "It contracts rounded to nearest" not in after
    assert "It ends wider than it began rounded to nearest, for every seed" in after


@pytest.mark.slow
def test_where_no_token_is_dead_the_page_tells_of_the_others(tiny, monkeypatch, tmp_path):
    out, _ = tiny
    monkeypatch.setattr(figures, "figures", lambda facts: {})
    for note in (out / "stores").glob("*.json"):
        told = json.loads(note.read_text())
        found = told.get("found")
        if note.name == "plan.json":
            found["live"] = found["usual"]["vocabulary"]
        elif isinstance(found, dict):
            for name in ("dead", "replay", "straight"):
                found.pop(name, None)
        (tmp_path / note.name).write_text(json.dumps(told))
    text = study_of_training.page(StudyStores(tmp_path), "it").text
    assert "| arithmetic | live: few values move from |" in text
    assert "Do distinct tokens coalesce" not in text
    assert "None" not in text


@pytest.mark.slow
def test_a_report_and_a_second_run_take_its_options_from_the_directory(
    tiny, capsys, tmp_path, monkeypatch
):
    out, _ = tiny
    names = ("distinct", "loss", "motion", "moved", "radius")
    monkeypatch.setattr(figures, "figures", lambda facts: {name: Figure() for name in names})
    assert drift(capsys, "report", str(out), "-o", str(tmp_path / "page.html"))[0] == 0
    assert "Do tokens coalesce and freeze in training" in (tmp_path / "page.html").read_text()
    study = STUDIES["training"].given(OPTIONS)
    again = run_study.run_study(study, out, quick=True, device="cpu")
    assert all(part["before"] for part in again["parts"])
    other = STUDIES["training"].given({**OPTIONS, "lr": 0.5})
    with pytest.raises(BadInput, match="holds something else than this study makes; --out names"):
        run_study.run_study(other, out, quick=True, device="cpu")


def test_what_is_done_by_default():
    made = plan.parts(False, {})
    trainings = {part.name: part.settings for part in made if isinstance(part, Training)}
    assert len(trainings) == 36
    assert {of.seed for of in trainings.values()} == {0, 1, 2}
    for kind in ("nearest", "master", "stochastic", "kahan"):
        for seed in range(3):
            assert trainings[f"{kind}-{seed}"].arithmetic == kind
            assert trainings[f"narrow-{kind}-{seed}"].sigma == 1e-6
    usual, unseen, seen = (trainings[f"{name}-0"] for name in ("nearest", "unseen-decay", "decay"))
    assert unseen.lr * unseen.weight_decay < 2**-9 < seen.lr * seen.weight_decay
    assert trainings["rate-0"].lr == 3 * usual.lr
    assert sum(isinstance(part, Note) for part in made) == 36 + 2


def test_what_was_not_asked_for_follows_what_was():
    assert plan.settings_of({"steps": 30}).warmup == 3
    assert plan.settings_of({"steps": [4]}).record_every == 4
    assert plan.settings_of({"steps": 5000}).warmup == 50


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--lr", "0"], "lr is 0.0; it must be in 1e-12 ... 1"),
        (["--lr", "fast"], "Invalid value for '--lr': 'fast' is not a number"),
        (["--dead", "1"], "dead is 1.0; it must be in 0 ... 1, and leave two tokens that occur"),
        (["--steps", "1,2"], "steps is [1, 2]; training takes one whole number"),
        (["--steps", "0"], "steps is 0; it must be in 1 ... 2^30"),
        (["--warmup", "1000"], "warmup is 1,000; it must be in 0 ... steps"),
        (["--lr-schedule", "step"], "lr-schedule is 'step'; it must be one of constant, linear"),
        (["--arithmetic", "master"], "arithmetic is master; the first must be nearest"),
        (["--arithmetic", "nearest,half"], "arithmetic is 'half'; it must be one of nearest, ma"),
        (["--seeds", "0"], "seeds is 0; it must be in 1 ... 1,000"),
        (["--record-every", "10000"], "record-every is 10,000; it must be in 1 ... steps"),
        (["source.npy"], "sources are an option of replay, not of training"),
        (["--near", "3"], "--near is an option of replay, not of training"),
    ],
)
def test_bad_options_take_one_line(capsys, in_tmp, words, line):
    status, said, error = drift(capsys, "study", "training", *words)
    assert (status, said) == (2, "")
    assert error.startswith(f"drift: {line}"), error
    assert len(error.splitlines()) == 1
    assert list(in_tmp.iterdir()) == []


def test_options_of_one_study_are_not_another_s(capsys, in_tmp):
    for words, line in (
        (["stall", "--vocabulary", "9"], "--vocabulary is an option of training, not of stall"),
        (["stall", "--steps", "9"], "--steps is an option of training and replay, not of stall"),
        (["stall", "x.npy"], "sources are an option of replay, not of stall"),
    ):
        status, _, error = drift(capsys, "study", *words)
        assert (status, error) == (2, f"drift: {line}\n")


def test_what_does_not_fit_on_the_disk_is_told_before_it_begins(capsys, in_tmp):
    words = ("--vocabulary", "1e6", "--steps", "1e8", "--record-every", "1", "--out", "far")
    status, said, error = drift(capsys, "study", "training", *words)
    assert (status, said) == (2, "")
    assert error.startswith("drift: 36 trainings of 100,000,000 steps, each with 100,000,001 rec")
    assert error.endswith("a larger --record-every records less\n")
    assert not list(in_tmp.rglob("*.zarr"))
