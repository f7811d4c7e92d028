"""The rows of a checkpoint that an origin names, read as they are needed."""

from pathlib import Path

import numpy as np

from drift.sim.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.selection import selected
from drift.sim.spec import Origin


class Rows:
    """The finite rows of `matrix` that `which` names, int64, rising; None for all.

    Raises BadInput where all are meant and some are not finite.
    """

    def __init__(self, matrix: Matrix, which: np.ndarray | None = None):
        self.matrix, self._which = matrix, which
        self.token_ids = matrix.token_ids if which is None else matrix.token_ids[which]
        """int64 (tokens,)"""
        unfit = matrix.token_ids[~matrix.finite()] if which is None else self.token_ids[:0]
        if len(unfit):
            raise BadInput(
                f"{matrix.label} has {len(unfit):,} rows that are not finite, the first of token"
                f" {unfit[0]}; --near selects among the others"
            )

    @classmethod
    def of(cls, origin: Origin) -> "Rows":
        """Those of an origin. Raises BadInput where they can't be had."""
        matrix = Checkpoint(Path(origin.path)).matrix(origin.tensor)
        if origin.near is None or origin.exponents is None:
            return cls(matrix)
        return cls(matrix, selected(matrix, origin.near, origin.exponents))

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens, dims)"""
        return len(self.token_ids), self.matrix.codes.shape[1]

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Those of tokens start ... stop - 1, in the matrix's own format."""
        some = slice(start, stop) if self._which is None else self._which[start:stop]
        return self.matrix.codes[some]
