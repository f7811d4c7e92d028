"""Two matrices compared bit by bit, over the tokens that both have.

compared    a row whose token id both matrices have
identical   of the same bits, -0 and NaNs included; the matrices: the same tokens too
distance    of two values, in the lattice (sim.histogram); of two rows, the largest of
            their values' distances
comparable  both values are finite; what is not has no distance
moved       at a distance of 1 or more

Black holes are those among the compared rows that are finite (sim.lineage).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kernels import rowwise
from kernels.formats import Format
from sim.errors import BadInput
from sim.histogram import Histogram, distances
from sim.lineage import Holes, Lineage
from sim.matrix import Matrix
from sim.stories import Story, stories

_BLOCK_BYTES = 1 << 20
"""Rows that are compared at a time: they and their distances stay in cache."""


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
    for what, of_a, of_b in (
        ("format", a.format.name, b.format.name),
        ("dims", *(f"{each.codes.shape[1]:,}" for each in (a, b))),
    ):
        if of_a != of_b:
            raise BadInput(f"{what} is {of_a} in {a.label} and {of_b} in {b.label}; one is needed")
    token_ids, rows_a, rows_b = np.intersect1d(
        a.token_ids, b.token_ids, assume_unique=True, return_indices=True
    )
    values = _Values(a.format, len(token_ids))
    row_bytes = a.codes.itemsize * a.codes.shape[1]

    def look(part: slice) -> None:
        values.look(
            part, rowwise.taken(a.codes, rows_a[part]), rowwise.taken(b.codes, rows_b[part])
        )

    rowwise.side_by_side(look, len(token_ids), _BLOCK_BYTES // max(1, row_bytes))
    holes = Holes.among(a, rows_a, values.finite_a)
    other = holes if values.same.all() else Holes.among(b, rows_b, values.finite_b)
    largest = values.largest
    most = int(np.argmax(largest)) if largest.max(initial=0) > 0 else None
    counts = values.histogram.counts()
    return Comparison(
        rows=(len(a.codes), len(b.codes)),
        dims=a.codes.shape[1],
        token_ids=token_ids,
        only_a=np.delete(a.token_ids, rows_a),
        only_b=np.delete(b.token_ids, rows_b),
        identical_rows=int(values.same.sum()),
        identical_values=int(values.alike.sum()),
        incomparable_values=len(token_ids) * a.codes.shape[1] - sum(counts.values()),
        distance_counts=counts,
        largest_distance=int(largest.max()) if counts else None,
        moved_most=None if most is None else (int(token_ids[most]), int(largest[most])),
        lineage=Lineage(token_ids, holes, other),
    )


class _Values:
    """What is known of each compared row once its values were looked at."""

    def __init__(self, target: Format, rows: int):
        self._format = target
        self.finite_a, self.finite_b = np.empty(rows, bool), np.empty(rows, bool)
        self.same = np.empty(rows, bool)
        """of the same bits"""
        self.alike = np.empty(rows, np.int64)
        """values of the same bits"""
        self.largest = np.zeros(rows, np.int64)
        """distance of comparable values"""
        self.histogram = Histogram()

    def look(self, part: slice, a: np.ndarray, b: np.ndarray) -> None:
        """Look at the codes of a part of the rows, in both matrices."""
        self.same[part] = same = np.all(rowwise.words(a) == rowwise.words(b), axis=1)
        self.finite_a[part] = finite = self._format.finite(a).all(axis=1)
        self.finite_b[part] = finite if same.all() else self._format.finite(b).all(axis=1)
        self.alike[part] = a.shape[1]
        settled = same & finite
        self.histogram.add_zeros(int(settled.sum()) * a.shape[1])
        rest = np.flatnonzero(~settled)
        if not len(rest):
            return
        a, b = rowwise.taken(a, rest), rowwise.taken(b, rest)
        apart = distances(a, b, self._format)
        rest += part.start
        self.alike[rest] = (a == b).sum(axis=1)
        if self.finite_a[rest].all() and self.finite_b[rest].all():
            self.histogram.add(apart)
        else:
            comparable = self._format.finite(a) & self._format.finite(b)
            self.histogram.add(apart[comparable])
            apart[~comparable] = 0
        self.largest[rest] = apart.max(axis=1, initial=0)
