"""Any command line either does its work, or exits 2 with one line.

Where a run or a sweep ends with 0 its store opens, where --json is given stdout is one
document. No secret and no control code is repeated, and no pickle is ever opened.
"""

import contextlib
import io
import json
import os
import shutil

import pytest
import xarray
from hypothesis import HealthCheck, given, settings

from drift.experiments.cli import main
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import SweepStore
from drift.sim.tracks.track_store import TrackStore
from tests.support import command_lines, sample_files

NEW = ("new", "new.png", "new.svg", "new.zarr")


@pytest.fixture(scope="module", autouse=True)
def furnished(tmp_path_factory):
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("lines"))
    sample_files.furnish()
    yield
    os.chdir(before)


def outcome(words):
    """Status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main.outcome(words)
    return status, out.getvalue(), err.getvalue()


def honest(words):
    """Run the line, and hold what every line has to keep."""
    for name in NEW:
        if os.path.isdir(name):
            shutil.rmtree(name)
        elif os.path.exists(name):
            os.unlink(name)
    status, out, err = outcome(words)
    assert "SECRET" not in out + err
    assert "\x1b" not in out + err
    assert not os.path.exists(sample_files.EXPLODED)
    if status == 2:
        assert out == ""
        assert err.startswith("drift: ")
        assert err.count("\n") == 1
        return
    if status == 1:  # work that failed: cells of a sweep, each of which says why
        assert words[0] == "sweep"
        assert "Error" not in out
    else:
        assert status == 0
        assert all(line.startswith(("drift: ", "bench: ")) for line in err.splitlines())
    if "--json" in words and "--help" not in words:
        json.loads(out)
    if os.path.exists("new.zarr"):
        opens("new.zarr", words[0])


def opens(path, verb):
    """The store at `path`, which is whole, as we and others open it."""
    store = {"run": RunStore, "sweep": SweepStore, "track": TrackStore}[verb](path)
    assert store.complete or store.failed
    with xarray.open_zarr(path, consolidated=False) as data:
        assert data.attrs["kind"] == store.attrs["kind"]


several = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.slow
@settings(several, max_examples=25)
@given(command_lines.lines())
def test_any_line_ends_well(words):
    honest(words)


@pytest.mark.slow
@settings(several, max_examples=80)
@given(command_lines.lines(command_lines.QUICK))
def test_so_does_any_that_only_looks(words):
    honest(words)


@pytest.mark.slow
@settings(several, max_examples=60)
@given(command_lines.words)
def test_so_do_words_that_are_hardly_a_line(words):
    honest(words)
