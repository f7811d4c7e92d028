"""The physics of a drift: clouds, motion, coalescence, and the stores of runs.

cloud       tokens x dims values of a format, drawn from N(0, sigma), or a checkpoint's rows
lattice     the format's finite values, in order; cell: a point of it in all dims
drift       the motion: direction u, radius R, steps X (sim.spec)
occupancy   how many tokens sit in a cell; black hole: 2 or more (sim.coalescence)
record      a step at which the cloud is counted; snapshot: one whose codes are kept

The library is what is named here, in the words of the command line:

    >>> import sim
    >>> drift = sim.Drift(sigma=1e-6, tokens=100, dims=32)
    >>> found = sim.simulate(drift)  # in memory; sim.run streams into a store
    >>> found.initial.distinct, found.final.distinct, found.final.pairs
    (100, 27, 421)

What was to be expected, without simulating, and how the cells lie:

    >>> expected = sim.predict(drift)
    >>> f"{expected.expected_pairs:.0f} ± {expected.pairs_error:.0f} pairs"
    '387 ± 52 pairs'
    >>> lying = sim.structure(found.bits)
    >>> lying.cells, [hole.tokens for hole in lying.black_holes[:5]], lying.pairs_at_distance
    (27, [21, 13, 10, 8, 7], {1: 351})

A store has the same bits, and opens in xarray; so does that of a sweep:

    >>> result = sim.run(drift, "results/small.zarr")
    >>> store = sim.RunStore("results/small.zarr")
    >>> store.records() == found.records, bool((store.read("bits")[-1] == found.bits).all())
    (True, True)

    $ drift sweep --sigma 1e-7:1e-5:3 --tokens 100 --dims 32 --seeds 5 --out results/grid.zarr

    >>> import xarray
    >>> with xarray.open_zarr("results/grid.zarr", consolidated=False) as grid:
    ...     grid.pairs.sel(progress=1).mean("seed").values
    array([1952.2,  419.2,   20.2])
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
    return __all__
