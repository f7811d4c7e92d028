"""Memory that runs out: one line that says what fits, and nothing lost."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from jax.errors import JaxRuntimeError

from drift.sim.engines import choose
from drift.sim.engines.host import HostEngine
from drift.sim.engines.step import StepEngine
from drift.sim.errors import BadInput, Unfinished, ran_out
from drift.sim.runs import memory, run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support.builders import assert_same_arrays

SMALL = Drift(sigma=1e-9, tokens=60, dims=128, steps=40, records=10)
DEVICE = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."
GIB = 1 << 30


def test_what_says_that_memory_ran_out():
    assert all(map(ran_out, (MemoryError(), JaxRuntimeError(DEVICE))))
    others = JaxRuntimeError("INTERNAL: a defect"), RuntimeError(DEVICE), ValueError(DEVICE)
    assert not any(map(ran_out, others))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error"),
    [(StepEngine, JaxRuntimeError(DEVICE)), (HostEngine, MemoryError("Unable to allocate"))],
)
@pytest.mark.parametrize("when", ["load", "observe"])
def test_a_run_out_of_memory_says_what_fits_and_goes_on(tmp_path, monkeypatch, kind, error, when):
    path, original, left = tmp_path / "a.zarr", getattr(kind, when), [5]
    here = "step" if kind is HostEngine else None
    monkeypatch.setattr(choose, "host_engine", lambda *given: (here, ""))
    run.run(SMALL, tmp_path / "plain.zarr", on="cpu", engine="step")

    def failing(self, *given):
        left[0] -= 1
        if when == "load" or left[0] < 0:
            raise error
        return original(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(kind, when, failing)
        patch.setattr(memory, "free_memory", lambda: GIB)
        with pytest.raises(Unfinished) as caught:
            run.run(SMALL, path, on="cpu", engine="step")
    assert str(caught.value) == (
        "out of memory: 60 tokens of 128 dims were reckoned to need 0.375 GiB of memory;"
        " 1 GiB are free; about 30 tokens fit; what is recorded is kept, and the same command"
        " goes on"
    )
    assert path.exists() == (when == "observe")
    assert not (tmp_path / ".a.zarr.drift-lock").exists()
    if path.exists():
        assert 0 < len(RunStore(path).records()) < 11
    run.run(SMALL, path, on="cpu", engine="step")
    assert_same_arrays(path, tmp_path / "plain.zarr")


class Gpu:
    """Devices that tell their memory."""

    on_host, platform = False, "gpu"

    def __init__(self, count, free):
        told = {"bytes_limit": free + 7, "bytes_in_use": 7}
        one = type("Device", (), {"memory_stats": lambda self: told, "__str__": lambda self: "gpu"})
        self.devices = [one() for _ in range(count)]

    def __len__(self):
        return len(self.devices)


def test_what_does_not_fit_a_device_is_refused_with_what_would(monkeypatch):
    large = Drift(sigma=1.0, tokens=1_000_000, dims=4096, steps=1)
    cloud, row = 2 * large.tokens * large.dims, memory._PER_ROW
    free = cloud // 4 + memory._WORKING + row * large.tokens // 2
    monkeypatch.setattr(memory, "free_memory", lambda: 100 * GIB)
    with pytest.raises(BadInput) as caught:
        memory.check_memory(large, Gpu(2, free), None, "step")
    assert str(caught.value) == (
        "1000000 tokens of 4096 dims need 4.15 GiB on each of 2 devices; 2.2 GiB are free on gpu;"
        " about 500,000 tokens fit; more --devices share them"
    )
    memory.check_memory(large, Gpu(4, free + row * large.tokens // 2), None, "step")
    half = Drift(sigma=1.0, tokens=500_000, dims=4096, steps=1)
    memory.check_memory(half, Gpu(2, free), None, "step")
    with pytest.raises(BadInput, match=r"; no token fits"):
        memory.check_memory(large, Gpu(2, 9), None, "step")
    # One that was reckoned to fit, and did not.
    gpu = Gpu(1, 2 * cloud)
    with pytest.raises(Unfinished) as caught, memory.as_out_of_memory(large, gpu, None, "step"):
        raise JaxRuntimeError(DEVICE)
    assert str(caught.value).startswith("out of memory: 1000000 tokens of 4096 dims were reckoned")
    assert str(caught.value).endswith("about 500,000 tokens fit; more --devices share them")


def test_what_the_reckoning_says_fits_is_let_pass(monkeypatch):
    """The number that a refusal names is accepted, and not much more."""
    monkeypatch.setattr(memory, "free_memory", lambda: GIB)
    host = SimpleNamespace(on_host=True)
    with pytest.raises(BadInput) as caught:
        memory.check_memory(Drift(sigma=1.0, tokens=10**7), host, None, "step")
    most = int(re.search(r"about ([\d,]+) tokens", str(caught.value))[1].replace(",", ""))
    memory.check_memory(Drift(sigma=1.0, tokens=most), host, None, "step")
    with pytest.raises(BadInput):
        memory.check_memory(Drift(sigma=1.0, tokens=most + most // 1000), host, None, "step")


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="others do not limit memory so")
def test_a_process_that_really_has_no_more_ends_with_one_line(tmp_path):
    """Memory is limited by the kernel after a small run has loaded all, and runs out in a draw."""
    code = (
        "import contextlib, io, resource, sys\n"
        "from drift.experiments.cli import main as cli\n"
        "from drift.sim.runs import memory\n"
        "small = ['--tokens', '9', '--dims', '8', '--jitter', '1']  # which needs JAX\n"
        "small += ['--out', sys.argv[-1] + '.small', '--json']\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    assert cli.outcome(sys.argv[1:] + small) == 0\n"
        "memory.free_memory = lambda: 1 << 40\n"
        "held = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + (256 << 20),) * 2)\n"
        "sys.exit(cli.outcome(sys.argv[1:]))\n"
    )
    path = tmp_path / "a.zarr"
    asked = ["--sigma", "1", "--tokens", "200000", "--dims", "4096", "--steps", "1", "--device"]
    done = subprocess.run(
        [sys.executable, "-c", code, "run", *asked, "cpu", "--out", path],
        capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("drift: out of memory: 200000 tokens of 4096 dims were reckoned")
    assert done.stderr.count("\n") == 1
    assert not path.exists()
