"""The physics of a drift: clouds, motion, coalescence, and the stores of runs.

cloud       tokens x dims values of a format, drawn from N(0, sigma), or a checkpoint's rows
lattice     the format's finite values, in order; cell: a point of it in all dims
drift       the motion: direction u, radius R, steps X (sim.spec)
occupancy   how many tokens sit in a cell; black hole: 2 or more (sim.coalescence)
record      a step at which the cloud is counted; snapshot: one whose codes are kept

    >>> from pathlib import Path
    >>> import sim
    >>> drift = sim.Drift(sigma=1e-9, tokens=64, dims=16)
    >>> result = sim.run(drift, Path("results/first.zarr"))  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.errors import BadInput as BadInput
    from sim.origin import from_checkpoint as from_checkpoint
    from sim.runs import run as run
    from sim.spec import Drift as Drift
    from sim.store import RunStore as RunStore

_HOME = {
    "BadInput": "errors",
    "Drift": "spec",
    "RunStore": "store",
    "from_checkpoint": "origin",
    "run": "runs",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: JAX takes a second to load."""
    if name in _HOME:
        return getattr(import_module(f"sim.{_HOME[name]}"), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")
