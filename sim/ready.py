"""A drift made ready to move: by an engine, on devices, within the memory there is.

It may go into a store (sim.runs), or stay in memory (sim.simulated).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from drift.sim import check, device, engines, exhausted, fit
from drift.sim.chunks import Chunks
from drift.sim.engine import StepEngine
from drift.sim.engines import Engine
from drift.sim.places import Address
from drift.sim.shards import Shards
from drift.sim.simulation import Simulation
from drift.sim.spec import Drift


@dataclass(frozen=True)
class Ready:
    """A drift at step 0, and who moves it."""

    simulation: Simulation
    engine: Engine
    pool: ThreadPoolExecutor
    about: dict[str, Any]
    """what a store's attributes say of how it is done"""


@contextmanager
def ready(
    drift: Drift,
    out: Address | None,
    *,
    on: str,
    engine: str,
    devices: int,
    memory: int | None,
    chunk_bytes: int,
    then: str = "",
) -> Iterator[Ready]:
    """Make `drift` ready to go to `out`, or to be kept in memory where that is None.

    The options are those of drift.run; device.prepare was called before. Raises BadInput
    for what can't be had, does not fit or leaves the format's range, RuntimeError for a
    device that does not round as it must, and, also for the block, Unfinished where memory
    runs out: `then` says how to go on.
    """
    shards = Shards(device.several(on, devices))
    name = engines.choose(drift, engine, shards.platform, devices)
    fit.check(drift, out, shards, memory, name)
    workers = device.workers(shards.devices[0])
    running_out = exhausted.told(drift, shards, memory, name, then)
    with running_out, ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes, devices)
        trusted = check.trust(shards, drift.motion) if name == "step" else {}
        simulation = Simulation(drift, chunks, shards, pool, name)
        if not shards.on_host and isinstance(simulation.engine, StepEngine):
            trusted["kernel"] = simulation.engine.path
        yield Ready(simulation, name, pool, {**made_by(name, shards), **trusted})


def made_by(engine: str, shards: Shards) -> dict[str, Any]:
    """What a store's attributes say of the programs and the machine that made it."""
    packages = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "zarr")
    return {
        "engine": engine,
        "device": {"platform": shards.platform, "kind": shards.devices[0].device_kind},
        "devices": len(shards),
        "versions": {name: version(name) for name in packages},
    }
