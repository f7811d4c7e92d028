"""A drift made ready to move: by an engine, on devices, within the memory there is.

It may go into a store (sim.runs.run), or stay in memory (sim.runs.simulate).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift.sim.devices import device
from drift.sim.devices.host import Host, is_cpu
from drift.sim.engines import choose
from drift.sim.engines.choose import Engine
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.runs.memory import as_out_of_memory, check_fits
from drift.sim.source_digest import short_digest, version
from drift.sim.spec.drift import Drift
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.devices.shards import Shards


@dataclass(frozen=True)
class Prepared:
    """A drift at step 0, in `simulation`, and the `engine` and `pool` of threads that move it."""

    simulation: Simulation
    engine: Engine
    pool: ThreadPoolExecutor
    about: dict[str, Any]
    """what a store's attributes say of how it is done"""


@contextmanager
def prepare(
    drift: Drift,
    out: StoreLocation | None,
    *,
    on: str,
    engine: str,
    devices: int,
    memory: int | None,
    chunk_bytes: int,
    then: str = "",
) -> Iterator[Prepared]:
    """Make `drift` ready to go to `out`, or to be kept in memory where that is None.

    The options are those of drift.run; device.prepare was called before. Raises BadInput
    for what can't be had, does not fit or leaves the format's range, RuntimeError for a
    device that does not round as it must, and, also for the block, Unfinished where memory
    runs out: `then` says how to go on.
    """
    shards, name, why = _chosen(drift, on, engine, devices)
    check_fits(drift, out, shards, memory, name)
    workers = device.threads(shards)
    running_out = as_out_of_memory(drift, shards, memory, name, then)
    with running_out, ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes)
        about = {**provenance(name, shards), "engine_reason": why}
        if name == "step" and not isinstance(shards, Host):
            from drift.sim.device_check import check_quickly

            about |= check_quickly(shards, drift.arithmetic)
        simulation = Simulation(drift, chunks, shards, pool, name)
        if not shards.on_host and hasattr(simulation.engine, "path"):
            about["kernel"] = simulation.engine.path
        yield Prepared(simulation, name, pool, about)


def _chosen(
    drift: Drift, on: str, engine: str, devices: int
) -> "tuple[Shards | Host, Engine, str]":
    """Return where a drift is moved, by which engine, and why. JAX is loaded where it is needed.

    Raises BadInput for what is not there, and for an engine that does not apply.
    """
    why = f"of {devices} devices"
    if devices == 1 and is_cpu(on):
        choose.choose_engine(drift, engine, "cpu")
        here, why = choose.host_engine(drift, engine)
        if here:
            return Host(), here, why
    from drift.sim.devices.shards import Shards

    shards = Shards(device.find_devices(on, devices))
    name = choose.choose_engine(drift, engine, shards.platform, devices)
    if shards.on_host:
        return shards, name, why
    return shards, name, choose.reason_on(drift, engine, shards.platform, devices)


def provenance(engine: str, shards: "Shards | Host") -> dict[str, Any]:
    """Return what attributes of a store say of the programs and the machine that made it."""
    packages = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "zarr")
    return {
        "engine": engine,
        "device": {"platform": shards.platform, "kind": shards.kind},
        "devices": len(shards),
        "versions": {name: version(name) for name in packages},
        "sources": short_digest(),
    }
