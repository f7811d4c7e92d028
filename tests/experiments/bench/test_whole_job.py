"""Whole jobs: the command and the script count the same from the same cloud, and both are timed."""

import json
import sys

import jax
import numpy as np
import pytest

from drift.experiments.bench import figure, page, script, sweeping, verdicts, whole_job
from drift.experiments.bench.setting import Setting
from drift.experiments.bench.whole_job import Done
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift


@pytest.fixture
def setting(tmp_path, monkeypatch):
    """A small setting on a machine without PyTorch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    return Setting(jax.devices("cpu")[0], tmp_path, quick=True, tokens=128, dims=64)


JOBS = [
    Drift(sigma=5e-7, tokens=60, dims=64, records=50),
    Drift(sigma=1e-6, tokens=60, dims=4, steps=30, records=7, radius=2.0),
    Drift(sigma=1e-4, tokens=60, dims=2, direction="diagonal", schedule="cosine"),
]


@pytest.mark.parametrize("drift", JOBS)
@pytest.mark.parametrize("kind", script.KINDS)
def test_the_loop_of_the_script_counts_what_we_count(tmp_path, drift, kind):
    if kind == "torch":
        pytest.importorskip("torch")
        loop = sweeping.torch_loop(Setting(jax.devices("cpu")[0], tmp_path))
    else:
        loop = sweeping.numpy_loop
    found = [counts.distinct for counts in simulate(drift, on="cpu").records]
    assert loop(sweeping.loop_input(drift)) == found
    assert found[0] > found[-1] > 1


@pytest.mark.parametrize("kind", script.KINDS)
def test_the_script_counts_at_the_records_of_a_run(tmp_path, kind):
    if kind == "torch":
        pytest.importorskip("torch")
    options = ["60", "32", "1e-8", "0.371", "30", "7", "cpu"]
    script.main(kind, *options, str(tmp_path / "a.json"))
    found = json.loads((tmp_path / "a.json").read_text())
    drift = Drift(sigma=1e-8, tokens=60, dims=32, steps=30, records=7)
    assert found["step"] == list(drift.record_steps)
    assert len(found["distinct"]) == 8
    assert found["distinct"][0] == 60 > found["distinct"][-1]


@pytest.mark.slow
def test_all_are_processes_whose_results_are_checked(setting):
    case, *_ = whole_job.cases(setting)
    assert [each.name for each in case.contenders] == [
        *("drift run", "drift run, empty cache", "NumPy script")
    ]
    assert case.absent == {"PyTorch script": "torch is not installed"}
    ours, cold, theirs = case.contenders
    for each in (ours, cold):
        each.ready()
        done = each.run()
        assert each.wrong(done) is None
        assert each.parts(done).keys() == {*whole_job.PARTS}
        assert sum(each.parts(done).values()) == pytest.approx(done.seconds)
        done.found["records"][3]["distinct"] += 1
        assert "it counts [128, " in each.wrong(done)
    theirs.ready()
    done = theirs.run()
    assert theirs.wrong(done) is None
    assert 0 < theirs.parts(done)["import"] < done.seconds


def test_a_script_that_errs_is_found_out(setting):
    *_, theirs = next(whole_job.cases(setting)).contenders
    right = {"step": list(range(0, 101, 2)), "distinct": [128] * 51, "import": 0.1}
    assert theirs.wrong(Done(1.0, right)) is None
    assert "at the steps" in theirs.wrong(Done(1.0, right | {"step": [0, 100]}))
    for changed in ([127] + [128] * 50, [128, 127] + [128] * 49, [127] * 51):
        assert "that can only meet" in theirs.wrong(Done(1.0, right | {"distinct": changed}))


def test_a_cold_cache_is_empty_and_a_warm_one_is_not(setting, monkeypatch):
    caches = []

    def process(command, setting, **variables):
        caches.append(variables["DRIFT_CACHE"])
        return 1.0, "{}"

    monkeypatch.setattr(whole_job, "process", process)
    warm, cold, _ = next(whole_job.cases(setting)).contenders
    there = []
    for each in (warm, cold, warm, cold):
        each.ready()
        each.run()
        here = setting.scratch / caches[-1]
        there.append(here.exists())
        here.mkdir(exist_ok=True)
    assert there == [False, False, True, False]
    assert len(set(caches)) == 2


def test_what_fails_is_said_in_one_line(setting):
    command = [sys.executable, "-m", "drift", "run", "--sigma", "-1"]
    with pytest.raises(RuntimeError, match=r"-m drift run exited with status 2: .*sigma is -1"):
        whole_job.process(command, setting)


def test_the_default_has_all_its_cases(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    names = [case.name for case in whole_job.cases(Setting(jax.devices("cpu")[0], tmp_path))]
    sigmas = [f"σ = {sigma}, 50 records" for sigma in ("1e-09", "1e-07", "1e-06", "0.02")]
    more = ["σ = 1e-09, 1 record", "σ = 1e-09, 100 records"]
    assert names == [*sigmas, *more, "400 × 256, σ = 1e-09, 50 records"]


def result(
    sigma=1e-9, records=50, shape=(2_212, 2_560), script=8.0, name="PyTorch script", **parts
):
    """A case as it is measured: two seconds of ours, of which one is the start."""
    parts = dict(zip(whole_job.PARTS, (1.0, 0.3, 0.4, 0.2, 0.1), strict=True)) | parts
    rows = [{"name": "drift run", "median": 2.0, "parts": parts}]
    rows.append({"name": "drift run, empty cache", "median": 3.2, "parts": parts})
    rows.append({"name": name, "median": script, "parts": {"import": 1.5}})
    facts = {"group": "whole-job", "case": "x", "sigma": sigma, "records": records, "steps": 100}
    return facts | {"tokens": shape[0], "dims": shape[1], "contenders": rows}


def judged(*results, platform="cpu"):
    found = verdicts.verdicts([*results], platform)
    return {one["what"].removeprefix("whole job, "): (one["value"], one["met"]) for one in found}


@pytest.mark.parametrize(("sigma", "least"), [(1e-9, 4.0), (1e-7, 2.5), (1e-6, 1.5), (0.02, 1.4)])
def test_a_job_is_judged_by_the_script_in_pytorch(sigma, least):
    found = judged(result(sigma, script=2 * least))
    assert found["x: PyTorch script beside ours"] == (least, True)
    assert found["x: the same less its import"] == ((2 * least - 1.5) / 2, None)
    assert judged(result(sigma, script=1.99 * least))["x: PyTorch script beside ours"][1] is False
    for other in (
        judged(result(sigma, name="NumPy script")),
        judged(result(sigma), platform="gpu"),
        judged(result(sigma, shape=(400, 256))),
        judged(result(sigma, records=1)),
    ):
        assert {met for what, (_, met) in other.items() if " script" in what} == {None}


def test_the_first_run_ever_and_its_writing_are_judged():
    found = judged(result())
    assert found["x: empty cache beside warm"] == (1.6, False)
    assert found["x: share of writing"] == (0.05, True)
    assert judged(result(write=0.3))["x: share of writing"] == (0.15, False)


def test_records_are_judged_in_the_engine():
    what = "σ = 1e-09: 50 records beside 1, in the engine"
    few, small = result(records=1, move=0.2), result(records=1, shape=(400, 256))
    assert what not in judged(result(), small)
    assert judged(result(), few)[what] == (pytest.approx(1 / 0.8), True)
    assert judged(few, result(move=2.0))[what] == (pytest.approx(2.6 / 0.8), False)


def test_a_page_shows_where_the_time_goes():
    rows = page.part_rows(result())
    assert rows[0] == ("drift run", "1 s", "300 ms", "400 ms", "200 ms", "100 ms")
    assert [row[0] for row in rows] == ["drift run", "drift run, empty cache"]
    assert page.part_rows({"contenders": [{"name": "step engine"}]}) == []


def test_bars_show_the_parts_one_after_another():
    axes, *more = figure.draw([result(), result(0.02, script=3.0)]).axes
    assert not more
    bars = np.array([(bar.get_y() + 0.16, bar.get_x(), bar.get_width()) for bar in axes.patches])
    ours = [(0.0, 1.0), (1.0, 0.3), (1.3, 0.4), (1.7, 0.2), (1.9, 0.1)]
    np.testing.assert_allclose(bars[:5], [(-0.18, *each) for each in ours])
    np.testing.assert_allclose(bars[5:7], [(0.18, 0.0, 1.5), (0.18, 1.5, 6.5)])
    np.testing.assert_allclose(bars[-1], (1.18, 1.5, 1.5))
    said = [label.get_text() for label in axes.get_legend().get_texts()]
    assert said == ["start or import", "draw", "move", "count", "write", "script"]


def test_numpy_rounds_as_bfloat16_does():
    import ml_dtypes

    values = np.random.default_rng(0).standard_normal((50, 7), np.float32)
    ties = (np.arange(0x3F00, 0x3F32) << 16 | 0x8000).astype(np.uint32).view(np.float32)
    values = np.column_stack([values, ties])
    bits = (script._rounded(values) >> 16).astype(np.uint16)
    np.testing.assert_array_equal(bits, values.astype(ml_dtypes.bfloat16).view(np.uint16))
