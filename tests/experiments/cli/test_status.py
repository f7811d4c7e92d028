"""`drift status` on the command line."""

import json

import pytest

from drift.sim.counting.cells import Counts
from drift.sim.stores.locate import locate
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.writer import GridWriter
from tests.support.builders import tiny
from tests.support.run_cli import drift

GRID = tiny(steps=(1, 10), tokens=(1000,), dims=(1000,))
"""Eight cells, half of them dear."""


def records(grid, cell):
    return [
        Counts(k, *(cell,) * 7, radius=0.0, stalled=0.0, asked=0.0, done=0.0, moved=0.0)
        for k in range(grid.records + 1)
    ]


@pytest.fixture
def writer(in_tmp):
    from drift.sim.sweeps import resume

    versions = {"versions": {"bf16-drift": "0.1.0"}, "engine": "step"}
    device = {"platform": "cpu", "kind": "cpu"}
    resume.create(locate(in_tmp / "a.zarr"), GRID, {**versions, "device": device, "inputs": {}})
    return GridWriter(SweepStore(in_tmp / "a.zarr", writing=True))


def test_it_tells_what_is_done_failed_and_left_and_the_time(writer, capsys):
    status, out, err = drift(capsys, "status", "a.zarr")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "2 sigma × 2 steps × 2 seed: 8 grid points",
        "0 done, 0 failed, 8 left",
        "not running; time left not known yet",
    ]
    dear = [cell for cell in range(8) if GRID.drift(cell).steps == 10]
    for cell in sorted(set(range(8)) - set(dear)):
        writer.put(cell, records(GRID, cell))
    writer.fail(dear[0], "out of memory")
    from drift.sim.sweeps.point_order import PointGroups, cost_of

    cheap, much = (cost_of(GRID.drift(cell), "cpu", "step") for cell in (0, dear[0]))
    assert PointGroups(GRID, "cpu", "step").costs.tolist() == [cheap, much]
    session = {"work": 4 * cheap, "seconds": {"total": 8.0, "compile": 1.0, "compute": 6.0}}
    writer.flush(session=session, seconds=session["seconds"])
    status, out, _ = drift(capsys, "status", "a.zarr", "--json")
    told = json.loads(out)
    counts = {name: told[name] for name in ("cells", "done", "failed", "left")}
    assert (status, counts) == (0, {"cells": 8, "done": 4, "failed": 1, "left": 3})
    # By what the cells cost: three dear ones, at the rate of four cheap ones in 8 seconds.
    assert told["seconds_left"] == pytest.approx(3 * much / (4 * cheap) * 8.0)
    assert told["seconds"] == session["seconds"]
    assert told["failures"] == [
        {
            "cell": dear[0],
            "values": {"sigma": 1e-9, "steps": 10, "seed": 0},
            "reason": "out of memory",
        }
    ]
    assert (told["running"], told["complete"]) == (False, False)
    lines = drift(capsys, "status", "a.zarr")[1].splitlines()
    assert lines[1] == "4 done, 1 failed, 3 left"
    assert lines[3] == "failed: sigma 1e-09, steps 10, seed 0: out of memory"


def test_it_tells_when_nothing_is_left(writer, capsys):
    for cell in range(1, 8):
        writer.put(cell, records(GRID, cell))
    writer.fail(0, "no luck")
    writer.flush()
    out = drift(capsys, "status", "a.zarr")[1]
    assert "all other grid points have failed; drift sweep --retry-failed tries them again" in out
    writer.put(0, records(GRID, 0))
    writer.flush(complete=True)
    assert drift(capsys, "status", "a.zarr")[1].splitlines()[1:] == [
        "8 done, 0 failed, 0 left",
        "complete",
    ]


def test_what_is_no_sweep_gets_one_line(in_tmp, capsys):
    (in_tmp / "text").write_text("")
    for name, message in (("gone", "there is nothing"), ("text", "it is a file")):
        status, out, err = drift(capsys, "status", name)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert message in err
