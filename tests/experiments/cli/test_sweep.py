"""`drift sweep` on the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from drift.experiments.console import progress
from drift.experiments.console.values import format_bytes, format_duration
from drift.sim.batches import batch
from drift.sim.errors import BadInput
from drift.sim.stores import lock
from drift.sim.sweeps import estimate
from drift.sim.sweeps.progress import SweepProgress
from drift.sim.sweeps.store import SweepStore
from tests.support.run_cli import drift

SMALL = ["sweep", "--tokens", "12", "--dims", "8", "--records", "4", "--device", "cpu"]
GRID = [*SMALL, "--sigma", "1e-9:1e-7:3", "--steps", "1,5,1e1", "--seeds", "2"]


def test_json_is_one_document_and_the_store_holds_the_grid(in_tmp, capsys):
    status, out, err = drift(capsys, *GRID, "--out", "a.zarr", "--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result.keys() == {"store", "cells", "done", "failed", "seconds"}
    assert (result["store"], result["cells"], result["done"], result["failed"]) == (
        *("a.zarr", 18, 18, 0),
    )
    grid = SweepStore(in_tmp / "a.zarr").grid
    assert [(axis.name, axis.values) for axis in grid.axes] == [
        ("sigma", (1e-9, 1e-8, 1e-7)),
        ("steps", (1, 5, 10)),
        ("seed", (0, 1)),
    ]
    assert grid.base["tokens"] == 12
    assert grid.base["radius"] == 0.371


def test_people_are_told_the_axes_and_the_share_of_computing(in_tmp, capsys):
    status, out, err = drift(capsys, *GRID)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "3 sigma × 3 steps × 2 seed"
    assert lines[1] == "18 of 18 grid points done, 0 failed"
    assert "% of it computing and" in lines[2]
    name = lines[3].removeprefix("store: ")
    assert name.startswith("results/sweep-sigma-steps-seed-")
    assert SweepStore(in_tmp / name).complete
    assert name not in drift(capsys, *GRID, "--radius", "0.5")[1]
    status, _, err = drift(capsys, *GRID)
    assert (status, err.count("\n")) == (0, 1)
    assert "is complete, so that nothing is done; --overwrite sweeps it again" in err
    assert drift(capsys, *GRID, "--overwrite")[0] == 0


def test_every_option_of_a_run_may_be_an_axis(in_tmp, capsys, monkeypatch):
    monkeypatch.setattr(estimate, "estimate", lambda *_: estimate.Estimate(0.0, []))
    named = {
        "--sigma": "1e-9,1e-8",
        "--radius": "0.1:0.3:2:lin",
        "--steps": "5,6",
        "--seed": "0,1",
        "--tokens": "12,13",
        "--dims": "8,9",
        "--direction": "axis,random",
        "--direction-seed": "0,1",
        "--format": "bfloat16,float16",
        "--rounding": "nearest,toward-zero",
        "--schedule": "constant,exponential",
        "--decay": "0.9,0.99",
        "--master": "none,float32",
        "--jitter": "0,0.1",
        "--survivors": "all,5",
    }
    for option, text in named.items():
        with_it = ["--schedule", "exponential"] if option == "--decay" else []
        arguments = [*SMALL, "--sigma", "1e-3", option, text, *with_it, "--dry-run", "--json"]
        status, out, err = drift(capsys, *arguments)
        assert (status, err) == (0, "")
        assert json.loads(out)["axes"] == {option[2:].replace("-", "_"): 2}
    assert list(in_tmp.iterdir()) == []


BAD = {
    "no cloud": (SMALL, "no cloud is named; --sigma draws one"),
    "reversed": ([*SMALL, "--sigma", "1e-6:1e-9:3"], "'1e-6:1e-9:3' is reversed"),
    "empty": ([*GRID, "--radius", "1:2:0"], "'1:2:0' has n = 0; a range needs 2 values"),
    "not positive": ([*GRID, "--radius", "0:2:3"], "bounds of a log range must be positive"),
    "twice": ([*GRID, "--radius", "1,2,1.0"], "radius names 1.0 twice"),
    "mixed": ([*GRID, "--radius", "1:2:3,5"], "mixes a range with other values"),
    "too many": ([*GRID, "--radius", "1:2:1e6"], "the grid has 18,000,000 points; at most 10,000"),
    "far too many": ([*GRID, "--seeds", "1e12"], "the grid has 1,000,000,000,000 points"),
    "no seeds": ([*GRID, "--seeds", "0"], "seeds is 0; it must be a whole number, 1 or more"),
    "seeds and seed": ([*GRID, "--seed", "3"], "seed and seeds are both given"),
    "too many records": ([*GRID, "--records", "1e9"], "records is 1000000000; at most 100000"),
    "nameless": ([*GRID, "--out", "."], "drift: . is "),
    "records": ([*GRID, "--records", "5,10"], "'5,10' is not a"),
    "a cell": (
        [*GRID, "--schedule", "exponential", "--decay", "0.5,2"],
        "decay is 2; it must be between 0 and 1",
    ),
    "two axes": (
        [*GRID, "--master", "none,float32", "--rounding", "nearest,stochastic"],
        "rounding is stochastic with master float32",
    ),
    "near nothing": ([*GRID, "--near", "largest"], "near is given without --from"),
    "a lost checkpoint": ([*SMALL[:1], "--from", "a,b", "--steps", "1,2"], "a"),
    "a file": ([*GRID, "--out", "text"], "text is not the store of a sweep: it is a file"),
    "a folder": ([*GRID, "--out", "folder"], "no Zarr v3 group is there"),
    "below a file": ([*GRID, "--out", "text/a.zarr"], "can't be written"),
    "at": ([*GRID, "--at", "1,2"], "--at"),
    "snapshots": ([*GRID, "--snapshots", "none"], "--snapshots"),
    "a device": ([*GRID, "--device", "tpu"], "device tpu is not available"),
}


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["wet", "dry"])
@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(in_tmp, capsys, name, dry):
    (in_tmp / "text").write_text("")
    (in_tmp / "folder").mkdir()
    before = sorted(in_tmp.rglob("*"))
    arguments, message = BAD[name]
    if name == "below a file" and dry:
        return
    status, out, err = drift(capsys, *arguments, *dry)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(in_tmp.rglob("*")) == before


def test_failed_cells_are_listed_and_end_with_status_1(in_tmp, capsys, monkeypatch):
    original = batch.count_batch

    def counted(drifts, **rest):
        if any(drift.seed for drift in drifts):
            raise RuntimeError("[red]no\x07 luck")
        return original(drifts, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "count_batch", counted)
        status, out, err = drift(capsys, *GRID, "--seeds", "3", "--out", "a.zarr")
    assert (status, err) == (1, "")
    assert "9 of 27 grid points done, 18 failed" in out
    failed = [line for line in out.splitlines() if line.startswith("failed: ")]
    assert failed[0] == r"failed: sigma 1e-09, steps 1, seed 1: RuntimeError: [red]no\x07 luck"
    assert (len(failed), failed[-1]) == (13, "failed: 6 more")
    status, out, _ = drift(capsys, *GRID, "--seeds", "3", "--out", "a.zarr", "--json")
    assert (status, json.loads(out)["failed"]) == (1, 18)
    arguments = [*GRID, "--seeds", "3", "--out", "a.zarr", "--json", "--retry-failed"]
    status, out, _ = drift(capsys, *arguments)
    assert (status, json.loads(out)["done"], json.loads(out)["failed"]) == (0, 27, 0)


@pytest.mark.slow
def test_a_dry_run_says_what_it_would_take_and_how_it_knows(in_tmp, capsys):
    grid = [*SMALL, "--sigma", "1e-9:1e-7:9", "--steps", "1,50,1e9", "--out", "a.zarr"]
    status, out, err = drift(capsys, *grid, "--dry-run")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "27 grid points, 5 records each"
    assert lines[1].startswith("  sigma: 1e-09, ")
    assert lines[2] == "  steps: 1, 50, 1000000000"
    assert any(line.startswith("memory ") for line in lines)
    assert any("disk    at most 13 kB, before compression: a.zarr" in line for line in lines)
    assert "by a probe on this machine:" in lines[-3]
    assert "12 × 8, 1 steps: " in lines[-2]
    told = json.loads(drift(capsys, *grid, "--dry-run", "--json")[1])
    assert (told["cells"], told["done"], told["to_count"]) == (27, 0, 27)
    assert told["axes"] == {"sigma": 9, "steps": 3}
    assert told["disk"] == 27 * (5 * 12 * 8 + 1)
    assert told["memory"] > 2**28
    assert 0 < told["seconds"] < 60
    # Equal steps cost the same however many there are: points of 50 stand for those of 10**9.
    assert [probed["of_steps"] for probed in told["probes"]] == [1, 50]
    assert list(in_tmp.iterdir()) == []


@pytest.mark.slow
def test_a_dry_run_probes_points_of_one_group_that_go_two_ways(in_tmp, capsys):
    # A narrow cloud goes by value, a wide one by coordinate, and that one is shortened.
    two = ["--sigma", "1e-8,1e-2", "--format", "float8_e5m2", "--tokens", "30", "--dims", "64"]
    status, out, _ = drift(capsys, "sweep", *two, "--steps", "20000", "--dry-run")
    assert status == 0
    assert "Error" not in out


def test_a_dry_run_shortens_what_would_take_long_and_counts_what_is_left(in_tmp, capsys):
    long = [*SMALL, "--sigma", "1e-9,1e-8", "--dims", "300", "--schedule", "linear"]
    long += ["--steps", "1e8", "--jitter", "0.1"]
    told = json.loads(drift(capsys, *long, "--dry-run", "--json")[1])
    (probed,) = told["probes"]
    assert probed["of_steps"] == 10**8
    assert probed["steps"] < 10**7
    assert told["seconds"] > 20 * probed["seconds"]
    assert drift(capsys, *GRID, "--out", "a.zarr")[0] == 0
    store = SweepStore(in_tmp / "a.zarr", writing=True)
    done = store.done
    done[1:] = False
    store.array("done")[...] = done
    store.update(complete=False)
    told = json.loads(drift(capsys, *GRID, "--out", "a.zarr", "--dry-run", "--json")[1])
    assert (told["done"], told["to_count"]) == (6, 12)
    store.update(complete=True)
    assert drift(capsys, *GRID, "--out", "a.zarr", "--dry-run")[0] == 2


def test_two_on_one_store_are_refused(in_tmp, capsys):
    with lock.held(in_tmp / "a.zarr"):
        status, out, err = drift(capsys, *GRID, "--out", "a.zarr")
    assert (status, out) == (2, "")
    assert err == "drift: a.zarr is being written by another process; only one writer is allowed\n"


LONG = ["sweep", "--sigma", "1e-9:1e-6:400", "--seeds", "200", "--steps", "100", "--tokens", "100"]
LONG += ["--dims", "64", "--records", "20", "--device", "cpu", "--out", "a.zarr"]


@pytest.fixture
def running(in_tmp):
    """A long sweep of its own process, a while after its first cells were done."""
    # A shell starts its background jobs, and so this test's children, deaf to SIGINT.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from drift.experiments.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *LONG]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not written(in_tmp / "a.zarr") and time.monotonic() < deadline:
        time.sleep(0.05)
    yield child
    child.kill()
    child.communicate()


def written(path):
    """Whether cells were written, and what is told of them."""
    try:
        return "session" in SweepStore(path).attrs
    except BadInput:
        return False


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_sweep_says_how_to_go_on(in_tmp, running, capsys, sent, status):
    told = json.loads(drift(capsys, "status", "a.zarr", "--json")[1])
    assert (told["running"], told["complete"]) == (True, False)
    assert 0 < told["seconds_left"] < 10_000
    running.send_signal(sent)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (status, "")
    *before, last = err.splitlines()
    assert all(" grid points, " in line for line in before), "how far it is, no more"
    assert "the same command goes on with the grid points that are left" in last
    assert 0 < np.count_nonzero(SweepStore(in_tmp / "a.zarr").done) < 80_000
    assert not (in_tmp / ".a.zarr.drift-lock").exists()


@pytest.mark.slow
@pytest.mark.processes
def test_a_second_signal_stops_at_once(in_tmp, running):
    os.kill(running.pid, signal.SIGSTOP)  # so that both come before the batch is over
    running.send_signal(signal.SIGINT)
    time.sleep(0.1)
    running.send_signal(signal.SIGTERM)
    os.kill(running.pid, signal.SIGCONT)
    out, err = running.communicate(timeout=60)
    assert running.returncode in (130, 143)
    assert (out, err) == ("", "drift: stopped at once; run the same command to continue\n")
    assert (in_tmp / ".a.zarr.drift-lock").exists()
    assert not lock.is_held(in_tmp / "a.zarr")


def test_progress_is_a_line_now_and_then_where_nobody_looks(capsys, monkeypatch):
    session = SweepProgress(1000, 250, 3, 75.0, {}, {})
    session.started -= 100.0
    session.counted, session.work = 240, 25.0
    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0.0)
    with progress.SweepBar("drift", sys.stderr) as shown:
        shown.session(session)
    err = capsys.readouterr().err
    assert err == "250 of 1,000 grid points, 3 failed, 2.4 per second, 5 min 0 s left\n"


def test_durations_and_sizes_are_told_for_people():
    assert [format_duration(s) for s in (0.04, 59.94, 125, 12_000, 100_000_000)] == [
        *("0.0 s", "59.9 s", "2 min 5 s", "3 h 20 min", "1,157 d 9 h"),
    ]
    assert [format_bytes(s) for s in (10, 9_750, 3.2e9, 5e15)] == [
        "10 B",
        "9.75 kB",
        "3.2 GB",
        "5e+03 TB",
    ]
