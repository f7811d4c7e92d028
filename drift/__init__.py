"""Exact drifts of clouds through low-precision lattices, where tokens collapse into one cell.

cloud       tokens x dims values of a format, drawn from N(0, sigma), or a checkpoint's rows
lattice     the format's finite values, in order; cell: a point of it in all dims
drift       the motion of a cloud: direction u, radius R, steps X
occupancy   how many tokens sit in a cell; black hole: 2 or more
record      a step at which the cloud is counted; snapshot: one whose codes are kept

The library is what is named here, in the words of the command line:

    >>> import drift
    >>> d = drift.Drift(sigma=1e-6, tokens=100, dims=32)
    >>> found = drift.simulate(d)  # in memory; drift.run streams into a store
    >>> found.initial.distinct, found.final.distinct, found.final.pairs
    (100, 27, 421)

The prediction, and the structure of the occupied cells:

    >>> expected = drift.predict(d)
    >>> f"{expected.expected_pairs:.0f} ± {expected.pairs_error:.0f} pairs"
    '387 ± 52 pairs'
    >>> shape = drift.structure(found.bits)
    >>> shape.cells, [hole.tokens for hole in shape.black_holes[:5]], shape.pairs_at_distance
    (27, [21, 13, 10, 8, 7], {1: 351})

A store has the same bits, and opens in xarray; so does that of a sweep:

    >>> result = drift.run(d, "results/small.zarr")
    >>> store = drift.RunStore("results/small.zarr")
    >>> store.records() == found.records, bool((store.read("bits")[-1] == found.bits).all())
    (True, True)

    $ drift sweep --sigma 1e-7:1e-5:3 --tokens 100 --dims 32 --seeds 5 --out results/grid.zarr

    >>> import xarray
    >>> with xarray.open_zarr("results/grid.zarr") as grid:
    ...     grid.pairs.sel(progress=1).mean("seed").values
    array([1952.2,  419.2,   20.2])

Inside, `drift.experiments` is what a person runs, `drift.sim` the physics and its stores, and
`drift.kernels` arithmetic on arrays; each imports only what comes after it.
"""

import os.path
from importlib import import_module
from typing import TYPE_CHECKING, Any

_here = os.path.dirname(os.path.abspath(__file__))
if not os.path.isdir(os.path.join(_here, "sim")):
    # In a checkout the folders of the sub-packages stand beside this one, not in it.
    __path__.append(os.path.dirname(_here))

if TYPE_CHECKING:
    from drift import plot as plot
    from drift.kernels.formats import FORMATS as FORMATS
    from drift.sim.checkpoints.checkpoint import Checkpoint as Checkpoint
    from drift.sim.clouds.checkpoint_rows import from_checkpoint as from_checkpoint
    from drift.sim.counting.cells import Counts as Counts
    from drift.sim.errors import BadInput as BadInput
    from drift.sim.errors import Damaged as Damaged
    from drift.sim.errors import Unfinished as Unfinished
    from drift.sim.prediction.predict import Predicted as Predicted
    from drift.sim.runs.ran import Ran as Ran
    from drift.sim.runs.run import run as run
    from drift.sim.runs.simulate import Simulated as Simulated
    from drift.sim.runs.simulate import simulate as simulate
    from drift.sim.sources.check import check as check
    from drift.sim.sources.compare import compare as compare
    from drift.sim.sources.predict import predict as predict
    from drift.sim.sources.scan import scan as scan
    from drift.sim.sources.structure import structure as structure
    from drift.sim.spec.drift import Drift as Drift
    from drift.sim.spec.origin import Origin as Origin
    from drift.sim.stores.run_store import RunStore as RunStore
    from drift.sim.structures.compare import Comparison as Comparison
    from drift.sim.structures.scan import Scan as Scan
    from drift.sim.structures.structure import Structure as Structure
    from drift.sim.sweeps.grid import Grid as Grid
    from drift.sim.sweeps.kept.swept import Swept as Swept
    from drift.sim.sweeps.store import SweepStore as SweepStore
    from drift.sim.sweeps.sweep import sweep as sweep
    from drift.sim.tracks.found import Track as Track
    from drift.sim.tracks.track import track as track
    from drift.sim.tracks.track_store import TrackStore as TrackStore

_HOME = {
    "BadInput": "sim.errors",
    "Checkpoint": "sim.checkpoints.checkpoint",
    "Comparison": "sim.structures.compare",
    "Counts": "sim.counting.cells",
    "Damaged": "sim.errors",
    "Drift": "sim.spec.drift",
    "FORMATS": "kernels.formats",
    "Grid": "sim.sweeps.grid",
    "Origin": "sim.spec.origin",
    "Predicted": "sim.prediction.predict",
    "Ran": "sim.runs.ran",
    "RunStore": "sim.stores.run_store",
    "Scan": "sim.structures.scan",
    "Simulated": "sim.runs.simulate",
    "Structure": "sim.structures.structure",
    "SweepStore": "sim.sweeps.store",
    "Swept": "sim.sweeps.kept.swept",
    "Track": "sim.tracks.found",
    "TrackStore": "sim.tracks.track_store",
    "Unfinished": "sim.errors",
    "check": "sim.sources.check",
    "compare": "sim.sources.compare",
    "from_checkpoint": "sim.clouds.checkpoint_rows",
    "predict": "sim.sources.predict",
    "run": "sim.runs.run",
    "scan": "sim.sources.scan",
    "simulate": "sim.runs.simulate",
    "structure": "sim.sources.structure",
    "sweep": "sim.sweeps.sweep",
    "track": "sim.tracks.track",
}
"""The module that has a public name."""

__all__ = sorted([*_HOME, "plot"])


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: JAX takes a second to load."""
    if name == "plot":
        return import_module("drift.plot")
    if name in _HOME:
        return getattr(import_module(f"drift.{_HOME[name]}"), name)
    raise AttributeError(f"module 'drift' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
