"""A drift streamed into a store: begun, resumed, finished.

Each record is on disk before the next one begins. A run that was interrupted or
killed goes on from its last checkpoint (or from its cloud, made again) and ends
with the arrays that an undisturbed run writes.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from drift.sim import claim, compilation, device, interrupts
from drift.sim.errors import unwritten
from drift.sim.locate import locate
from drift.sim.places import Address, Given
from drift.sim.ready import ready
from drift.sim.spec import Drift
from drift.sim.store import RunStore
from drift.sim.streaming import Progress, stream

_GOES_ON = "; what is recorded is kept, and the same command goes on"


def run(
    drift: Drift,
    out: Given,
    *,
    on: str = "auto",
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress = lambda counts, done, total: None,
    checkpoint_seconds: float = 30.0,
    chunk_bytes: int = 16 << 20,
    devices: int = 1,
    memory: int | None = None,
    like: RunStore | None = None,
) -> dict[str, Any]:
    """Run `drift` into the store `out` and return what `drift run --json` prints.

    `out` is a path, or text: a path, or s3://BUCKET/NAME.
    `on` is auto, cpu, gpu or tpu; the tokens are shared by `devices` of these. On
    the CPU they are virtual, and more than JAX has are made if it was not used
    before. `engine` is auto, step or leap, which give the same bits. `memory` is the
    host memory that may be used, in bytes; by default what is free. `like` is a store
    whose rows and direction must be met. Raises BadInput, with nothing written, for a
    drift that leaves the format's range or does not fit, a device that is not there, an
    engine that does not apply, and an `out` that is complete (unless `overwrite`), that
    belongs to another spec, that is no drift store, or that another process writes;
    Unfinished where the disk is full, or memory runs out. The same call goes on then.

        >>> import drift
        >>> result = drift.run(drift.Drift(sigma=1e-6, tokens=100, dims=32), "first.zarr")
        >>> result["final"]["distinct"], result["final"]["populations"][:3]
        (27, [21, 13, 10])
        >>> drift.RunStore("first.zarr").complete
        True
    """
    compilation.let_go()
    began, compiled = time.monotonic(), compilation.seconds()
    out = locate(out)
    device.prepare(devices)
    claim.look(drift, out, overwrite)
    with ExitStack() as held:
        made = held.enter_context(
            ready(
                drift,
                out,
                on=on,
                engine=engine,
                devices=devices,
                memory=memory,
                chunk_bytes=chunk_bytes,
                then=_GOES_ON,
            )
        )
        simulation, pool = made.simulation, made.pool
        if like is not None:
            claim.check_inputs(like, simulation, "its spec can't be run again")
        store = held.enter_context(claim.claimed(simulation, out, overwrite, made.about))
        with _writing(out):
            final, populations = stream(simulation, store, pool, progress, checkpoint_seconds)
            total = time.monotonic() - began
            seconds = {"total": total, "compile": min(total, compilation.seconds() - compiled)}
            with interrupts.waiting():
                store.still()
                store.finish(populations, final=final.as_json(), seconds=seconds)
        return summary(RunStore(out))


@contextmanager
def _writing(out: Address) -> Iterator[None]:
    """A store that can't be written to any more: what to say, and how to go on."""
    try:
        yield
    except OSError as error:
        raise unwritten(out, error, _GOES_ON) from error


def summary(store: RunStore) -> dict[str, Any]:
    """What `drift run --json` prints of a complete store."""
    attrs = store.attrs
    final = {**attrs["final"], "populations": store.read("populations").tolist()}
    taken = {"cloud": attrs["cloud"]} if "cloud" in attrs else {}
    return {
        "spec": attrs["spec"],
        **taken,
        "engine": attrs["engine"],
        "device": attrs["device"],
        "initial": attrs["initial"],
        "final": final,
        "records": [counts.as_json() for counts in store.records()],
        "store": str(store.address),
        "seconds": attrs["seconds"],
    }
