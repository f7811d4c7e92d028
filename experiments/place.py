"""How a run is done: by which engine, on which devices, within how much memory, with whom."""

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sim.places import Address
    from sim.spec import Drift

DISTRIBUTED = (
    "Share tokens with other processes given this command: auto, where JAX finds them (TPU pod,"
    " Slurm, Open MPI, Kubernetes), or HOST:PORT,COUNT,INDEX, HOST being that of process 0. Process"
    " 0 writes the store; to resume, all have to see it."
)


class Place(NamedTuple):
    """The options of the same names."""

    engine: str
    device: str
    devices: int
    memory: int | None
    distributed: str | None

    def run(self, drift: "Drift", out: "Address", overwrite: bool) -> dict[str, Any] | None:
        """The result, in the process that prints."""
        from experiments.progress import Records
        from sim import cache, device, hosts, meeting
        from sim.runs import run

        cache.turn_on()
        if self.device == "cpu":
            device.only_cpu()
        device.prepare(self.devices)  # before JAX counts devices, or processes
        if self.distributed:
            meeting.join(self.distributed)
        options = self._asdict()
        options["on"] = options.pop("device")
        del options["distributed"]
        if not hosts.is_first():
            run(drift, out, overwrite=overwrite, **options)
            return None
        with Records(f"drift to {out}", sys.stderr) as progress:
            return run(drift, out, overwrite=overwrite, progress=progress.record, **options)
