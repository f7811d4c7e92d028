"""The physics of a drift: clouds, motion, coalescence, and the stores of runs.

cloud       tokens x dims values of a format, drawn from N(0, sigma), or a checkpoint's rows
lattice     the format's finite values, in order; cell: a point of it in all dims
drift       the motion: direction u, radius R, steps X (sim.spec)
occupancy   how many tokens sit in a cell; black hole: 2 or more (sim.coalescence)
record      a step at which the cloud is counted; snapshot: one whose codes are kept

What is named here is the library; the words are those of the command line.

    >>> import sim
    >>> drift = sim.Drift(sigma=1e-9, tokens=64, dims=16)
    >>> sim.simulate(drift).final.distinct
    0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.counts import Counts as Counts
    from sim.errors import BadInput as BadInput
    from sim.origin import from_checkpoint as from_checkpoint
    from sim.predicted import Predicted as Predicted
    from sim.predicted import predict as predict
    from sim.runs import run as run
    from sim.simulated import Simulated as Simulated
    from sim.simulated import simulate as simulate
    from sim.spec import Drift as Drift
    from sim.store import RunStore as RunStore
    from sim.structures import Structure as Structure
    from sim.structures import structure as structure

_HOME = {
    "BadInput": "errors",
    "Counts": "counts",
    "Drift": "spec",
    "Predicted": "predicted",
    "RunStore": "store",
    "Simulated": "simulated",
    "Structure": "structures",
    "from_checkpoint": "origin",
    "predict": "predicted",
    "run": "runs",
    "simulate": "simulated",
    "structure": "structures",
}
"""Which module has a public name. No module is called like one: it would take its place."""

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: JAX takes a second to load."""
    if name in _HOME:
        return getattr(import_module(f"sim.{_HOME[name]}"), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
