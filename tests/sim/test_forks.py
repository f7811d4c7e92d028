"""Work shared among forks: all of it is done once, whatever becomes of a fork."""

import subprocess
import sys
import textwrap

import pytest

from drift.sim import forks
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import stored_bytes

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux alone"),
]

BEGIN = """
import os, signal
from drift.sim import forks
here = os.getpid()
def left():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return sorted(os.listdir("/proc/self/fd"))
before = left()
"""
"""A process without JAX, which must not be forked."""


def run(code, cwd=None):
    """Run lines after BEGIN in a process of their own, and check that they leave nothing behind."""
    lines = BEGIN + textwrap.dedent(code) + "\nassert left() == before\n"
    done = subprocess.run([sys.executable, "-c", lines], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_task_is_done_once_and_some_of_them_by_forks():
    run("""
        for processes in (1, 2, 3, 7):
            for count in (0, 1, 2, 5, 40):
                work = lambda task: (task * task, os.getpid())
                found = dict(forks.shared(work, list(range(count)), processes))
                assert {task: each for task, (each, _) in found.items()} == {
                    task: task * task for task in range(count)
                }
                doing = {pid for _, pid in found.values()}
                assert len(doing) == min(processes, count) and (here in doing or not count)
    """)


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "1 / 0", "return lambda: 0"]
)
def test_the_share_of_a_fork_that_does_not_answer_is_done_here(end):
    run(f"""
        def work(task):
            if os.getpid() != here and task == 4:
                {end}
            return task
        assert sorted(forks.shared(work, list(range(6)), 3)) == [(k, k) for k in range(6)]
    """)


def test_what_fails_fails_here_and_leaves_no_fork():
    run("""
        import time
        def work(task):
            if task == 3:
                raise ValueError("three")
            if os.getpid() != here:
                time.sleep(600)
            return task
        try:
            list(forks.shared(work, list(range(6)), 3))
        except ValueError as error:
            assert str(error) == "three"
        else:
            raise AssertionError
    """)


def test_a_fork_holds_no_file_and_is_deaf_to_ctrl_c():
    run("""
        lock = open("/dev/null")
        high = os.dup2(lock.fileno(), 50)
        def work(task):
            os.kill(os.getpid(), signal.SIGINT) if os.getpid() != here else None
            return len(os.listdir("/proc/self/fd")), os.getpid() == here
        signal.set_wakeup_fd(os.open("/dev/null", os.O_WRONLY | os.O_NONBLOCK))
        found = list(forks.shared(work, [0, 1], 2))
        assert found[1][1] == (5, False), found  # three streams, its answer, and this folder
        os.close(signal.set_wakeup_fd(-1))
        lock.close()
        os.close(high)
    """)


def test_only_the_command_forks_and_not_beside_jax(monkeypatch):
    assert forks.processes() == 1
    monkeypatch.setattr(forks, "_allowed", [True])
    assert forks.processes() == 1, "this process has JAX"
    run("""
        from drift.sim.devices import device
        assert forks.processes() == 1
        forks.allow()
        for cores, processes in ((1, 1), (3, 3), (500, 16)):
            device.cores = lambda: cores
            assert forks.processes() == processes
    """)


@pytest.mark.slow
def test_a_sweep_that_forks_writes_the_bytes_of_one_that_does_not(tmp_path):
    fields = {"tokens": 40, "dims": 64, "records": 20, "steps": 50}
    words = [f"--{name}={value}" for name, value in fields.items()]
    sigmas = (1e-9, 1e-8, 1e-7)
    run(
        f"""
        from drift.experiments.cli import main
        from drift.sim.batches import by_value
        from drift.sim.devices import device
        forks.allow()
        device.cores, by_value._SUMS, forked = (lambda: 3), 1 << 12, []
        begin = forks._Fork.__init__
        forks._Fork.__init__ = lambda *given: (begin(*given), forked.append(1))[0]
        words = {words!r} + ["--sigma={",".join(map(str, sigmas))}", "--seeds=6"]
        assert main.outcome(["sweep", *words, "--out=a.zarr", "--json"]) == 0
        assert len(forked) == 2, forked
        before = left()  # the stores' own
        """,
        tmp_path,
    )
    axes = {"sigma": sigmas, "seed": tuple(range(6))}
    grid = Grid.given({**{name: (value,) for name, value in fields.items()}, **axes})
    sweep(grid, tmp_path / "b.zarr", on="cpu")
    assert stored_bytes(tmp_path / "a.zarr") == stored_bytes(tmp_path / "b.zarr")
