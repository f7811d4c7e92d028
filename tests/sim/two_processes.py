"""What each of two processes does; tests/sim/test_devices.py starts both and looks at the stores.

usage: two_processes.py HOST:PORT INDEX
"""

import os
import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_platforms", "cpu")

from experiments import cli  # noqa: E402
from sim import hosts, meeting, runs  # noqa: E402
from sim.errors import BadInput  # noqa: E402
from sim.origin import from_checkpoint  # noqa: E402
from sim.shards import Shards  # noqa: E402
from sim.simulated import simulate  # noqa: E402
from sim.spec import Drift  # noqa: E402
from sim.store import RunStore  # noqa: E402
from tests.sim.test_runs import Stop, stop_after  # noqa: E402

TOLD = Drift(sigma=1e-7, tokens=61, dims=48, steps=40, records=5)
LEAVING = Drift(
    sigma=1e-4,
    tokens=61,
    dims=4,
    steps=40,
    records=5,
    snapshots="records",
    format="float8_e5m2",
    rounding="stochastic",
    jitter=0.1,
    survivors=7,
)
# Of two tokens each process has one, and neither knows alone how far the cloud reaches.
OUTSIDE = Drift(sigma=1.0, tokens=2, dims=8, format="float4_e2m1fn", radius=1000.0)


MODEL = "model.safetensors"


def taken():
    """A drift from a checkpoint that tests.sim.test_origin wrote."""
    return from_checkpoint(MODEL, near="largest", direction="centroid", steps=30, records=6)


def arguments(drift, out):
    """The command line of a drift like TOLD."""
    names = ("sigma", "tokens", "dims", "steps", "records")
    words = [word for name in names for word in (f"--{name}", str(getattr(drift, name)))]
    return ["run", *words, "--device", "cpu", "--engine", "step", "--out", out]


def raised(kind, *details, **options):
    """The text of the error of `kind` that a run ends with."""
    try:
        runs.run(*details, on="cpu", engine="step", devices=2, **options)
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind}")


def main(address, index):
    joined = ["--devices", "2", "--distributed", f"{address},2,{index}", "--json"]
    assert cli.outcome([*arguments(TOLD, "told.zarr"), *joined]) == 0
    assert hosts.count() == 2

    # What fails in one process ends the run in both, which then go on.
    stop = {"progress": stop_after(3), "checkpoint_seconds": 0}
    where = LEAVING, Path("leaving.zarr")
    assert raised((Stop, hosts.Elsewhere), *where, **stop) in ("", "process 0 failed: Stop")
    elsewhere = where[0], Path(("leaving.zarr", "nowhere.zarr")[index])
    assert raised(BadInput, *elsewhere).startswith("nowhere.zarr is not there for process 1; to go")
    runs.run(taken(), Path("taken.zarr"), on="cpu", engine="step", devices=2)
    Shards.on_host = False
    runs.run(*where, on="cpu", engine="step", devices=2)
    kept = RunStore(where[1]).read("bits")
    found = simulate(LEAVING, on="cpu", engine="step", devices=2)
    assert np.array_equal(np.stack(list(found.snapshots.values())), kept)
    other = Drift(**{**TOLD.as_json(), "seed": index})
    bad = raised(BadInput, other, Path("other.zarr"))
    assert bad == "process 1 has seed 1, process 0 has 0", bad
    assert "is complete" in raised(BadInput, *where)
    print(raised(BadInput, OUTSIDE, Path("outside.zarr")), file=sys.stderr)

    if index == 1:
        os._exit(0)
    assert "are lost" in raised(meeting.Parted, TOLD, Path("alone.zarr"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
