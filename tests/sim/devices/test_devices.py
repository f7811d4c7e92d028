"""Several devices give what one gives."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from drift.experiments.cli import main
from drift.sim import device_check
from drift.sim.devices.shards import Shards
from drift.sim.engines import step
from drift.sim.errors import BadInput
from drift.sim.runs import memory, prepare
from drift.sim.spec.drift import Drift
from drift.sim.stores.locate import locate
from drift.sim.stores.run_store import RunStore
from tests.support import eight_devices
from tests.support.builders import assert_same_arrays

SMALL = ["run", "--sigma", "1e-9", "--tokens", "61", "--dims", "96", "--records", "4"]


@pytest.mark.processes
@pytest.mark.slow
def test_on_eight_virtual_devices():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", eight_devices.__file__],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "8"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 14


@pytest.mark.processes
@pytest.mark.slow
def test_a_cpu_is_as_many_devices_as_are_asked_for(in_tmp):
    code = "from drift.experiments.cli.main import main; main()"
    for devices in ("1", "8"):
        options = ["--device", "cpu", "--devices", devices, "--out", f"{devices}.zarr", "--json"]
        command = [sys.executable, "-c", code, *SMALL, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    assert_same_arrays(in_tmp / "1.zarr", in_tmp / "8.zarr")
    assert RunStore(in_tmp / "8.zarr").attrs["devices"] == 8


BAD = {
    "too few": (["--devices", "2"], "devices is 2; JAX finds 1 of cpu; ask for more before JAX"),
    "none": (["--devices", "0"], "devices is 0; it must be 1 or more"),
    "no memory": (["--memory", "1M"], r"need 0.375 GiB of memory; 0.000931 GiB are allowed"),
    "memory no size": (["--memory", "much"], "'much' is not a size; use 500M, 8GiB"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(in_tmp, capsys, name):
    jax.devices()  # which were counted before any were asked for
    options, message = BAD[name]
    assert main.outcome([*SMALL, *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert list(in_tmp.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "size"),
    [("1e9", 10**9), ("500M", 500 * 10**6), ("8GiB", 8 << 30), ("8gi", 8 << 30), ("2 KB", 2000)],
)
def test_memory_is_a_size(in_tmp, capsys, monkeypatch, text, size):
    asked = []
    monkeypatch.setattr(prepare, "check_fits", lambda *given: asked.append(given[3]))
    assert main.outcome([*SMALL, "--memory", text]) == 0
    assert asked == [size]


def accelerator(limit, used=0):
    told = {"bytes_limit": limit, "bytes_in_use": used} if limit else None
    return SimpleNamespace(platform="gpu", device_kind="X", memory_stats=lambda: told)


def test_a_cloud_has_to_fit_its_devices(tmp_path):
    whole = Drift(sigma=1e-9, tokens=151936, dims=2560)  # 0.725 GiB
    two, gib = [accelerator(2**30), accelerator(2**30, 2**29)], 2**30
    with pytest.raises(BadInput, match=r"need 0.988 GiB on each of 1 devices; 0.5 GiB are free on"):
        memory.check_fits(whole, locate(tmp_path), Shards(tuple(two[1:])))
    with pytest.raises(BadInput, match=r"0.626 GiB on each of 2 .*; more --devices share them"):
        memory.check_fits(whole, locate(tmp_path), Shards(tuple(two)))
    memory.check_fits(whole, locate(tmp_path), Shards(tuple(two[:1])))
    memory.check_fits(whole, locate(tmp_path), Shards((accelerator(None),)))
    # The cloud is not on the host: what is there does not grow with the dims.
    memory.check_fits(whole, locate(tmp_path), Shards(tuple(two[:1])), memory=gib // 2)
    with pytest.raises(BadInput, match=r"of memory; .* GiB are allowed"):
        memory.check_fits(whole, locate(tmp_path), Shards((jax.devices()[0],)), memory=gib // 2)


def test_a_check_finds_a_wrong_count(monkeypatch):
    monkeypatch.setattr(step, "coalesce", lambda tokens, *others: np.zeros_like(tokens))
    with pytest.raises(device_check.Mismatch, match="expected 24 distinct cells, found 1"):
        device_check.runs(jax.devices()[0])
