"""The motion of a table of displacements: a file's, or an array's."""

from typing import Any

import numpy as np

from drift.sim.displacements.table import DisplacementTable, without_small
from drift.sim.errors import BadInput
from drift.sim.motions.motion import Motion
from drift.sim.spec.drift import Drift
from drift.sim.spec.vector import unit


def direction_of(total: np.ndarray) -> np.ndarray:
    """Return the unit vector of a sum, float64 (dims,); NaN where the sum is zero."""
    return unit(total) if np.any(total) else np.full(len(total), np.nan)


class TableMotion(Motion):
    """The steps of the table that a drift's motion is, read block by block.

    Raises BadInput where it can't be had, is of another shape, or holds what is not finite.
    """

    equal = falling = False

    def __init__(self, drift: Drift, table: DisplacementTable):
        super().__init__(drift)
        self._table, self._tensor = table, drift.motion_tensor
        found = tuple(map(int, table.rows(self._tensor).shape))
        if found != (drift.steps, drift.dims):
            raise BadInput(
                f"{table.named}: its shape is {found}; it must be {(drift.steps, drift.dims)}, as"
                " steps and dims are"
            )
        survey = table.survey(self._tensor)
        self.u, self.reach = direction_of(survey.total), survey.reach
        self.sha256 = survey.sha256
        """the digest of the table, in hexadecimal digits"""
        self._last: tuple[tuple[int, int], np.ndarray] | None = None

    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last`, (steps, n), in `dims` or in all."""
        # Engines ask for a block in two parts of the dimensions: it is read once.
        kept = self._last
        if kept is None or kept[0] != (first, last):
            block = without_small(self._table.block(self._tensor, first - 1, last))
            self._last = kept = (first, last), block
        found = kept[1]
        return found if dims is None else found[:, dims]

    @property
    def facts(self) -> dict[str, Any]:
        """The attribute of a store that says which table it was."""
        return {"table": str(self._table), "sha256": self.sha256}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a store keeps of it: the whole table, where it is small."""
        table = self._table.kept(self._tensor)
        return {} if table is None else {"displacements": table}
