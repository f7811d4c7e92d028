"""Two matrices compared bit by bit, over the tokens that both have.

compared    a row whose token id both matrices have
identical   of the same bits, -0 and NaNs included; the matrices: the same tokens too
distance    of two values, in the lattice (sim.histogram); of a token, the largest of
            its comparable values
comparable  of values: both are finite; others have no distance
moved       of a token: to a distance of 1 or more

Black holes are those among the compared rows that are finite (sim.lineage).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drift.sim.differences import Differences
from drift.sim.errors import BadInput
from drift.sim.lineage import Holes, Lineage
from drift.sim.matrix import Matrix
from drift.sim.stories import Story, stories


@dataclass(frozen=True)
class Comparison:
    """What two matrices have in common, and what not."""

    rows: tuple[int, int]
    """of each matrix"""
    dims: int
    token_ids: np.ndarray
    """int64 (compared rows,), rising"""
    only_a: np.ndarray
    """int64: the token ids that only the first matrix has, rising; only_b likewise"""
    only_b: np.ndarray
    identical_rows: int
    identical_values: int
    incomparable_values: int
    distance_counts: dict[int, int]
    """of comparable values, by distance, those that occur; long ones as sim.histogram says"""
    largest_distance: int | None
    """exact; None where no values are comparable"""
    moved_most: tuple[int, int] | None
    """the token whose row is at the largest distance, the first of several, and that distance"""
    lineage: Lineage

    @cached_property
    def stories(self) -> list[Story]:
        """What became of black holes that were not kept."""
        return stories(self.lineage)

    @property
    def identical(self) -> bool:
        """Whether the matrices have the same tokens, and the same bits."""
        return self.rows == (self.identical_rows,) * 2

    def as_json(self) -> dict[str, Any]:
        """What `drift compare --json` prints beside the names of what is compared."""
        moved = self.moved_most
        return {
            "rows": list(self.rows),
            "compared_rows": len(self.token_ids),
            "only_a": len(self.only_a),
            "only_b": len(self.only_b),
            "identical": self.identical,
            "identical_rows": self.identical_rows,
            "identical_values": self.identical_values,
            "incomparable_values": self.incomparable_values,
            "largest_distance": self.largest_distance,
            "moved_most": moved and {"token_id": moved[0], "distance": moved[1]},
            "distance_counts": {str(key): n for key, n in self.distance_counts.items()},
            **self.lineage.as_json(),
            "changes": [story.as_json() for story in self.stories],
        }


def compare(a: Matrix, b: Matrix) -> Comparison:
    """Compare what has the same token ids; BadInput where format or dims differ."""
    dims = a.codes.shape[1]
    for what, of_a, of_b in (
        ("format", a.format.name, b.format.name),
        ("dims", f"{dims:,}", f"{b.codes.shape[1]:,}"),
    ):
        if of_a != of_b:
            found = f"{what} is {of_a} in {a.label}, {of_b} in {b.label}"
            raise BadInput(f"{found}; it must be the same in both")
    token_ids, rows_a, rows_b = np.intersect1d(
        a.token_ids, b.token_ids, assume_unique=True, return_indices=True
    )
    looked = Differences.between(a, rows_a, b, rows_b)
    holes = other = Holes.among(a, rows_a, looked.finite_a)
    if not looked.same.all():
        other = Holes.among(b, rows_b, looked.finite_b)
    counts, apart = looked.histogram.counts(), looked.apart
    most = int(np.argmax(apart)) if apart.any() else None
    return Comparison(
        rows=(len(a.codes), len(b.codes)),
        dims=dims,
        token_ids=token_ids,
        only_a=np.delete(a.token_ids, rows_a),
        only_b=np.delete(b.token_ids, rows_b),
        identical_rows=int(looked.same.sum()),
        identical_values=int(looked.alike.sum()),
        incomparable_values=len(token_ids) * dims - sum(counts.values()),
        distance_counts=counts,
        largest_distance=int(apart.max()) if counts else None,
        moved_most=None if most is None else (int(token_ids[most]), int(apart[most])),
        lineage=Lineage(token_ids, holes, other),
    )
