"""The options that say how work is done: engine, devices and memory, and with which workers."""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from drift.experiments.console.terminal import remark
from drift.experiments.console.values import parse_size, parse_whole
from drift.sim.spec.motion_rules import kind_of
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.runs.ran import Ran
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.run_store import RunStore

Engine = Annotated[
    str, typer.Option(metavar="NAME", help="Engine: auto, step or leap; all give the same bits.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="Device: auto, cpu, gpu or tpu.")]
Devices = Annotated[
    int,
    typer.Option(parser=parse_whole, metavar="N", help="Number of devices that share the dims."),
]
Memory = Annotated[
    int | None,
    typer.Option(
        parser=parse_size,
        metavar="SIZE",
        help="Limit on host memory: bytes, 500M, 8GiB.",
        show_default="free memory",
    ),
]


class ExecutionOptions(NamedTuple):
    """The options `engine`, `device`, `devices` and `memory`."""

    engine: str
    device: str
    devices: int
    memory: int | None

    def run(
        self,
        drift: "Drift",
        out: StoreLocation,
        overwrite: bool,
        like: "RunStore | None" = None,
        save_motion: Path | None = None,
    ) -> "Ran":
        """Run `drift` into `out`, and return what drift.run returns."""
        from drift.experiments.console.progress import RunBar, stop_at_second_signal
        from drift.sim.devices.device import configure
        from drift.sim.runs.run import run

        configure(self.device, self.devices)
        options = self._asdict()
        options["on"] = options.pop("device")
        options |= {"overwrite": overwrite, "like": like, "save_motion": save_motion}
        with stop_at_second_signal(), RunBar(f"drift to {out}", sys.stderr) as progress:
            return run(drift, out, progress=progress.record, **options)


def default_store(drift: "Drift") -> StoreLocation:
    """Return the store of a run that names none: one path for each spec."""
    spec = json.dumps(drift.as_json(), sort_keys=True)
    digest = hashlib.sha256(spec.encode()).hexdigest()[:8]
    if drift.origin is None:
        cloud = f"sigma{drift.sigma:g}"
    elif type(drift.origin.path) is not str:
        cloud = "array"
    else:
        rows = Path(drift.origin.path).absolute().name.removesuffix(".safetensors")
        cloud = re.sub("[^A-Za-z0-9._-]+", "-", rows)[:60]
    kind = kind_of(drift.motion)
    way = f"R{drift.radius:g}" if kind == "straight" else kind
    name = f"run-{cloud}-{way}-X{drift.steps}-{digest}.zarr"
    return LocalLocation(Path("results") / name)


WORKERS = (
    "Share the grid points among N local processes, each with an accelerator of its own where there"
    " are any."
)
SCHEDULER = "Share the grid points among the workers of a Dask scheduler, tcp://HOST:PORT."


class WorkerOptions(NamedTuple):
    """The options `workers` and `scheduler`."""

    workers: int | None
    scheduler: str | None

    @property
    def alone(self) -> bool:
        """True where this process does it all."""
        return self.workers is None and self.scheduler is None

    def leave_out(self) -> None:
        """Say that the estimated time leaves workers out."""
        if not self.alone:
            remark("the estimate is for this process alone, without workers")
