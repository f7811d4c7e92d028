"""Black holes with their tokens: cells of two or more, most tokens first, then first token."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift.sim.counting.cells import Cells
from drift.sim.matrix import Matrix
from drift.sim.results.equality import ComparedByFields
from drift.sim.structures.token_texts import TokenTexts

_SHOWN = 6
"""Token ids that a representation shows."""


@dataclass(frozen=True, eq=False, repr=False)
class BlackHole(ComparedByFields):
    """A black hole: a cell that several tokens share."""

    tokens: int
    """number of tokens"""
    token_ids: np.ndarray
    """ids of its tokens, int64 (tokens,), rising"""
    norm: float
    """Euclidean norm of its vector"""
    texts: list[str | None] | None = field(default=None, compare=False)
    """text of each of its tokens, None for padding; None where no tokenizer is known"""

    def __repr__(self) -> str:
        shown = ", ".join(map(str, self.token_ids[:_SHOWN].tolist()))
        more = ", …" if self.tokens > _SHOWN else ""
        return f"BlackHole(tokens={self.tokens}, token_ids=[{shown}{more}], norm={self.norm:.6g})"

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values; texts only where there are any."""
        texts = {} if self.texts is None else {"texts": self.texts}
        ids = self.token_ids.tolist()
        return {"tokens": self.tokens, "token_ids": ids, "norm": self.norm, **texts}


def black_hole(
    matrix: Matrix, cells: Cells, cell: int, texts: TokenTexts | None = None
) -> BlackHole:
    """Return one of the cells of a matrix with its tokens, and their texts where there are any."""
    ids = matrix.token_ids[cells.of(cell)]
    values = matrix.format.value(matrix.codes[cells.first[cell : cell + 1]][0])
    norm = math.sqrt(math.fsum((values * values).tolist()))
    return BlackHole(len(ids), ids, norm, None if texts is None else texts.of(ids))


def black_holes(matrix: Matrix) -> list[BlackHole]:
    """Return the black holes of the finite rows of a matrix."""
    cells = Cells.in_matrix(np.flatnonzero(matrix.finite()), matrix)
    return [black_hole(matrix, cells, cell) for cell in cells.holes.tolist()]
