"""The structure of a cloud: its black holes, the components they lie in, and distances.

cell       an occupied point of the lattice (sim.counting.cells numbers and orders them)
component  two cells or more that are joined by chains of adjacent ones (sim.structures.components);
           most cells first, then most tokens, then first token
black hole a cell of two tokens or more; most tokens first, then first token
distance   the most lattice steps in any dimension (L-infinity); adjacent: 1
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drift.kernels import distances
from drift.kernels.neighbours import Crowded, Progress, adjacent
from drift.sim.counting.cells import Cells
from drift.sim.devices.host_memory import check_memory
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.results.equality import same
from drift.sim.results.page import MOST_ROWS as MOST_ROWS_SHOWN
from drift.sim.results.page import ShownAsTable
from drift.sim.structures.black_holes import BlackHole, black_hole
from drift.sim.structures.components import Component, Isolated, components
from drift.sim.structures.token_texts import TokenTexts, texts_of_model

MOST_CELLS = 2_000
"""Most cells whose pairs are counted at all distances; of more, at distance 1 alone."""
MOST_ROWS = 200
"""Most rows of a matrix of distances."""
_COLUMNS = ("nodes", "tokens", "core", "black_holes", "edges")
_PER_ROW, _PER_VALUE = 320, 20
"""Bytes of memory for each row, measured where all are in pairs, and for each value of the cells
whose pairs are counted."""


@dataclass(frozen=True, repr=False, eq=False)
class Structure(ShownAsTable):
    """The structure of a matrix; distances are computed when they are first read."""

    matrix: Matrix
    """the matrix itself"""
    occupied: Cells
    """its occupied cells, which hold the finite rows"""
    edges: np.ndarray
    """pairs of adjacent cells, the smaller number first, sorted, int64 (edges, 2)"""
    components: list[Component]
    """components, in the order above"""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        if self.matrix.format != other.matrix.format or self.cells != other.cells:
            return False
        cells = np.arange(self.cells)
        return (
            same(self.occupied.tokens, other.occupied.tokens)
            and same(self.occupied.ends, other.occupied.ends)
            and same(self.matrix.token_ids, other.matrix.token_ids)
            and same(self.codes(cells), other.codes(cells))
        )

    def __hash__(self) -> int:
        return hash((self.tokens, self.cells))

    def title(self) -> str:
        """Return its cells, black holes and components in numbers."""
        holes, parts = len(self.occupied.holes), len(self.components)
        return (
            f"{self.tokens:,} tokens in {self.cells:,} cells, {holes:,} black holes,"
            f" {parts:,} components"
        )

    def head(self) -> tuple[str, ...]:
        """Return the columns of the table of components."""
        return ("component", "nodes", "tokens", "core", "black holes", "edges")

    def body(self) -> list[tuple[Any, ...]]:
        """Return the first components, and what is isolated."""
        alone = self.isolated.as_json()
        found = [each.as_json() for each in self.components[: MOST_ROWS_SHOWN - 1]]
        rows: list[tuple[Any, ...]] = [
            (k, *(each[name] for name in _COLUMNS)) for k, each in enumerate(found, 1)
        ]
        return [*rows, ("isolated", *(alone.get(name) for name in _COLUMNS))]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the populations of the black holes, falling."""
        populations = self.occupied.population[self.occupied.holes]
        return {"populations of the black holes": populations.tolist()}

    @property
    def tokens(self) -> int:
        """Number of tokens in cells."""
        return len(self.occupied.tokens)

    @property
    def cells(self) -> int:
        """Number of occupied cells."""
        return len(self.occupied)

    @cached_property
    def isolated(self) -> Isolated:
        """The cells that are in no component, together."""
        return Isolated.of(self.occupied, self.edges, self.matrix.token_ids)

    @cached_property
    def black_holes(self) -> list[BlackHole]:
        """All black holes, in the order above."""
        holes = self.occupied.holes.tolist()
        return [black_hole(self.matrix, self.occupied, k, self.texts) for k in holes]

    @property
    def texts(self) -> TokenTexts | None:
        """The texts of its token ids, where the rows' model has a tokenizer; else None."""
        return self._texts[0]

    @cached_property
    def _texts(self) -> tuple[TokenTexts | None, str]:
        """The texts, and a line on why there are none where there might be."""
        return texts_of_model(self.matrix.model)

    @cached_property
    def black_hole_distance(self) -> np.ndarray | None:
        """Distances of black holes, int64 (holes, holes); None for more than MOST_ROWS."""
        if len(self.occupied.holes) > MOST_ROWS:
            return None
        return self.distance(self.occupied.holes)

    @cached_property
    def component_distance(self) -> np.ndarray | None:
        """The smallest distance from a cell of one component to one of another.

        int64 (components, components), 0 on the diagonal; None for more than MOST_ROWS.
        """
        count = len(self.components)
        if count > MOST_ROWS:
            return None
        found = np.zeros((count, count), np.int64)
        ordinals = [self._ordinals(component.cells) for component in self.components]
        for i in range(count):
            for j in range(i):
                found[i, j] = found[j, i] = distances.closest(ordinals[i], ordinals[j])
        return found

    @cached_property
    def pairs_at_distance(self) -> dict[int, int]:
        """Number of pairs of cells at each distance; at 1 alone for more than MOST_CELLS cells."""
        if self.cells > MOST_CELLS:
            return {1: len(self.edges)}
        return distances.count_by_distance(self._ordinals(np.arange(self.cells)))

    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Return the distances between these cells, int64 (cells, cells)."""
        ordinals = self._ordinals(cells)
        return distances.between(ordinals, ordinals)

    def codes(self, cells: np.ndarray) -> np.ndarray:
        """Return the codes of these cells, int64 (cells,), in the storage type, (cells, dims)."""
        return self.matrix.codes[self.occupied.first[cells]]

    @property
    def notes(self) -> list[str]:
        """Lines on what the codes stand for, and on what is left out, being too much."""
        found = [note for note in (self.matrix.note, self._texts[1]) if note]
        if self.cells > MOST_CELLS:
            beyond = f"pairs beyond distance 1 are counted up to {MOST_CELLS:,} cells"
            found.append(f"{self.cells:,} cells: {beyond}")
        holes, parts = len(self.occupied.holes), len(self.components)
        for what, count in (("black holes", holes), ("components", parts)):
            if count > MOST_ROWS:
                found.append(f"{count:,} {what}: their distances are given up to {MOST_ROWS:,}")
        return found

    def as_json(self, selection: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON of `drift structure`; `selection` says how tokens were chosen."""
        holes, apart = self.black_hole_distance, self.component_distance
        return {
            "tokens": self.tokens,
            "cells": self.cells,
            "selection": selection,
            "components": [self._with_tokens(component) for component in self.components],
            "isolated": self._with_tokens(self.isolated),
            "black_holes": [hole.as_json() for hole in self.black_holes],
            "black_hole_distance": None if holes is None else holes.tolist(),
            "component_distance": None if apart is None else apart.tolist(),
            "pairs_at_distance": {str(d): n for d, n in self.pairs_at_distance.items()},
        }

    def _with_tokens(self, part: Component | Isolated) -> dict[str, Any]:
        """Return the JSON of cells with the ids of their tokens, and texts where there are any."""
        texts = {} if self.texts is None else {"texts": self.texts.of(part.token_ids)}
        return {**part.as_json(), "token_ids": part.token_ids.tolist(), **texts}

    def _ordinals(self, cells: np.ndarray) -> np.ndarray:
        return self.matrix.format.ordinal(self.codes(cells))


def structure_of(matrix: Matrix, told: Progress = lambda done, total: None) -> Structure:
    """Return the structure of `matrix`; rows that are not finite are in no cell.

    `told` hears how many cells of how many have found their neighbours. Raises
    BadInput where more pairs of cells are adjacent than a graph can hold, and where it would need
    too much memory.
    """
    target, (count, dims) = matrix.format, matrix.codes.shape
    check_memory(_PER_ROW * count + _PER_VALUE * min(count, MOST_CELLS) * dims, matrix.label)
    rows = np.flatnonzero(matrix.finite())
    cells = Cells.in_matrix(rows, matrix)
    try:
        edges = adjacent(matrix.codes, cells.first, target, told)
    except Crowded as error:
        raise BadInput(
            f"{matrix.label}: more than {error.args[0]:,} pairs of its {len(cells):,} cells are"
            " adjacent; select fewer tokens with --near and --exponents"
        ) from error
    return Structure(matrix, cells, edges, components(cells, edges, matrix.token_ids))
