"""Many small runs in one process leave nothing behind: no object, descriptor, thread or memory.

A thousand take minutes, and tell what the system sees of them: `make soak`.
"""

import contextlib
import gc
import io
import itertools
import os
from pathlib import Path

import jax
import pytest

from drift.experiments.cli import main
from drift.sim.devices import compilation

SMALL = ["--tokens", "20", "--dims", "8", "--steps", "10", "--records", "4"]
PAGE = os.sysconf("SC_PAGE_SIZE")


def lines(number):
    """What one round does: the same shapes, and other numbers in each."""
    sigma = ["--sigma", f"{1e-9 * (1 + number % 3):g}"]  # tables of a few are kept
    yield ["run", *sigma, *SMALL, "--seed", str(number), "--out", "run.zarr", "--overwrite"]
    yield ["structure", "run.zarr"]
    yield ["sweep", *sigma, *SMALL, "--seeds", "3", "--out", "sweep.zarr", "--overwrite"]
    yield ["export", "sweep.zarr"]
    yield ["predict", *sigma, *SMALL[:6]]


def rounds(numbers, work=lines):
    for words in itertools.chain.from_iterable(map(work, numbers)):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            assert main.outcome(words) == 0, said.getvalue()


def left():
    """What is there: objects, open files, threads, arrays on devices, compiled programs."""
    gc.collect()
    return {
        "objects": len(gc.get_objects()),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "arrays": len(jax.live_arrays()),
        "programs": compilation.programs_held(),
    }


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@pytest.mark.slow
def test_runs_leave_nothing_behind(in_tmp):
    compilation.release_programs(most=0)
    rounds(range(3))  # whatever is kept is kept by then
    before, many = left(), 6
    rounds(range(3, 3 + many))
    grown = {name: count - before[name] for name, count in left().items()}
    assert grown.pop("objects") < many  # one of each round is a leak
    assert max(grown.values()) <= 0


@pytest.mark.soak
def test_a_thousand_runs_leave_memory_flat(in_tmp, capsys):
    seen = {}
    for count in range(200, 1001, 200):
        rounds(range(count - 200, count), lambda number: itertools.islice(lines(number), 1))
        seen[count] = left() | {"bytes": resident()}
        with capsys.disabled():
            print(f"\n{count:,} runs:", seen[count])
    first, last = seen[200], seen[1000]
    assert last["bytes"] - first["bytes"] < 800 * PAGE  # less than a page of each run
    assert last["objects"] - first["objects"] < 800
    for name in ("files", "threads", "arrays", "programs"):
        assert last[name] <= first[name]


@pytest.mark.soak
def test_runs_of_a_thousand_shapes_leave_it_too(in_tmp, capsys):
    """JAX keeps what it compiles: never more than a hundred programs and those of one run."""

    def shape(number):
        words = dict(zip(SMALL[::2], SMALL[1::2], strict=True))
        words |= {"--tokens": str(1 + number % 40), "--dims": str(1 + number // 40)}
        words |= {"--sigma": "1e-8", "--out": "run.zarr"}
        yield ["run", *itertools.chain.from_iterable(words.items()), "--overwrite"]

    sizes = []
    for start in range(0, 1000, 100):
        rounds(range(start, start + 100), shape)
        assert compilation.programs_held() <= 110
        sizes.append(resident())
        with capsys.disabled():
            print(f"\n{start + 100:,} shapes: {sizes[-1] / 2**20:.0f} MiB")
    # What a hundred programs take is the most that it may swing by.
    assert max(sizes[2:]) - min(sizes[2:]) < 100 * (4 << 20)
