"""Tokens in the plane of two dimensions: which, where, and in which black hole.

shown    of a token: its row is finite, and it is selected
hole     one of the largest black holes, which has a colour; holes are numbered from 0, and tokens
         in other cells have the number of holes
plane    two dimensions, counted from 0. By default the first is the one that tells most cells
         apart, and the second tells most of the others apart
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from drift.kernels.formats import Format
from drift.sim.checkpoints.selection import select
from drift.sim.counting.cells import Cells
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import Matrix
from drift.sim.spec.origin import EXPONENTS

_SAMPLE = 4096
"""Most cells by which the default plane is chosen, the first ones."""
_BLOCK_BYTES = 1 << 24
"""Bytes of the dimensions that are examined together."""


@dataclass(frozen=True)
class TokensInPlane:
    """The shown tokens of one cloud in a plane."""

    format: Format
    """format of the codes"""
    codes: np.ndarray
    """codes in the two dimensions, of the format's storage type, (tokens, 2)"""
    hole: np.ndarray
    """the hole of each token, int64 (tokens,)"""
    holes: int
    """number of holes"""

    def zoomed(self) -> "TokensInPlane":
        """Return the tokens in the smallest box around the holes, with some room beside it."""
        at = self.format.coordinate(self.codes).astype(np.int64)
        largest = at[self.hole == 0][0]
        beside = np.abs(at - largest).max(axis=1)
        held = beside[(self.hole < self.holes) & (beside <= _NEAREST)]
        inside = beside <= max(2, round(1.25 * int(held.max(initial=0))))
        return TokensInPlane(self.format, self.codes[inside], self.hole[inside], self.holes)

    def extent(self) -> np.ndarray:
        """Return the difference of the largest and the smallest value in both dimensions."""
        return np.ptp(self.format.value(self.codes).astype(np.float64), axis=0)

    def spots(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the discs to draw: values (spots, 2), holes and cumulated tokens, int64 (spots,).

        A spot is the tokens of one hole at one point of the plane. At each point the holes with
        the fewest tokens come first and tokens of no hole last; tokens are cumulated in that
        order, so that a disc drawn below another shows as a ring.
        """
        keys = np.column_stack([self.format.coordinate(self.codes), self.hole])
        keys, tokens = np.unique(keys, axis=0, return_counts=True)
        point = np.unique(keys[:, :2], axis=0, return_inverse=True)[1].ravel()
        order = np.lexsort([tokens, keys[:, 2] == self.holes, point])
        keys, tokens, point = keys[order], tokens[order], point[order]
        running = np.cumsum(tokens)
        begins = np.searchsorted(point, point)
        values = self.format.value(self.format.code_at(keys[:, :2]))
        return values, keys[:, 2], running - (running - tokens)[begins]


_NEAREST = 64
"""Most lattice steps from the largest black hole to others that are shown around it."""


class Surroundings(NamedTuple):
    """The tokens around the largest black hole of a matrix, and their plane."""

    tokens: Matrix
    """the tokens near it"""
    plane: tuple[int, int]
    """the plane that tells most of the black holes among them apart"""


def surroundings(matrix: Matrix) -> Surroundings | None:
    """Return what is around the largest black hole; None where it is all there is, or none is."""
    try:
        tokens = select(matrix, "largest", EXPONENTS)
    except BadInput:  # no two tokens share a cell, or the format has no exponents
        return None
    if len(tokens.codes) == len(matrix.codes) or tokens.codes.shape[1] < 2:
        return None
    cells = Cells.in_matrix(np.flatnonzero(tokens.finite()), tokens)
    shown = cells.holes if len(cells.holes) > 1 else np.arange(len(cells))
    codes = tokens.codes[cells.first[shown[:_SAMPLE]]]
    return Surroundings(tokens, most_telling_plane(codes, tokens.format))


@dataclass(frozen=True)
class CloudPlane:
    """The tokens, the holes and the plane that all panels of a figure share."""

    token_ids: np.ndarray
    """ids of the shown tokens, int64 (tokens,), rising"""
    hole: np.ndarray
    """the hole of each token, int64 (tokens,)"""
    populations: np.ndarray
    """tokens in each hole, int64 (holes,), falling"""
    cells: int
    """number of all occupied cells"""
    plane: tuple[int, ...]
    """the two dimensions, across and up"""

    @classmethod
    def of(cls, matrix: Matrix, most: int, plane: tuple[int, ...] | None) -> "CloudPlane":
        """Return the plane of `matrix`, with at most `most` holes.

        Raises BadInput where no row is finite, and for a plane that the matrix does not have.
        """
        rows = np.flatnonzero(matrix.finite())
        label, dims = printable(matrix.label, 200), matrix.codes.shape[1]
        if not len(rows):
            raise BadInput(f"{label}: no row is finite; there is nothing to draw")
        if dims < 2:
            raise BadInput(f"{label} has {dims} dimension; a plane needs two")
        if plane is not None and not (
            len(plane) == len(set(plane)) == 2 and min(plane) >= 0 and max(plane) < dims
        ):
            named = ",".join(map(str, plane))
            raise BadInput(f"plane is {named}; it must be two dimensions of 0 ... {dims - 1}")
        cells = Cells.in_matrix(rows, matrix)
        coloured = cells.holes[:most]
        hole = np.full(len(matrix.codes), len(coloured))
        for number, cell in enumerate(coloured.tolist()):
            hole[cells.of(cell)] = number
        return cls(
            matrix.token_ids[rows],
            hole[rows],
            cells.population[coloured],
            len(cells),
            plane or most_telling_plane(matrix.codes[cells.first[:_SAMPLE]], matrix.format),
        )

    def view(self, matrix: Matrix) -> TokensInPlane:
        """Return where the tokens are in `matrix`, which may hold others too, and lack some."""
        known = np.isin(self.token_ids, matrix.token_ids)
        rows = np.searchsorted(matrix.token_ids, self.token_ids[known])
        codes = matrix.codes[rows[:, None], list(self.plane)]
        return TokensInPlane(matrix.format, codes, self.hole[known], len(self.populations))


def most_telling_plane(codes: np.ndarray, target: Format) -> tuple[int, int]:
    """Return the plane that tells most of the cells with these `codes`, (cells, dims), apart."""
    first = int(np.argmin(_alike(codes, target, np.zeros(len(codes), np.int64))))
    group = np.unique(target.coordinate(codes[:, first]), return_inverse=True)[1]
    left, alone = (_alike(codes, target, each) for each in (group, np.zeros_like(group)))
    best = np.lexsort([alone, left])  # the smallest of dimensions that are as good
    return first, int(best[best != first][0])


def _alike(codes: np.ndarray, target: Format, group: np.ndarray) -> np.ndarray:
    """Return how many ordered pairs of a group's cells agree in each dimension, int64 (dims,)."""
    cells, dims = codes.shape
    width, found = max(1, _BLOCK_BYTES // (8 * cells)), []
    for start in range(0, dims, width):
        coordinates = target.coordinate(codes[:, start : start + width])
        keys = np.sort((group[:, None] << target.width) + coordinates, axis=0)
        for column in keys.T:
            ends = np.flatnonzero(np.diff(column, append=column[-1] + 1))
            found.append(int(np.square(np.diff(ends, prepend=-1)).sum()))
    return np.array(found)
