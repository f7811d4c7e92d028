"""The occupied cells of a cloud, their tokens, and the counts that are reported of them.

occupancy  how many tokens sit in a cell
black hole a cell of occupancy 2 or more; singleton: a cell of occupancy 1
distinct   occupied cells            pairs    sum of n(n-1)/2 over cells
alive      tokens that are counted   largest  the highest occupancy
radius     the component along u of the mean of the tokens, summed exactly
stalled    the share of coordinates that the last step left where they were though
           its displacement there is not 0; 0 at step 0
asked      the norm of the sum of the displacements since the last record; done: that of the
           change of the tokens' mean since then, from exact sums. At step 0 both are 0
moved      the share of coordinates that the last step changed; 0 at step 0

Cells with their tokens are numbered by their first tokens. Black holes come in one order
everywhere: the fullest first, of several the one of the smallest token.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drift.kernels.formats import Format
from drift.sim.counting.coalesce import representatives
from drift.sim.matrix import Matrix


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts after `step`; the names are those of the JSON and of the store.

    The head of this module defines their words.
    """

    step: int
    """after so many steps"""
    distinct: int
    """occupied cells"""
    black_holes: int
    """cells of two tokens or more"""
    black_hole_tokens: int
    """tokens in black holes"""
    singletons: int
    """cells of one token"""
    largest: int
    """the highest occupancy"""
    pairs: int
    """pairs of tokens that share a cell: the sum of n(n-1)/2 over cells"""
    alive: int
    """tokens that are counted"""
    radius: float | None
    """the component along u of the tokens' mean, in the units of sigma; None where there is no u"""
    stalled: float
    """the share, 0 to 1, of coordinates that the last step left where they were"""
    asked: float | None = None
    """the norm of the sum of the displacements since the last record; None in stores of before"""
    done: float | None = None
    """the norm of the change of the tokens' mean since the last record; likewise"""
    moved: float | None = None
    """the share, 0 to 1, of coordinates that the last step changed; likewise"""

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class CellCounts:
    """The occupancies of the cells of a cloud, in no particular order."""

    occupancy: np.ndarray
    """int64 (cells,): the tokens of each cell"""
    representative: np.ndarray
    """int64 (cells,): one token of each cell"""

    @classmethod
    def of_representatives(cls, representatives: np.ndarray) -> "CellCounts":
        """Count the cells of tokens with these `representatives`, int64 (tokens,)."""
        occupancy = np.bincount(representatives)
        representative = np.flatnonzero(occupancy)
        return cls(occupancy[representative], representative)

    @property
    def populations(self) -> np.ndarray:
        """Occupancies of the black holes, int64 (black holes,), falling."""
        return np.sort(self.occupancy[self.occupancy > 1])[::-1]

    def counts(self) -> dict[str, int]:
        """Return the counts that are reported of the cells, by their names in the JSON."""
        holes = self.populations
        return {
            "distinct": len(self.occupancy),
            "black_holes": len(holes),
            "black_hole_tokens": int(holes.sum()),
            "singletons": int(np.count_nonzero(self.occupancy == 1)),
            "largest": int(self.occupancy.max(initial=0)),
            "pairs": int((holes * (holes - 1) // 2).sum()),
        }


def count_rows(codes: np.ndarray, target: Format) -> CellCounts:
    """Count the cells of `codes` (tokens, dims), unsigned codes of `target`, finite."""
    return CellCounts.of_representatives(representatives(np.arange(len(codes)), codes, target))


@dataclass(frozen=True)
class Cells:
    """The occupied cells of a cloud with their tokens."""

    tokens: np.ndarray
    """int64 (tokens,), cell by cell, rising in each"""
    ends: np.ndarray
    """int64 (cells + 1,): cell k has tokens[ends[k] : ends[k + 1]]"""

    @classmethod
    def of_representatives(cls, tokens: np.ndarray, representatives: np.ndarray) -> "Cells":
        """Group `tokens`, int64 (n,), rising, by their `representatives`, int64 (n,)."""
        order = np.argsort(representatives, kind="stable")
        _, population = np.unique(representatives, return_counts=True)
        return cls(tokens[order], np.concatenate([[0], np.cumsum(population)]))

    @classmethod
    def in_matrix(cls, rows: np.ndarray, matrix: Matrix) -> "Cells":
        """Group some `rows` of a matrix, int64 (n,), rising, by their cells."""
        return cls.of_representatives(rows, representatives(rows, matrix.codes, matrix.format))

    def __len__(self) -> int:
        return len(self.ends) - 1

    @property
    def population(self) -> np.ndarray:
        """Tokens of each cell, int64 (cells,)."""
        return np.diff(self.ends)

    @property
    def first(self) -> np.ndarray:
        """The first token of each cell, int64 (cells,), rising."""
        return self.tokens[self.ends[:-1]]

    @cached_property
    def holes(self) -> np.ndarray:
        """The cells that are black holes, int64 (black holes,), in their order."""
        found = np.flatnonzero(self.population > 1)
        return found[np.argsort(-self.population[found], kind="stable")]

    def of(self, cell: int) -> np.ndarray:
        """Return the tokens of a cell, int64, rising."""
        return self.tokens[self.ends[cell] : self.ends[cell + 1]]

    def of_several(self, cells: np.ndarray) -> np.ndarray:
        """Return the tokens of some `cells`, int64 (cells,), all together: int64, rising."""
        starts, held = self.ends[cells], self.ends[cells + 1] - self.ends[cells]
        # Places in `tokens`: each cell's count up from its start.
        within = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held)
        return np.sort(self.tokens[np.repeat(starts, held) + within])
