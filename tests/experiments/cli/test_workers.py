"""Sweeps by the workers of a real Dask scheduler, and by workers of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from drift.sim.errors import Unfinished
from drift.sim.source_digest import programs
from drift.sim.sweeps import dask, dask_cluster
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support import deadly_points
from tests.support.builders import kinds, stored_bytes, tiny
from tests.support.dask_processes import Forker
from tests.support.run_cli import drift
from tests.support.source_files import ROOT

pytestmark = [pytest.mark.dask, pytest.mark.processes, pytest.mark.slow]

SMALL = ["sweep", "--tokens", "12", "--dims", "8", "--records", "4", "--device", "cpu"]
FAILING = [*SMALL, "--sigma", "1e-9,1e-7", "--radius", "0.1,1e39", "--steps", "5,40"]


QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
"""Dask looks a hundred times in a second at what each of its processes does."""


class Cluster:
    """A scheduler and its workers, in processes of their own."""

    def __init__(self, forker, directory, *options, workers=2, **variables):
        self.forker, self.variables = forker, {**QUIET, **variables}
        self.file = directory / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0"
        )
        while not self.file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)  # it is not written at once
        self.workers = [self.work(*options) for _ in range(workers)]
        self.address = json.loads(self.file.read_text())["address"]
        with dask_cluster.running_scheduler(self.address) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def work(self, *options):
        return self.start("worker", *self.options(options))

    def work_elsewhere(self, **variables):
        """Start a worker that has loaded nothing yet, and finds what it loads by `variables`."""
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *self.given()]
        command += self.options()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        variables = {**os.environ, **self.variables, **variables}
        return subprocess.Popen(command, cwd=ROOT, env=variables, **quiet)

    def options(self, given=()):
        return [*given, "--no-nanny", "--nthreads", "1"]

    def given(self):
        return ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self.file)]

    def start(self, role, *options):
        variables = {**os.environ, **self.variables}
        return self.forker.start(role, [*self.given(), *options], variables, ROOT)

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def forker():
    found = Forker()
    yield found
    found.close()


@pytest.fixture(scope="module")
def running(forker, tmp_path_factory):
    found = Cluster(forker, tmp_path_factory.mktemp("cluster"))
    yield found
    found.stop()


def test_a_worker_that_is_killed_in_the_middle_is_survived(running, tmp_path):
    doomed, told = running.workers[0], []

    def progress(session):
        told.append((session.counted, session.workers))
        if len(told) == 1:
            doomed.send_signal(signal.SIGSTOP)  # whatever it has, it keeps
        if len(told) == 5:
            doomed.kill()

    grid = kinds(24)
    result = sweep(
        grid,
        tmp_path / "a.zarr",
        on="cpu",
        by=dask_cluster.workers_at(running.address),
        progress=progress,
    ).as_json()
    assert (result["done"], result["failed"]) == (len(grid), 0)
    assert told[0][1] == 2
    assert told[4][0] < len(grid), "it was in the middle"
    assert doomed.wait() == -signal.SIGKILL
    sweep(grid, tmp_path / "b.zarr", on="cpu")
    assert stored_bytes(tmp_path / "a.zarr") == stored_bytes(tmp_path / "b.zarr")
    assert SweepStore(tmp_path / "a.zarr").complete


@pytest.fixture
def own(forker, tmp_path):
    """What starts a cluster that the test may do as it likes with."""
    started = []

    def start(*options, **given):
        started.append(Cluster(forker, tmp_path, *options, **given))
        return started[-1]

    yield start
    for found in started:
        found.stop()


def by_workers(found, path, grid, progress=lambda session: None):
    return sweep(grid, path, on="cpu", by=dask_cluster.workers_at(found.address), progress=progress)


def test_a_worker_that_is_stopped_holds_nothing_up_and_one_that_comes_late_helps(
    own, in_tmp, monkeypatch
):
    found, told = own(), []

    def progress(session):
        told.append(session)
        if len(told) == 1:
            found.workers[0].send_signal(signal.SIGSTOP)
            found.workers.append(found.work())

    grid = kinds(10)
    result = by_workers(found, in_tmp / "a.zarr", grid, progress).as_json()
    assert (result["done"], result["failed"]) == (len(grid), 0)
    assert found.workers[0].poll() is None
    monkeypatch.setattr(dask, "_GATHER_SECONDS", 2.0)  # for the one that is stopped
    with pytest.raises(Unfinished, match="the scheduler is gone; the same command goes on with"):
        by_workers(found, in_tmp / "b.zarr", grid, lambda session: found.scheduler.kill())
    assert 0 < SweepStore(in_tmp / "b.zarr").done.sum() < len(grid)
    sweep(grid, in_tmp / "b.zarr", on="cpu")
    assert stored_bytes(in_tmp / "a.zarr") == stored_bytes(in_tmp / "b.zarr")


def test_a_worker_with_the_same_version_and_other_code_is_left_out(own, in_tmp, capsys):
    for part in ("drift", "kernels", "sim", "experiments"):
        shutil.copytree(ROOT / part, in_tmp / "other" / part)
    with (in_tmp / "other" / "kernels" / "formats.py").open("a") as file:
        file.write("# another line\n")
    found, said = own(workers=1), []
    other = {"PYTHONPATH": str(in_tmp / "other"), "PYTHONSAFEPATH": "1"}

    def progress(session):
        if len(found.workers) == 1:
            found.workers.append(found.work_elsewhere(**other))
        said.extend(capsys.readouterr().err.splitlines())
        time.sleep(0.0 if said else 2.0)  # it has time to come

    grid = kinds(24)
    result = by_workers(found, in_tmp / "a.zarr", grid, progress).as_json()
    assert (result["done"], result["failed"]) == (len(grid), 0)
    (line,) = said
    assert line.startswith("drift: left out: worker tcp://127.0.0.1:")
    assert ": bf16-drift is 0.1.0 with sources " in line
    assert line.endswith(f", and {programs()['bf16-drift']} here")


@contextmanager
def replaced(found, *options):
    """Meanwhile another worker comes for each that dies, as Dask's nannies see to it."""
    over = threading.Event()

    def watch():
        while not over.wait(0.1):
            for k, worker in enumerate(found.workers):
                if worker.poll() is not None:
                    found.workers[k] = found.work(*options)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            over.set()
            watching.result()


def test_only_a_point_that_kills_its_workers_fails(own, in_tmp):
    deadly = {deadly_points.POINTS: "5", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    preload = ("--preload", "tests.support.deadly_points")
    found, grid = own(*preload, **deadly), tiny()
    with replaced(found, *preload):
        result = by_workers(found, in_tmp / "a.zarr", grid).as_json()
    assert (result["done"], result["failed"]) == (len(grid) - 1, 1)
    said = "1 workers died counting it; it may need more memory"
    assert SweepStore(in_tmp / "a.zarr").failed == {5: said}


def test_batches_are_submitted_as_they_are_needed(running):
    taken = []

    def batches():
        for point in range(12):
            taken.append(point)
            yield np.array([point])

    with dask_cluster.workers_at(running.address)(tiny(), "cpu", "auto", 1, None) as executor:
        counted = executor.counted(batches())
        next(counted)
        assert len(taken) <= 2 * executor.workers + 1
        assert len(list(counted)) == 11


def test_local_workers_import_nothing_from_the_working_directory_and_come_back(in_tmp):
    (in_tmp / "signal.py").write_text("raise SystemExit('imported')")
    told = []

    def progress(session):
        told.append(session)
        if len(told) == 2:
            children = psutil.Process().children(recursive=True)
            worker = next(each for each in children if "spawn_main" in " ".join(each.cmdline()))
            worker.kill()

    grid = kinds(12)
    options = {"on": "cpu", "by": dask_cluster.new_workers(1), "progress": progress}
    result = sweep(grid, in_tmp / "a.zarr", **options).as_json()
    assert (result["done"], result["failed"]) == (len(grid), 0)
    assert len(told) == 12


def test_failed_cells_are_recorded_and_the_command_ends_with_1(running, in_tmp, capsys):
    arguments = [*FAILING, "--out", "a.zarr", "--scheduler", running.address, "--json"]
    status, out, _ = drift(capsys, *arguments)
    assert status == 1
    result = json.loads(out)
    assert result.keys() == {"store", "cells", "done", "failed", "seconds"}
    assert (result["cells"], result["done"], result["failed"]) == (8, 4, 4)
    assert drift(capsys, *FAILING, "--out", "b.zarr")[0] == 1
    a, b = SweepStore(in_tmp / "a.zarr"), SweepStore(in_tmp / "b.zarr")
    assert a.failed == b.failed
    assert stored_bytes(in_tmp / "a.zarr") == stored_bytes(in_tmp / "b.zarr")
    # The same line again has nothing to do, and still says that they failed.
    status, out, _ = drift(capsys, *arguments)
    assert (status, json.loads(out)["failed"]) == (1, 4)
    with dask_cluster.running_scheduler(running.address) as client:
        kept = client.run(
            eval, "len(__import__('sys').modules['drift.sim.sweeps.dask_worker']._sweeps)"
        )
    assert set(kept.values()) == {0}, "the workers forget what is over"


def test_other_versions_are_named(running, in_tmp, capsys, monkeypatch):
    found = programs()
    there_is = found["numpy"]
    monkeypatch.setattr(dask_cluster, "programs", lambda: {**found, "numpy": "1.0"})
    status, out, err = drift(capsys, *FAILING, "--out", "a.zarr", "--scheduler", running.address)
    assert (status, out) == (2, "")
    assert err.startswith("drift: worker tcp://127.0.0.1:")
    assert err.endswith(f": numpy is {there_is} on the worker, and 1.0 here\n")
    assert not (in_tmp / "a.zarr").exists()


def test_what_a_worker_can_not_do_is_said_in_a_line(running, in_tmp, capsys):
    status, _, err = drift(capsys, *FAILING, "--memory", "1M", "--scheduler", running.address)
    assert status == 2
    assert err.startswith("drift: worker tcp://127.0.0.1:")
    assert "12 tokens of 8 dims need" in err
    assert len(err.splitlines()) == 1


def test_a_worker_is_no_scheduler(running, in_tmp, capsys):
    with dask_cluster.running_scheduler(running.address) as client:
        address = next(iter(client.nthreads()))
    status, _, err = drift(capsys, *FAILING, "--scheduler", address)
    assert status == 2
    assert f"no Dask scheduler answers at '{address}' (Worker" in err


@pytest.fixture
def silent():
    """An address where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_where_nobody_answers_that_is_said_in_a_line(silent, in_tmp, capsys, monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 0.5)
    for address, why in {
        silent: "nothing within 0.5 s",
        "tcp://127.0.0.1:1": "nothing within 0.5 s",
        "no scheduler": "ValueError: missing port number",
        "http://127.0.0.1:80": "ValueError: unknown address scheme",
    }.items():
        status, out, err = drift(capsys, *FAILING, "--scheduler", address)
        assert (status, out) == (2, "")
        assert err.startswith(f"drift: no Dask scheduler answers at '{address}' ({why}")
        assert len(err.splitlines()) == 1


BAD = {
    "none": (["--workers", "0"], "workers is 0; it must be 1 or more"),
    "more than fit": (
        ["--workers", "1e6"],
        "workers is 1000000; it must be 1 or more, and there",
    ),
    "both": (["--workers", "2", "--scheduler", "tcp://h:1"], "workers and scheduler are both"),
    "a password": (["--scheduler", "tcp://me:SECRET@h:1"], "scheduler is an address with an @"),
    "no number": (["--workers", "two"], "'two' is not a number"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_said_before_anything_starts(name, in_tmp, capsys):
    options, said = BAD[name]
    status, out, err = drift(capsys, *FAILING, *options)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_without_dask_the_extra_is_named(in_tmp, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, err = drift(capsys, *FAILING, "--workers", "1")
    assert status == 2
    assert "pip install 'bf16-drift[dask]' brings it" in err
    assert len(err.splitlines()) == 1


LONG = [*SMALL, "--rounding", "stochastic", "--steps", "200:400:12:lin", "--sigma", "1e-9,1e-7"]


def nobody_in(group):
    """Whether a group of processes is gone, or goes soon."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("send", "sent", "ended"),
    [(os.killpg, signal.SIGINT, "interrupted"), (os.kill, signal.SIGTERM, "terminated")],
)
def test_ctrl_c_is_for_the_sweep_and_its_own_workers_finish_and_go(
    in_tmp, capsys, send, sent, ended
):
    path = in_tmp / "a.zarr"
    arguments = [*LONG, "--tokens", "64", "--dims", "64"]
    # A shell starts its background jobs, and so this test's children, deaf to SIGINT.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from drift.experiments.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(
        [*command, "--out", path, "--workers", "1"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as on a terminal: Ctrl-C is for the whole group
    )
    with process:
        while not (path.exists() and SweepStore(path).done.any()):
            assert process.poll() is None
            time.sleep(0.05)
        send(process.pid, sent)
        err = process.stderr.read()
    said = f"drift: {ended}; the same command goes on with the grid points that are left\n"
    assert process.wait() == 128 + sent
    assert err.endswith(said)
    assert all(" grid points, " in other for other in err.splitlines()[:-1]), (
        "how far it is, no more"
    )
    assert nobody_in(process.pid)
    store = SweepStore(path)
    assert 0 < store.done.sum() < store.done.size, "what the workers had in hand is there"
    assert store.attrs["session"]["workers"] == 1
    if sent == signal.SIGTERM:
        return
    for name in ("a.zarr", "b.zarr"):
        assert drift(capsys, *arguments, "--out", name)[0] == 0
    assert stored_bytes(path) == stored_bytes(in_tmp / "b.zarr")
