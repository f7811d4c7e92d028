"""Two matrices compared bit by bit, over the tokens that both have.

compared    a row whose token id both matrices have
identical   with equal bits, also for -0 and NaNs; of matrices: with equal tokens too
distance    of two values: the absolute difference of their lattice coordinates, 0 between -0 and
            +0; of a token: the largest distance of its comparable values
comparable  of two values: both are finite; others have no distance
long        of a distance: 65,536 or more, which only float32 has; counted under the power of two
            at or below it
moved       of a token: its distance is 1 or more

Black holes are found among the compared rows that are finite (sim.structures.lineage).
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format
from drift.sim.devices.host_memory import check_memory
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.results.equality import ComparedByFields
from drift.sim.results.page import MOST_ROWS, ShownAsTable
from drift.sim.structures.lineage import Holes, Lineage, LineageEvent, lineage_events

LONG = 1 << 16
_BINS = LONG + 16
"""Number of bins: one for each distance that is not long, then one for each power of two."""


def distances(a: np.ndarray, b: np.ndarray, target: Format) -> np.ndarray:
    """Return the distances of comparable codes, in the storage type of `target`."""
    low, high = target.ordinal(a), target.ordinal(b)
    return np.maximum(low, high) - np.minimum(low, high)


class Histogram:
    """Counts of distances; several threads may add to it."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._lock = threading.Lock()

    def add(self, apart: np.ndarray) -> None:
        """Count distances, of any shape."""
        bins = apart.ravel()
        if apart.dtype.itemsize > 2:
            bins = bins.astype(np.int64)
            long = bins >= LONG
            bins[long] = LONG + np.frexp(bins[long].astype(np.float64))[1] - 17
        found = np.bincount(bins)
        with self._lock:
            self._counts[: len(found)] += found

    def add_zeros(self, count: int) -> None:
        """Count values at distance 0."""
        with self._lock:
            self._counts[0] += count

    def counts(self) -> dict[int, int]:
        """Return the count of each distance that occurs, rising; long ones by powers of two."""
        there = np.flatnonzero(self._counts)
        keys = np.where(there < LONG, there, LONG << np.maximum(there - LONG, 0))
        return dict(zip(keys.tolist(), self._counts[there].tolist(), strict=True))


_BLOCK_BYTES = 1 << 20
"""Bytes of rows compared together, few enough to stay in cache with their distances."""
_PER_ROW, _PER_DIM = 100, 256
"""Bytes of memory for each row of both matrices, and for each dimension."""


@dataclass(frozen=True)
class Differences:
    """Differences of pairs of rows, and distances of all their values."""

    finite_a: np.ndarray
    """True where the first row is finite, bool (pairs,)"""
    finite_b: np.ndarray
    """True where the second row is finite, bool (pairs,)"""
    same: np.ndarray
    """True where the rows are identical, bool (pairs,)"""
    alike: np.ndarray
    """number of identical values, int64 (pairs,)"""
    apart: np.ndarray
    """distance, int64 (pairs,); 0 where no values are comparable"""
    within: np.ndarray
    """distance of the values whose sign is kept, int64 (pairs,)"""
    flips: np.ndarray
    """number of values whose sign is another one, zeros apart, int64 (pairs,)"""
    histogram: Histogram = field(default_factory=Histogram)
    """distances of all comparable values"""

    @classmethod
    def between(cls, a: Matrix, rows_a: np.ndarray, b: Matrix, rows_b: np.ndarray) -> "Differences":
        """Return the differences of rows_a[i] of `a` and rows_b[i] of `b`, of equal format."""
        flags, numbers = np.zeros((3, len(rows_a)), bool), np.zeros((4, len(rows_a)), np.int64)
        found = cls(*flags, *numbers)

        def look(part: slice) -> None:
            one, other = (
                row_hash.take_rows(each.codes, rows[part])
                for each, rows in ((a, rows_a), (b, rows_b))
            )
            found._look(part, one, other, a.format)

        row_bytes = a.codes.itemsize * a.codes.shape[1]
        row_hash.side_by_side(look, len(rows_a), _BLOCK_BYTES // row_bytes)
        return found

    def _look(self, part: slice, a: np.ndarray, b: np.ndarray, target: Format) -> None:
        self.same[part] = same = np.all(row_hash.row_words(a) == row_hash.row_words(b), axis=1)
        self.finite_a[part] = finite = target.finite(a).all(axis=1)
        self.finite_b[part] = finite if same.all() else target.finite(b).all(axis=1)
        self.alike[part] = a.shape[1]
        settled = same & finite
        self.histogram.add_zeros(int(settled.sum()) * a.shape[1])
        rest = np.flatnonzero(~settled)
        if not len(rest):
            return
        a, b = row_hash.take_rows(a, rest), row_hash.take_rows(b, rest)
        steps = distances(a, b, target)
        rest += part.start
        self.alike[rest] = (a == b).sum(axis=1)
        if self.finite_a[rest].all() and self.finite_b[rest].all():
            self.histogram.add(steps)
        else:
            comparable = target.finite(a) & target.finite(b)
            self.histogram.add(steps[comparable])
            steps[~comparable] = 0
            a = np.where(comparable, a, 0)  # what is no value has no sign
        self.apart[rest] = steps.max(axis=1)
        magnitude = target.sign - 1
        flipped = ((a ^ b) & target.sign != 0) & (a & magnitude != 0) & (b & magnitude != 0)
        self.flips[rest] = flipped.sum(axis=1)
        self.within[rest] = np.where(flipped, 0, steps).max(axis=1)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ComparedByFields, ShownAsTable):
    """The comparison of two matrices, A and B."""

    rows: tuple[int, int]
    """number of rows of A and of B"""
    dims: int
    """number of dimensions of both"""
    token_ids: np.ndarray
    """ids of compared rows, int64 (compared rows,), rising"""
    only_a: np.ndarray
    """token ids that only A has, int64, rising"""
    only_b: np.ndarray
    """token ids that only B has, int64, rising"""
    identical_rows: int
    """number of compared rows that are identical"""
    identical_values: int
    """number of values of compared rows that are identical"""
    incomparable_values: int
    """number of values of compared rows that are not comparable"""
    distance_counts: dict[int, int]
    """number of comparable values at each distance that occurs; long ones by powers of two"""
    largest_distance: int | None
    """largest distance, exact; None where no values are comparable"""
    moved_most: tuple[int, int] | None
    """token id of largest distance, the first of several, and that distance; None without a move"""
    moved_most_same_sign: tuple[int, int] | None
    """the same among values that kept their sign: from -x to x is most of the lattice, however
    small x is"""
    sign_flips: int
    """number of values of compared rows whose sign is another one, zeros apart"""
    lineage: Lineage
    """lineage of the black holes from A to B"""

    @cached_property
    def lineage_events(self) -> list[LineageEvent]:
        """Lineage events of all black holes that were not kept."""
        return lineage_events(self.lineage)

    def title(self) -> str:
        """Return what is identical, in numbers."""
        rows, alike = len(self.token_ids), self.identical_rows
        if self.identical:
            return f"{rows:,} rows of {self.dims:,} dims, identical"
        return f"{rows:,} rows of {self.dims:,} dims compared, {alike:,} identical"

    def head(self) -> list[str]:
        """Return the columns of the table of lineage events."""
        return ["event", "changed", "tokens in A", "tokens in B"]

    def body(self) -> list[list[Any]]:
        """Return the events of the largest changes."""
        return [
            [each.what, each.changed, *(sum(side.tokens) for side in (each.before, each.after))]
            for each in self.lineage_events[:MOST_ROWS]
        ]

    def last_line(self) -> str:
        """Return what became of the black holes."""
        return ", ".join(f"{word} {n:,}" for word, n in self.lineage.counts.items() if n)

    @property
    def identical(self) -> bool:
        """True where the matrices are identical."""
        return self.rows == (self.identical_rows,) * 2

    @property
    def differing_values(self) -> int:
        """Number of values of compared rows that are not identical."""
        return len(self.token_ids) * self.dims - self.identical_values

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `drift compare`, without the sources."""
        moved, kept = (
            each and {"token_id": each[0], "distance": each[1]}
            for each in (self.moved_most, self.moved_most_same_sign)
        )
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
            "moved_most": moved,
            "moved_most_same_sign": kept,
            "sign_flips": self.sign_flips,
            "distance_counts": {str(key): n for key, n in self.distance_counts.items()},
            **self.lineage.as_json(),
            "changes": [event.as_json() for event in self.lineage_events],
        }


def _most(token_ids: np.ndarray, apart: np.ndarray) -> tuple[int, int] | None:
    """Return the first token of the largest distance, and that; None where all are 0."""
    if not apart.any():
        return None
    most = int(np.argmax(apart))
    return int(token_ids[most]), int(apart[most])


def compare(a: Matrix, b: Matrix) -> Comparison:
    """Compare rows of equal token ids.

    Raises BadInput where format or dims differ, and where it would need too much memory.
    """
    dims = a.codes.shape[1]
    for what, of_a, of_b in (
        ("format", a.format.name, b.format.name),
        ("dims", f"{dims:,}", f"{b.codes.shape[1]:,}"),
    ):
        if of_a != of_b:
            found = f"{what} is {of_a} in {a.label}, {of_b} in {b.label}"
            more = "; --format rounds to one first" if what == "format" else ""
            raise BadInput(f"{found}; it must be the same in both{more}")
    needed = _PER_ROW * (len(a.codes) + len(b.codes)) + _PER_DIM * dims
    check_memory(needed, f"comparing {a.label} with {b.label}")
    token_ids, rows_a, rows_b = np.intersect1d(
        a.token_ids, b.token_ids, assume_unique=True, return_indices=True
    )
    looked = Differences.between(a, rows_a, b, rows_b)
    holes = other = Holes.among(a, rows_a, looked.finite_a)
    if not looked.same.all():
        other = Holes.among(b, rows_b, looked.finite_b)
    counts, apart = looked.histogram.counts(), looked.apart
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
        moved_most=_most(token_ids, apart),
        moved_most_same_sign=_most(token_ids, looked.within),
        sign_flips=int(looked.flips.sum()),
        lineage=Lineage(token_ids, holes, other),
    )
