"""Predictions of a drift, at its records too, or of a grid of drifts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from drift.sim.errors import BadInput
from drift.sim.predicted.store import GridArrays, grid_arrays, predict_grid
from drift.sim.prediction import predict as prediction
from drift.sim.prediction.predict import Predicted
from drift.sim.results.frames import ordered, xarray_for
from drift.sim.results.notebook import NotebookBar
from drift.sim.spec.drift import Drift
from drift.sim.stores.location import AnyLocation
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.kept.coordinates import coordinates
from drift.sim.sweeps.kept.shown import ShownGrid
from drift.sim.sweeps.kept.swept import Swept
from drift.sim.sweeps.store import EXPECTED, NAMES


@dataclass(frozen=True, eq=False, repr=False)
class PredictedGrid(ShownGrid):
    """The expectations at every point of a `grid`, in memory; the names are those of a store."""

    grid: Grid
    found: GridArrays
    """the expectations themselves"""

    @property
    def address(self) -> str:
        """The name for people."""
        return "the prediction"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PredictedGrid) and self.same_counts(other)

    def __hash__(self) -> int:
        return hash((type(self), str(self.grid)))

    @property
    def names(self) -> dict[str, str]:
        """The array of each count."""
        return NAMES

    @property
    def more(self) -> tuple[str, ...]:
        """The standard deviations and quantiles."""
        return tuple(EXPECTED)

    @property
    def done(self) -> np.ndarray:
        """True for each point that is predicted, bool (grid.shape)."""
        return self.found.done

    @property
    def failed(self) -> dict[int, str]:
        """The reason of each point that has no prediction, by its number."""
        each = {k: why for why, points in self.found.failed.items() for k in points}
        return dict(sorted(each.items()))

    def read(self, name: str, points: Any = ..., record: Any = slice(None)) -> np.ndarray:
        """Return an expectation of `points`, (their shape …, progress), or in one `record`."""
        at = points if isinstance(points, tuple) else (points,)
        return self.found.arrays[NAMES.get(name, name)][(*at, record)]

    def to_xarray(self) -> Any:
        """Return a dataset with the names of a store.

        Raises BadInput where xarray is not installed.
        """
        xarray = xarray_for("to_xarray")
        axes = [axis.name for axis in self.grid.axes]
        variables: dict[str, Any] = {
            name: ((*axes, "progress"), values) for name, values in self.found.arrays.items()
        }
        variables["done"] = (tuple(axes), self.done)
        known = {each.name: (each.dims, each.values) for each in coordinates(self.grid)}
        names = (*NAMES.values(), *EXPECTED, "done")
        return ordered(xarray.Dataset(variables, known), names)


@overload
def predict(
    drift: Drift,
    sigmas: Sequence[float] = ...,
    steps: Sequence[int] = ...,
    *,
    records: int | None = ...,
    out: None = ...,
    overwrite: bool = ...,
) -> Predicted: ...
@overload
def predict(
    drift: Grid,
    sigmas: Sequence[float] = ...,
    steps: Sequence[int] = ...,
    *,
    records: int | None = ...,
    out: None = ...,
    overwrite: bool = ...,
) -> PredictedGrid: ...
@overload
def predict(
    drift: Grid,
    sigmas: Sequence[float] = ...,
    steps: Sequence[int] = ...,
    *,
    records: int | None = ...,
    out: AnyLocation,
    overwrite: bool = ...,
) -> Swept: ...


def predict(
    drift: Drift | Grid,
    sigmas: Sequence[float] = (),
    steps: Sequence[int] = (),
    *,
    records: int | None = None,
    out: AnyLocation | None = None,
    overwrite: bool = False,
) -> Predicted | PredictedGrid | Swept:
    """Return what is to be expected of `drift` after its last step, without simulating it.

    The `curve` is that of `sigmas`, or of the drift's own one where none are given, and its
    `records` are those after `steps`, or at the record steps of so many `records`; one transport
    serves all, so many cost little more than one. Of a grid every point is predicted at its
    records, in memory or into the store `out`, which a complete one of the same grid is returned
    from. sim/prediction/derivation.md derives the formulas. Raises BadInput where no exact form is
    implemented (stochastic rounding, jitter, float32, a checkpoint's rows), for a sigma of which
    a drift would more likely than not leave the format's range, and for a step that it has not.

        >>> import drift
        >>> d = drift.Drift(sigma=1e-6, tokens=100, dims=32)
        >>> found = drift.predict(d, sigmas=[1e-7, 1e-6, 1e-5], steps=[0, 10, 100])
        >>> f"{found.expected_pairs:.1f} ± {found.pairs_error:.1f} pairs at {found.radius:.4f}"
        '387.1 ± 51.9 pairs at 0.3724'
        >>> f"{found.distinct:.1f} ± {found.distinct_error:.1f} cells, the largest: {found.largest}"
        '24.2 ± 2.5 cells, the largest: 16'
        >>> [round(record.distinct, 1) for record in found.records]
        [100.0, 99.6, 24.2]
        >>> f"one pair where sigma is {found.onset_sigma:.2g}"
        'one pair where sigma is 2e-05'
        >>> [round(point.expected_pairs, 1) for point in found.curve]
        [1954.5, 387.1, 16.9]
        >>> grid = drift.Grid(sigma=[1e-7, 1e-6], tokens=100, dims=32, records=1)
        >>> drift.predict(grid).read("pairs")[:, -1].round(1).tolist()
        [1954.5, 387.1]
    """
    if isinstance(drift, Grid):
        for name, given in (("sigmas", sigmas), ("steps", steps), ("records", records)):
            if given is not None and (isinstance(given, int) or len(given)):
                raise BadInput(f"{name} is given with a grid, which has {name} of its own")
        with NotebookBar("predicting") as bar:
            if out is not None:
                return predict_grid(drift, out, overwrite=overwrite, tell=_told(bar, drift))
            return PredictedGrid(drift, grid_arrays(drift, _told(bar, drift)))
    if out is not None:
        raise BadInput("out is given with a single drift; a grid has a store")
    if records is not None:
        if len(steps):
            raise BadInput("records and steps are both given; either says what is recorded")
        steps = replace(drift, records=records, at=None).record_steps
    return prediction.predict(drift, sigmas, steps)


def _told(bar: NotebookBar, grid: Grid) -> Any:
    return lambda done: bar(done, len(grid))
