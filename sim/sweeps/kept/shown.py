"""The store of a sweep as a table: in a notebook, as a DataFrame, and as a dataset in order."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from drift.sim.results.equality import same
from drift.sim.results.frames import open_ordered, pandas_for
from drift.sim.results.page import ShownAsTable
from drift.sim.spec.rules import recorded

if TYPE_CHECKING:
    from drift.sim.sweeps.grid import Grid

_COUNTS = ("distinct", "black_holes", "largest", "pairs", "radius")
_MOST = 200
"""Most points of a line, and of those among which a table's rows are chosen."""


def once_each(steps: int, records: int) -> list[int]:
    """Return the numbers of the records that are no repeats, rising.

    Where a point has fewer steps than records, several are of one step; the one that is kept is
    the nearest to it: so the first one is of step 0, and the last one of the last step.
    """
    best: dict[int, int] = {}
    for k, step in enumerate(recorded(steps, records)):
        off = abs(k * steps - step * records)
        if step not in best or off < abs(best[step] * steps - step * records):
            best[step] = k
    return list(best.values())


class ShownGrid(ShownAsTable):
    """The counts of a grid as a table."""

    if TYPE_CHECKING:

        @property
        def address(self) -> Any:
            """The place of its store."""

        @cached_property
        def grid(self) -> Grid:
            """The grid."""

        @cached_property
        def names(self) -> dict[str, str]:
            """The array of each count that is there."""

        @property
        def done(self) -> np.ndarray:
            """True for each point that is done, bool (grid.shape)."""

        @property
        def more(self) -> Sequence[str]:
            """The arrays beside the counts."""

        def read(self, name: str, points: Any = ..., record: Any = slice(None)) -> np.ndarray:
            """A count of `points`."""

    def to_xarray(self) -> Any:
        """Return the store as a dataset, read where it is used.

        Raises BadInput where xarray is not installed.
        """
        return open_ordered(self.address, (*self.names.values(), *self.more, "done"))

    def to_pandas(self) -> Any:
        """Return a DataFrame, a row for each record of each grid point that is done.

        Records of a point that are of one step are one row. Raises BadInput where pandas is not
        installed.
        """
        pandas = pandas_for("to_pandas")
        grid, done = self.grid, np.argwhere(self.done)
        kept = {steps: once_each(steps, grid.records) for steps in self._steps()}
        own = [kept[self._steps_at(place)] for place in done.tolist()]
        rows = np.repeat(np.arange(len(done)), [len(each) for each in own])
        records = np.array([k for each in own for k in each], np.int64)
        columns: dict[str, Any] = {}
        for number, axis in enumerate(grid.axes):
            values = axis.meanings if axis.named else axis.values
            columns[axis.name] = np.array(values)[done[rows, number]]
        columns["progress"] = grid.progress[records]
        steps = {x: np.array(recorded(x, grid.records)) for x in kept}
        columns["step"] = np.array(
            [
                step
                for place, each in zip(done.tolist(), own, strict=True)
                for step in steps[self._steps_at(place)][each].tolist()
            ],
            np.int64,
        )
        at = tuple(done[rows].T)
        for name, stored in {**self.names, **{name: name for name in self.more}}.items():
            columns[stored] = self.read(name)[(*at, records)]
        return pandas.DataFrame(columns)

    def _steps(self) -> tuple[int, ...]:
        return self.grid.fields["steps"]

    def _steps_at(self, place: Sequence[int]) -> int:
        values = {axis.name: axis.values[k] for axis, k in zip(self.grid.axes, place, strict=True)}
        return int({**self.grid.base, **values}["steps"])

    def same_counts(self, other: "ShownGrid") -> bool:
        """Return whether both are of one grid, and have the same counts at the same points."""
        if self.grid.as_json() != other.grid.as_json() or self.names != other.names:
            return False
        names = (*self.names, *self.more)
        return same(self.done, other.done) and all(
            same(self.read(name), other.read(name)) for name in names
        )

    def title(self) -> str:
        """Return where it is, its grid, and how much of it is done."""
        done = int(np.count_nonzero(self.done))
        return f"{self.address}, {self.grid}, {done:,} of {len(self.grid):,} grid points done"

    def head(self) -> list[str]:
        """Return the axes, and the counts that the table shows."""
        return [*(axis.name for axis in self.grid.axes), *(n.replace("_", " ") for n in _COUNTS)]

    def body(self) -> list[list[Any]]:
        """Return the last record of each grid point that is done, few of many."""
        return [[*values, *counts] for values, counts in self._ends(_COUNTS)]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the distinct cells at the end, point by point."""
        return {"distinct cells at the end": [counts[0] for _, counts in self._ends(("distinct",))]}

    def _ends(self, names: Sequence[str]) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield the values and the last counts of points that are done, few of many."""
        done = np.argwhere(self.done)
        if len(done) > _MOST:
            done = done[np.linspace(0, len(done) - 1, _MOST).round().astype(int)]
        columns = [self.read(name, ..., -1)[tuple(done.T)] for name in names]
        for row, place in enumerate(done.tolist()):
            values = [
                axis.meanings[k] if axis.named else axis.values[k]
                for axis, k in zip(self.grid.axes, place, strict=True)
            ]
            yield values, [np.atleast_1d(column)[row].item() for column in columns]
