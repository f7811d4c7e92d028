"""The structure of a cloud: its black holes, the components they lie in, and distances.

cell       an occupied point of the lattice (sim.grouped numbers and orders them)
component  two cells or more that are joined by chains of adjacent ones;
           most cells first, then most tokens, then first token
isolated   a cell that is in no component
core       the cells of a component that holds a black hole, and isolated black holes
distance   the most lattice steps in any dimension (L-infinity); adjacent: 1
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import distances
from kernels.neighbours import Crowded, Told, adjacent
from sim import graph
from sim.counting import leaders
from sim.errors import BadInput
from sim.grouped import Grouped
from sim.matrix import Matrix

MOST_CELLS = 2_000
"""Up to so many cells pairs are counted at every distance, beyond it at distance 1."""
MOST_ROWS = 200
"""Up to so many rows a matrix of distances is made."""


@dataclass(frozen=True)
class Component:
    """What is reported of a component."""

    cells: np.ndarray
    """int64 (nodes,), rising"""
    tokens: int
    black_holes: int
    edges: int
    density: float
    clustering: float

    def as_json(self) -> dict[str, Any]:
        """A row of the table; `core` is all nodes or none."""
        return {
            "nodes": len(self.cells),
            "tokens": self.tokens,
            "core": len(self.cells) if self.black_holes else 0,
            "black_holes": self.black_holes,
            "edges": self.edges,
            "density": self.density,
            "clustering": self.clustering,
        }


@dataclass(frozen=True)
class Structure:
    """The cells of a matrix and how they lie."""

    matrix: Matrix
    cells: Grouped
    """the rows that are in a cell, that is, the finite ones"""
    edges: np.ndarray
    """int64 (edges, 2): adjacent cells, the smaller number first, sorted"""
    components: list[Component]

    def token_ids(self, cell: int) -> np.ndarray:
        """int64, rising."""
        return self.matrix.token_ids[self.cells.of(cell)]

    def codes(self, cells: np.ndarray) -> np.ndarray:
        """(cells, dims)"""
        return self.matrix.codes[self.cells.first[cells]]

    def norm(self, cell: int) -> float:
        """The Euclidean length of a cell's vector."""
        values = self.matrix.format.value(self.codes(np.array([cell]))[0])
        return math.sqrt(math.fsum((values * values).tolist()))

    def isolated(self) -> dict[str, int]:
        """What is reported of the isolated cells."""
        population = self.cells.population
        alone = np.ones(len(population), bool)
        alone[self.edges] = False
        holes = int(np.count_nonzero(population[alone] > 1))
        tokens = int(population[alone].sum())
        nodes = int(np.count_nonzero(alone))
        return {"nodes": nodes, "tokens": tokens, "core": holes, "black_holes": holes}

    def distance(self, cells: np.ndarray) -> np.ndarray:
        """The distances between these cells, int64 (cells, cells)."""
        ordinals = self._ordinals(cells)
        return distances.between(ordinals, ordinals)

    def hole_distance(self) -> np.ndarray | None:
        """int64 (black holes, black holes); None for more than MOST_ROWS."""
        if len(self.cells.holes) > MOST_ROWS:
            return None
        return self.distance(self.cells.holes)

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

    def pairs_at_distance(self) -> dict[int, int]:
        """How many pairs of cells are at each distance; at 1 alone beyond MOST_CELLS cells."""
        if len(self.cells) > MOST_CELLS:
            return {1: len(self.edges)}
        return distances.counted(self._ordinals(np.arange(len(self.cells))))

    def _ordinals(self, cells: np.ndarray) -> np.ndarray:
        return self.matrix.format.ordinal(self.codes(cells))


def structure(matrix: Matrix, told: Told = lambda done, total: None) -> Structure:
    """Find the cells of `matrix` and how they lie; rows that are not finite are in none.

    `told` hears how many cells of how many have found their neighbours. Raises
    BadInput where more pairs of cells are adjacent than a graph can hold.
    """
    target = matrix.format
    rows = np.flatnonzero(matrix.finite())
    cells = Grouped.led_by(rows, leaders(rows, matrix.codes, target))
    try:
        edges = adjacent(matrix.codes, cells.first, target, told)
    except Crowded as error:
        raise BadInput(
            f"{matrix.label}: more than {error.args[0]:,} pairs of its {len(cells):,} cells are"
            " adjacent; select fewer tokens with --near and --exponents"
        ) from error
    return Structure(matrix, cells, edges, _components(cells.population, edges))


def _components(population: np.ndarray, edges: np.ndarray) -> list[Component]:
    """Of the graph on cells of these populations."""
    found = graph.components(len(population), edges)
    order = np.argsort(found.of_node, kind="stable")
    starts = np.concatenate([[0], np.cumsum(found.nodes)])
    density = found.density
    made = []
    for k in np.flatnonzero(found.nodes > 1):
        cells = order[starts[k] : starts[k + 1]]
        held = population[cells]
        holes, tokens = int(np.count_nonzero(held > 1)), int(held.sum())
        measures = int(found.edges[k]), float(density[k]), float(found.clustering[k])
        made.append(Component(cells, tokens, holes, *measures))
    return sorted(made, key=lambda each: (-len(each.cells), -each.tokens, each.cells[0]))
