"""Settings of JAX in the environment: set aside, or refused in a line that names the variable."""

import os
import subprocess
import sys

import jax
import pytest

from drift.sim.devices import device, settings
from drift.sim.errors import BadInput

ODD = {
    "jax_disable_jit": True,
    "jax_enable_x64": True,
    "jax_debug_nans": True,
    "jax_numpy_dtype_promotion": "strict",
    "jax_numpy_rank_promotion": "raise",
    "jax_transfer_guard": "disallow",
}


def current():
    names = (*ODD, "jax_transfer_guard_host_to_device", "jax_transfer_guard_device_to_host")
    return {name: getattr(jax.config, name) for name in names}


@pytest.fixture
def odd():
    """JAX is as an odd environment has it, and is put back later."""
    before = {name: getattr(jax.config, name) for name in settings._OURS}
    for name, value in ODD.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_what_stands_in_the_way_is_set_aside(odd, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setattr(device, "_wanted", [])  # what the command line asked for before
    with pytest.raises(BadInput, match=r"steps would take minutes; unset JAX_DISABLE_JIT$"):
        device.find_device("cpu")  # as an importer of the library has it
    settings.use_ours()
    assert {name: value for name, value in current().items() if name in settings._OURS} == {
        name: value for name, value in settings._OURS.items() if name in ODD
    }
    for name in ("jax_transfer_guard_host_to_device", "jax_transfer_guard_device_to_host"):
        assert current()[name] == "allow"
    device.find_device("cpu")


@pytest.mark.parametrize("name", ["JAX_PLATFORMS", "JAX_PLATFORM_NAME"])
def test_a_device_that_is_not_there_names_the_variable_that_asks_for_it(monkeypatch, name):
    def none(backend=None):
        raise RuntimeError("Unable to initialize backend")

    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr(jax, "local_devices", none)
    monkeypatch.setattr(jax, "devices", none)
    monkeypatch.setenv(name, "cuda")
    with pytest.raises(BadInput) as caught:
        device.find_device()
    assert str(caught.value) == (
        f"device auto is not available; JAX finds none; {name} is cuda; unset {name}"
    )


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("JAX_TRANSFER_GUARD", "odd", "JAX_TRANSFER_GUARD is odd, which JAX does not accept; "),
        ("JAX_ENABLE_X64", "odd", "JAX_ENABLE_X64 is odd, which JAX does not accept; "),
        ("XLA_FLAGS", "--odd", "XLA can't start (Unknown flag in XLA_FLAGS: --odd); "),
    ],
)
def test_what_jax_refuses_is_one_line(name, text, said, tmp_path):
    code = "from drift.experiments.cli.main import main; main()"
    command = [sys.executable, "-c", code, "run", "--sigma", "1e-9", "--tokens", "9"]
    command += ["--dims", "8", "--jitter", "0.1", "--out", str(tmp_path / "a")]  # which needs JAX
    environment = {**os.environ, name: text}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"drift: {said}unset {name}\n"
