"""The coalescence counter: which tokens share a cell, exactly.

Tokens with different fingerprints are in different cells. Tokens with equal
fingerprints are compared row by row with a representative; those that differ
from it are compared again among themselves until none is left. A hash only
sorts, equality decides. -0 and +0 are one value; NaN does not occur.

occupancy   how many tokens sit in a cell
black hole  a cell of occupancy 2 or more; singleton: a cell of occupancy 1
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Equal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Given two arrays of row numbers, whether the rows are in one cell, pair by pair."""


@dataclass(frozen=True)
class Cells:
    """The occupied cells of a cloud, in no particular order."""

    occupancy: np.ndarray
    """int64 (cells,)"""
    representative: np.ndarray
    """int64 (cells,): the number of one row in each cell, the smallest"""

    @property
    def populations(self) -> np.ndarray:
        """Occupancies of the black holes, falling."""
        return np.sort(self.occupancy[self.occupancy > 1])[::-1]

    def counts(self) -> dict[str, int]:
        """What is reported of them; `pairs` is the sum of n(n-1)/2 over cells."""
        holes = self.populations
        return {
            "distinct": len(self.occupancy),
            "black_holes": len(holes),
            "black_hole_tokens": int(holes.sum()),
            "singletons": int(np.count_nonzero(self.occupancy == 1)),
            "largest": int(self.occupancy.max(initial=0)),
            "pairs": int((holes * (holes - 1) // 2).sum()),
        }


def coalesce(rows: np.ndarray, fingerprints: np.ndarray, equal: Equal) -> Cells:
    """Sort row numbers `rows` (n,) into cells.

    `fingerprints` (n,), one per entry of `rows`, any sortable dtype, equal for
    rows of one cell. `equal` is asked only about rows of equal fingerprint.
    """
    order = np.argsort(fingerprints, kind="stable")
    rows, fingerprints = rows[order], fingerprints[order]
    new = np.ones(len(rows), bool)
    new[1:] = fingerprints[1:] != fingerprints[:-1]
    group = np.cumsum(new) - 1
    alone = np.bincount(group)[group] == 1

    occupancy, representative = [np.ones(np.count_nonzero(alone), np.int64)], [rows[alone]]
    rows, group = rows[~alone], group[~alone]
    while len(rows):
        _, first, member = np.unique(group, return_index=True, return_inverse=True)
        same = equal(rows, rows[first][member])
        occupancy.append(np.bincount(member[same]))
        representative.append(rows[first])
        rows, group = rows[~same], group[~same]
    return Cells(np.concatenate(occupancy), np.concatenate(representative))
