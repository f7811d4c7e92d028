"""What only an accelerator can show: every bit on the real one. `make gpu` runs these there.

Without one they are skipped; the same code is tested on CPU devices by tests.sim.settling and
tests.support.eight_devices. DRIFT_TEST_DEVICE names the platform: cpu tries the tests themselves.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

from drift.sim import device_check
from drift.sim.devices.shards import Shards
from drift.sim.engines import reference
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.runs.run import run
from drift.sim.settling import sizes
from drift.sim.spec.drift import Drift
from tests.support.builders import assert_same_arrays
from tests.support.drifts import KINDS

pytestmark = [pytest.mark.gpu, pytest.mark.slow]
SETTLING = Drift(sigma=1e-9, tokens=300, dims=512, steps=60, records=20, snapshots="records")


@pytest.fixture
def there(monkeypatch):
    """The accelerator."""
    platform = os.environ.get("DRIFT_TEST_DEVICE", "")
    if not platform:
        pytest.skip("no accelerator is there: make gpu runs this where there is one")
    if platform == "cpu":
        monkeypatch.setattr(Shards, "on_host", False)
    found = jax.local_devices(backend=platform)[0]
    assert found.platform == platform
    return found


@pytest.mark.parametrize("name", ["plain", *KINDS])
def test_every_state_is_that_of_the_reference(there, name):
    drift = Drift(**{**SETTLING.as_json(), **KINDS.get(name, {})})
    with ThreadPoolExecutor(1) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, 1)
        simulation = Simulation(drift, chunks, there, pool)
        states = simulation.states(drift.record_steps)
        for state, expected in zip(states, reference.walk(drift, simulation.motion), strict=True):
            np.testing.assert_array_equal(state.rows.span(0, drift.tokens), expected)


@pytest.mark.parametrize("small", [True, False])
def test_a_run_stores_what_a_cpu_stores(there, tmp_path, monkeypatch, small):
    if small:
        monkeypatch.setattr(sizes, "SMALL", 0)  # then the least cloud is cut down
    cpu = run(SETTLING, tmp_path / "cpu.zarr", on="cpu").as_json()
    own = run(SETTLING, tmp_path / "own.zarr", on=there.platform, engine="step").as_json()
    assert own["records"] == cpu["records"]
    assert own["final"] == cpu["final"]
    assert_same_arrays(tmp_path / "cpu.zarr", tmp_path / "own.zarr")


def test_the_loop_transfers_nothing_that_it_is_not_told_to(there):
    with ThreadPoolExecutor(1) as pool:
        chunks = Chunks.plan(SETTLING.tokens, SETTLING.dims, 1)
        simulation = Simulation(SETTLING, chunks, there, pool)
        first = [state.counts for state in simulation.states(SETTLING.record_steps)]
        again = Simulation(SETTLING, chunks, there, pool)
        with jax.transfer_guard("disallow"):
            second = [state.counts for state in again.states(SETTLING.record_steps)]
    assert first == second


def test_the_fused_kernel_is_right_there(there):
    if there.platform == "cpu":
        pytest.skip("a CPU has none")
    from drift.sim.engines.fused_trial import fast_path

    for arithmetic in device_check.ARITHMETICS:
        path, why = fast_path(there, arithmetic)
        assert path not in ("cache", "memory"), why
