"""Every test runs on the CPU, without a cache, with JAX's strictest promotion rules."""

import gc
import math
import os
import shutil
from pathlib import Path

import jax
import pytest
import typer.rich_utils  # noqa: F401  it reads FORCE_COLOR once, before a test sets it
from hypothesis import settings

from drift.experiments.console import progress
from tests.support import readme_tour as tour
from tests.support import s3_server

os.environ["DRIFT_CACHE"] = "off"  # for subprocesses too
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
jax.config.update("jax_compilation_cache_dir", None)
if os.environ.get("DRIFT_TEST_DEVICE", "cpu") == "cpu":  # what it is: tests/accelerator
    jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# How far it is would be told on a busy machine, and on no other.
progress._QUIET_SECONDS = math.inf

# Stores are many small files. In memory they take no time to come and go.
MEMORY, ROOM = "/dev/shm", 4 << 30
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)

# The same examples every time: a failure has to come again. First calls compile.
settings.register_profile("drift", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("drift")

HERE = Path(__file__).parent
LONGEST = (
    "test_readme.py",
    "sim/devices/test_devices.py",
    "experiments/cli/test_workers.py",
    "test_installed.py",
    "sim/test_device_check.py",
    "experiments/studies/test_studies.py",
    "experiments/report/test_report.py",
    "sim/batches/test_batch.py",
    "kernels/stepping/test_fused.py",
    "sim/runs/test_run.py",
    "experiments/console/test_terminal.py",
    "experiments/figures/test_phase.py",
    "experiments/figures/test_curves.py",
    "experiments/report/test_browser.py",
    "sim/engines/test_simulation.py",
    "sim/sweeps/test_killed.py",
    "sim/sweeps/test_sweep.py",
    "sim/stores/objects/test_location.py",
    "sim/devices/test_compilation.py",
    "experiments/notebooks/test_notebooks.py",
    "sim/devices/test_cache.py",
    "experiments/bench/test_parts.py",
    "experiments/cli/test_main.py",
    "experiments/cli/test_sweep.py",
    "experiments/cli/test_any_line.py",
    "experiments/cli/test_addresses.py",
)
"""Files that take longest. They begin first, so that no process is left with one at the end."""
MARKS = {"endpoint": ["s3", "slow"], "toured": ["processes", "slow"]}
"""What a test is that uses a fixture."""


@pytest.hookimpl(tryfirst=True)  # before -m looks at marks
def pytest_collection_modifyitems(items):
    """Mark tests by their fixtures; the longest files begin first, then those with slow tests."""
    for item in items:
        for name in MARKS.keys() & set(item.fixturenames):
            for mark in MARKS[name]:
                item.add_marker(mark)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    ranks = {HERE / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path, len(ranks)), item.path not in slow))


def pytest_collection_finish():
    """Leave what is there for good out of garbage collections, each of which looks at all."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def endpoint():
    """A real S3 server on the loopback: its endpoint."""
    with s3_server.server() as address:
        yield address


@pytest.fixture
def bucket(endpoint, monkeypatch):
    """A new, empty bucket, s3://NAME, to which the environment leads."""
    s3_server.use(monkeypatch, endpoint)
    return s3_server.new_bucket()


@pytest.fixture
def svg_only(monkeypatch):
    """PNGs stay empty: tests.support.svg_only."""
    from tests.support import svg_only

    svg_only.draw(monkeypatch)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def toured(tmp_path_factory):
    """All that README.md shows, done: its steps, and the directory where the tour ended."""
    return tour.walk(tmp_path_factory.mktemp("tour"), tour.README.read_text())
