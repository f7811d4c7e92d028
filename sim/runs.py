"""A drift streamed into a store: begun, resumed, finished.

Each record is on disk before the next one begins. A run that was interrupted or
killed goes on from its last checkpoint (or from its cloud, drawn again) and ends
with the arrays that an undisturbed run writes.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sim import check, claim, compilation, device, engines, fit, interrupts
from sim.chunks import Chunks
from sim.simulation import Simulation
from sim.spec import Drift
from sim.store import RunStore
from sim.streaming import Progress, stream


def run(
    drift: Drift,
    out: Path,
    *,
    on: str = "auto",
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress = lambda counts, done, total: None,
    checkpoint_seconds: float = 30.0,
    chunk_bytes: int = 16 << 20,
) -> dict[str, Any]:
    """Run `drift` into the store `out` and return what `drift run --json` prints.

    `on` is auto, cpu, gpu or tpu; `engine` auto, step or leap, which give the same
    bits. Raises BadInput, with nothing written, for a drift that leaves the
    format's range or does not fit, a device that is not there, an engine that does
    not apply, and an `out` that is complete (unless `overwrite`), that belongs to
    another spec, or that is no drift store.
    """
    began, compiled = time.monotonic(), compilation.seconds()
    resuming = claim.resumable(drift, out, overwrite)
    fit.check(drift, out)
    chosen = device.find(on)
    name = engines.choose(drift, engine, chosen.platform)
    workers = device.workers(chosen)
    with ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes)
        trusted = check.trust(chosen, drift.motion) if name == "step" else {}
        simulation = Simulation(drift, chunks, chosen, pool, name)
        if not resuming:
            with interrupts.waiting():
                attributes = {**_origin(simulation.engine.name, chosen), **trusted}
                claim.begin(out, simulation, attributes)
        store = RunStore(out, writing=True)
        if resuming:
            claim.check_direction(store, simulation)
            store.update(engine=name)
        final, populations = stream(simulation, store, pool, progress, checkpoint_seconds)
        seconds = {
            "total": time.monotonic() - began,
            "compile": compilation.seconds() - compiled,
        }
        with interrupts.waiting():
            store.finish(populations, final=final.as_json(), seconds=seconds)
    return summary(store)


def summary(store: RunStore) -> dict[str, Any]:
    """What `drift run --json` prints of a complete store."""
    attrs = store.attrs
    final = {**attrs["final"], "populations": store.read("populations").tolist()}
    return {
        "spec": attrs["spec"],
        "engine": attrs["engine"],
        "device": attrs["device"],
        "initial": attrs["initial"],
        "final": final,
        "records": [counts.as_json() for counts in store.records()],
        "store": str(store.path),
        "seconds": attrs["seconds"],
    }


def _origin(engine: str, chosen: Any) -> dict[str, Any]:
    packages = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "zarr")
    return {
        "engine": engine,
        "device": {"platform": chosen.platform, "kind": chosen.device_kind},
        "versions": {name: version(name) for name in packages},
    }
