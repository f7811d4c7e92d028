"""`drift bench` as a whole: what it prints and writes, what it judges, how it refuses."""

import json
import sys

import pytest

from drift.experiments.bench import figure, script, sweeping, verdicts, whole_job
from drift.experiments.bench.setting import Setting
from drift.sim.devices import host_memory
from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from tests.support.run_cli import drift, here

SMALL = ["bench", "--quick", "--tokens", "256", "--dims", "64", "--device", "cpu"]


@pytest.fixture
def alone(monkeypatch, in_tmp):
    """No torch, and an empty directory."""
    monkeypatch.setitem(sys.modules, "torch", None)
    return in_tmp


@pytest.fixture
def at_once(monkeypatch):
    """No process is started: what it would do is done here, once."""
    done = {}

    def process(command, setting, **variables):
        if command[1] == "-P":
            script.main(*command[3:])
            return 1.0, ""
        sigma, records = (command[command.index(f"--{each}") + 1] for each in ("sigma", "records"))
        if (sigma, records) not in done:
            job = Drift(sigma=float(sigma), tokens=256, dims=64, records=int(records))
            done[sigma, records] = run(
                job, setting.scratch / f"{len(done)}.zarr", on="cpu"
            ).as_json()
        return 0.5, json.dumps(done[sigma, records])

    monkeypatch.setattr(whole_job, "process", process)
    monkeypatch.setattr(sweeping, "process", here)  # tests.experiments.bench.test_parts starts one
    monkeypatch.setattr(Setting, "rounds", 2)


@pytest.mark.slow
def test_everything_is_measured_printed_and_written(alone, at_once, capsys):
    status, out, err = drift(capsys, *SMALL, "--out", "here/a.json", "--json")
    assert status == 0, err
    document = json.loads(out)
    assert len(out.splitlines()) == 1
    assert all(line.startswith("bench: ") for line in err.splitlines())
    results = document["results"]
    groups = {"whole-job": 3, "step": 3, "leap": 2, "count": 6, "neighbours": 2, "sweep": 3}
    assert [r["group"] for r in results] == [name for name, n in groups.items() for _ in range(n)]
    main = results[5]
    assert main["steps"] == 100
    names = {row["name"] for row in main["contenders"]}
    assert names >= {"step engine", "plain XLA", "copy", "NumPy + ml_dtypes"}
    assert main["absent"]["PyTorch eager"] == "torch is not installed"
    assert main["absent"]["torch.compile"] == "left out by --quick"
    leapt = results[7]["contenders"]
    assert [row["name"] for row in leapt] == ["leap engine", "stepping until nothing moves"]
    assert leapt[0]["radius"] == leapt[1]["radius"]
    for result in results:
        assert all(row["min"] <= row["median"] <= row["max"] for row in result["contenders"])
    ratios = {one["what"]: one for one in document["ratios"]}
    assert ratios["step: NumPy + ml_dtypes beside ours"]["value"] > 0
    assert all(one["met"] is None for one in ratios.values())  # too small to judge
    written = sorted(path.name for path in (alone / "here").iterdir())
    assert written == ["a.json", "a.md", "a.png", "a.svg"]
    assert json.loads((alone / "here" / "a.json").read_text()) == document
    page = (alone / "here" / "a.md").read_text()
    assert "`drift bench --quick --tokens 256 --dims 64 --device cpu`" in page
    assert "![Seconds of whole jobs, and cost against steps](a.png)" in page
    assert "Absent: PyTorch eager: torch is not installed." in page


@pytest.mark.slow
def test_one_group_without_a_compiler_as_tables(alone, capsys, monkeypatch):
    monkeypatch.setenv("CC", "/nowhere/cc")
    status, out, err = drift(capsys, *SMALL, "--only", "step")
    assert status == 0, err
    assert "absent: C loop: no C compiler: /nowhere/cc: No such file or directory" in out
    assert "step: 100 steps (256 × 64, ns per element-step)" in out
    assert "count:" not in out
    paths = [alone / path for path in out.splitlines()[-1].removeprefix("written: ").split()]
    assert all(path.exists() and path.parent == alone / "results" / "bench" for path in paths)
    assert "C compiler: none" in paths[1].read_text()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["--only", "step,fly"],
            "only names 'fly'; the groups are whole-job, step, leap, count, neighbours, sweep",
        ),
        (["--tokens", "63"], "tokens is 63"),
        (["--dims", "4"], "dims is 4; a benchmark here needs 64 or more"),
        (["--device", "abacus"], "device is 'abacus'"),
        (["--tokens", "1e9"], "GiB of memory"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(alone, capsys, arguments, why):
    status, out, err = drift(capsys, *SMALL, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert why in err
    assert not list(alone.iterdir())


def test_a_cloud_that_does_not_fit_is_refused(alone, capsys, monkeypatch):
    monkeypatch.setattr(host_memory, "free_memory", lambda: 1 << 30)
    status, _, err = drift(capsys, "bench", "--only", "count")
    assert status == 2
    assert "count with 151,936 tokens × 2,560 dims needs" in err


def timed(name, median, work=1.0, steps=None, **more):
    cost = median / work * 1e9
    return {"name": name, "median": median, "min": median, "max": median, "work": work} | {
        "steps": steps,
        "cost": cost,
        **more,
    }


def step_result(eager, c, tokens=20_000, share=0.5):
    work = 100 * tokens * 2560
    rows = [timed("step engine", 1.5, work, 100), timed("moving alone", 1.0, work, 100)]
    rows.append(timed("C loop", c, work, 100))
    rows.append(timed("PyTorch eager", eager / 10, work / 10, 10))
    rows.append(timed("plain XLA", 1.0, work, 100, bytes_per_second=share))
    rows.append(timed("copy", 1.0, 1, bytes_per_second=1.0))
    facts = {"group": "step", "case": "100 steps", "steps": 100, "tokens": tokens, "dims": 2560}
    return facts | {"contenders": rows, "absent": {}}


def judged(results, platform="cpu"):
    found = verdicts.verdicts(results, platform)
    return {one["what"]: (one["value"], one["met"]) for one in found}


def test_steps_are_judged_by_cost_a_step_on_large_clouds():
    found = judged([step_result(eager=30.0, c=0.5)])
    assert found["step: PyTorch eager beside ours"] == (30.0, True)
    assert found["step: ours beside the C loop"] == (2.0, True)
    assert found["step: bandwidth of plain XLA beside a copy's"] == (0.5, None)
    found = judged([step_result(eager=29.0, c=0.4)])
    assert [found[what][1] for what in list(found)[:2]] == [False, False]
    assert judged([step_result(29.0, 0.4, tokens=2000)])["step: ours beside the C loop"][1] is None
    found = judged([step_result(29.0, 0.4, share=0.8)], "gpu")
    assert found["step: bandwidth of plain XLA beside a copy's"] == (0.8, True)
    assert found["step: ours beside the C loop"] == (2.5, None)
    assert found["step: element-steps by moving alone"] == (
        pytest.approx(100 * 20_000 * 2560),
        None,
    )
    fast = step_result(29.0, 0.4)
    fast["contenders"].append(timed("fused kernel", 1e-3, 100 * 20_000 * 2560, 100))
    assert judged([fast], "gpu")["step: element-steps by fused kernel"][1] is True
    fast["contenders"][-1] = timed("fused kernel", 2e-3, 100 * 20_000 * 2560, 100)
    assert judged([fast], "gpu")["step: element-steps by fused kernel"][1] is False


def leap_result(steps, seconds, **more):
    facts = {"group": "leap", "case": str(steps), "steps": steps, "tokens": 151_936, "dims": 2560}
    return facts | {"contenders": [timed("leap engine", seconds), *more.get("others", [])]}


def test_a_leap_is_judged_by_its_growth_and_its_process():
    slow = timed("stepping until nothing moves", 60.0)
    whole = timed("drift run, start to exit", 16.0, peak_bytes=2 * 2**30)
    results = [leap_result(1000, 5.0, others=[slow]), leap_result(10**6, 6.0)]
    last = leap_result(10**6, 0.0) | {"contenders": [whole]}
    found = judged([*results, last])
    assert found["leap: 1,000,000 steps beside 1,000"] == (1.2, True)
    assert found["leap, 1,000 steps: stepping beside it"] == (12.0, None)
    assert found["leap, 1,000,000 steps: start to exit"] == (16.0, False)
    assert found["leap, 1,000,000 steps: start to exit, memory"] == (2.0, True)


@pytest.mark.parametrize(
    ("kind", "reads", "met"), [("distinct", 0.6, False), ("few", 0.6, True), ("few", 3.1, False)]
)
def test_a_count_is_judged_by_its_kind(kind, reads, met):
    facts = {"group": "count", "case": "x", "kind": kind, "tokens": 151_936, "dims": 2560}
    ours = timed("counter", 1.0) | {"cost": reads}
    rival = timed("numpy.unique", 20.0)
    found = judged([facts | {"contenders": [ours, rival]}])
    assert found["count: x"] == (reads, met)
    assert found["count: the same, numpy.unique beside ours"] == (20.0, kind == "few")


def test_a_join_is_judged_by_its_seconds():
    facts = {"group": "neighbours", "case": "x", "tokens": 151_936, "dims": 2560}
    rows = [timed("join", 11.0, 10.0), timed("SciPy pdist of a part", 1.1, 0.5)]
    found = judged([facts | {"contenders": rows}])
    assert found["neighbours: x"] == (11.0, False)
    assert found["neighbours: x, comparing a pair beside it"] == (2.0, None)


def test_a_sweep_is_judged_by_its_cells():
    facts = {"group": "sweep", "case": "x", "tokens": 400, "dims": 256, "cells": 1000}
    rows = [timed("drift sweep", 5.0, 1000, computing=0.9)]
    rows += [timed("NumPy loop", 0.2, 20), timed("PyTorch loop", 2.0, 20)]
    found = judged([facts | {"contenders": rows}])
    assert found["sweep, x: NumPy loop beside ours"] == (2.0, None)
    assert found["sweep, x: PyTorch loop beside ours"] == (20.0, True)
    assert found["sweep, x: share of the process computing"] == (0.9, None)


def test_a_line_has_only_who_took_all_the_steps():
    results = [step_result(30.0, 0.5), leap_result(1000, 5.0) | {"absent": {}}]
    results[1]["contenders"][0]["steps"] = 1000
    panels = figure.draw(results).axes  # one for each size of matrix
    axes = panels[0]
    lines = {line.get_label(): line.get_xydata().tolist() for each in panels for line in each.lines}
    assert lines.keys() == {"step engine", "C loop", "leap engine"}
    assert lines["step engine"] == [[100, pytest.approx(1.5e9 / (20_000 * 2560))]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
