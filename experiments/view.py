"""A cloud as it is seen in the plane of two of its dimensions.

view     where the tokens of one cloud lie in the plane
shown    a token that is finite, and selected
hole     a black hole that has a colour: one of the largest, numbered from 0; the
         tokens of all other cells have the number of holes
plane    two dimensions, counted from 0; chosen, they are those that tell most cells
         apart, the second most of what the first does not
"""

from dataclasses import dataclass

import numpy as np

from drift.kernels.formats import Format
from drift.sim.counting.cells import Grouped
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import Matrix

_SAMPLE = 4096
"""Cells by which a plane is chosen: the first so many."""
_BLOCK_BYTES = 1 << 24
"""Dimensions are looked at in blocks of this size."""


@dataclass(frozen=True)
class View:
    """Where the shown tokens of a cloud are, in a plane."""

    format: Format
    codes: np.ndarray
    """(tokens, 2), of the format's storage type"""
    hole: np.ndarray
    """int64 (tokens,)"""
    holes: int
    """how many have a colour"""

    def spots(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is drawn: values (spots, 2), hole, and tokens up to it, int64 (spots,) each.

        The tokens of each hole in one place are a spot. In a place the holes come
        first that have the fewest tokens there, and those without a colour last.
        """
        keys = np.column_stack([self.format.coordinate(self.codes), self.hole])
        keys, tokens = np.unique(keys, axis=0, return_counts=True)
        place = np.unique(keys[:, :2], axis=0, return_inverse=True)[1].ravel()
        order = np.lexsort([tokens, keys[:, 2] == self.holes, place])
        keys, tokens, place = keys[order], tokens[order], place[order]
        running = np.cumsum(tokens)
        begins = np.searchsorted(place, place)
        values = self.format.value(self.format.code_at(keys[:, :2]))
        return values, keys[:, 2], running - (running - tokens)[begins]


@dataclass(frozen=True)
class Sight:
    """What of a cloud is looked at, wherever its tokens are."""

    token_ids: np.ndarray
    """int64 (tokens,), rising, of those that are shown"""
    hole: np.ndarray
    """int64 (tokens,)"""
    populations: np.ndarray
    """int64 (holes,), falling: of those that have a colour"""
    cells: int
    """all of them"""
    plane: tuple[int, ...]
    """two dimensions"""

    @classmethod
    def of(cls, matrix: Matrix, most: int, plane: tuple[int, ...] | None) -> "Sight":
        """That of `matrix`, with at most so many holes.

        Raises BadInput where no row is finite, and for a plane that it does not have.
        """
        rows = np.flatnonzero(matrix.finite())
        label, dims = printable(matrix.label, 200), matrix.codes.shape[1]
        if not len(rows):
            raise BadInput(f"{label}: no row is finite; there is nothing to draw")
        if dims < 2:
            raise BadInput(f"{label}: a plane has two dimensions, and this has {dims}")
        if plane is not None and not (
            len(plane) == len(set(plane)) == 2 and min(plane) >= 0 and max(plane) < dims
        ):
            named = ",".join(map(str, plane))
            raise BadInput(f"plane is {named}; it must be two dimensions of 0 ... {dims - 1}")
        cells = Grouped.in_matrix(rows, matrix)
        coloured = cells.holes[:most]
        hole = np.full(len(matrix.codes), len(coloured))
        for number, cell in enumerate(coloured.tolist()):
            hole[cells.of(cell)] = number
        return cls(
            matrix.token_ids[rows],
            hole[rows],
            cells.population[coloured],
            len(cells),
            plane or telling(matrix.codes[cells.first[:_SAMPLE]], matrix.format),
        )

    def view(self, matrix: Matrix) -> View:
        """Where in `matrix` the tokens are; it may have more, and may lack some."""
        known = np.isin(self.token_ids, matrix.token_ids)
        rows = np.searchsorted(matrix.token_ids, self.token_ids[known])
        codes = matrix.codes[rows[:, None], list(self.plane)]
        return View(matrix.format, codes, self.hole[known], len(self.populations))


def telling(codes: np.ndarray, target: Format) -> tuple[int, int]:
    """The plane that tells most of the cells apart whose `codes`, (cells, dims), these are."""
    first = int(np.argmin(_alike(codes, target, np.zeros(len(codes), np.int64))))
    group = np.unique(target.coordinate(codes[:, first]), return_inverse=True)[1]
    left, alone = (_alike(codes, target, each) for each in (group, np.zeros_like(group)))
    best = np.lexsort([alone, left])  # the smallest of dimensions that are as good
    return first, int(best[best != first][0])


def _alike(codes: np.ndarray, target: Format, group: np.ndarray) -> np.ndarray:
    """How many ordered pairs each dimension leaves together of cells of a group, int64 (dims,)."""
    cells, dims = codes.shape
    width, found = max(1, _BLOCK_BYTES // (8 * cells)), []
    for start in range(0, dims, width):
        coordinates = target.coordinate(codes[:, start : start + width])
        keys = np.sort((group[:, None] << target.width) + coordinates, axis=0)
        for column in keys.T:
            ends = np.flatnonzero(np.diff(column, append=column[-1] + 1))
            found.append(int(np.square(np.diff(ends, prepend=-1)).sum()))
    return np.array(found)
