"""How a run is done: by which engine, on which devices, within how much memory."""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from drift.experiments.numbers import size, whole
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.run_store import RunStore

Engine = Annotated[
    str, typer.Option(metavar="NAME", help="auto, step or leap; all give the same bits.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, gpu or tpu.")]
Devices = Annotated[int, typer.Option(parser=whole, metavar="N", help="Devices to share tokens.")]
Memory = Annotated[
    int | None,
    typer.Option(
        parser=size,
        metavar="SIZE",
        help="Host memory to use at most: bytes, 500M, 8GiB.",
        show_default="what is free",
    ),
]


class Place(NamedTuple):
    """The options of the same names."""

    engine: str
    device: str
    devices: int
    memory: int | None

    def make_ready(self) -> None:
        """Tell JAX of the cache and of the devices, before it counts them."""
        from drift.sim.devices import cache, device

        cache.turn_on()
        if self.device == "cpu":
            device.only_cpu()
        device.request_devices(self.devices)

    def run(
        self, drift: "Drift", out: StoreLocation, overwrite: bool, like: "RunStore | None" = None
    ) -> dict[str, Any]:
        """What sim.runs.run.run returns."""
        from drift.experiments.halting import halting
        from drift.experiments.progress import Records
        from drift.sim.runs.run import run

        self.make_ready()
        options = self._asdict()
        options["on"] = options.pop("device")
        options |= {"overwrite": overwrite, "like": like}
        with halting(), Records(f"drift to {out}", sys.stderr) as progress:
            return run(drift, out, progress=progress.record, **options)


def default_store(drift: "Drift") -> StoreLocation:
    """Where a run goes that names no place: one path for each spec."""
    spec = json.dumps(drift.as_json(), sort_keys=True)
    digest = hashlib.sha256(spec.encode()).hexdigest()[:8]
    if drift.origin is None:
        cloud = f"sigma{drift.sigma:g}"
    else:
        rows = Path(drift.origin.path).absolute().name.removesuffix(".safetensors")
        cloud = re.sub("[^A-Za-z0-9._-]+", "-", rows)[:60]
    name = f"run-{cloud}-R{drift.radius:g}-X{drift.steps}-{digest}.zarr"
    return LocalLocation(Path("results") / name)
