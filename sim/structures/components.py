"""The components of a cloud: groups of cells that are joined by chains of adjacent ones.

node        a cell, as part of the graph whose edges join adjacent ones
isolated    a cell that is in no component
core        the cells of a component that holds a black hole, and isolated black holes
density     edges over the pairs of a component's nodes
clustering  of a node: edges among its neighbours over their pairs, 0 where it has
            fewer than two; of a component: the mean over its nodes (Watts and
            Strogatz, Nature 393, 1998)
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph


@dataclass(frozen=True)
class GraphComponents:
    """The components of a graph, numbered from 0 in no particular order."""

    of_node: np.ndarray
    """component of each node, int64 (nodes,)"""
    nodes: np.ndarray
    """number of nodes, int64 (components,)"""
    edges: np.ndarray
    """number of edges, int64 (components,)"""
    clustering: np.ndarray
    """mean clustering of the nodes, float64 (components,)"""

    @property
    def density(self) -> np.ndarray:
        """Density of each component, float64 (components,); 0 for a single node."""
        pairs = self.nodes * (self.nodes - 1) / 2
        return np.divide(self.edges, pairs, out=np.zeros(len(pairs)), where=pairs > 0)


def graph_components(nodes: int, edges: np.ndarray) -> GraphComponents:
    """Return the components of a graph; `edges`, (edges, 2), has each edge once."""
    of_node = connected(nodes, edges)
    degree = np.bincount(edges.ravel(), minlength=nodes)
    pairs = degree * (degree - 1.0) / 2
    local = np.divide(_triangles(nodes, edges), pairs, out=np.zeros(nodes), where=pairs > 0)
    count = np.bincount(of_node)
    return GraphComponents(
        of_node,
        count,
        np.bincount(of_node[edges[:, 0]], minlength=len(count)),
        np.bincount(of_node, local) / count,
    )


def connected(nodes: int, edges: np.ndarray) -> np.ndarray:
    """Return the component of each node alone, int64 (nodes,), as in GraphComponents."""
    _, of_node = csgraph.connected_components(_adjacency(nodes, edges), directed=False)
    return of_node.astype(np.int64)


def _adjacency(nodes: int, edges: np.ndarray) -> sparse.csr_array:
    """Return the matrix with a 1 for each edge, from its first node to its second."""
    a, b = edges.T
    return sparse.csr_array((np.ones(len(edges), np.int64), (a, b)), shape=(nodes, nodes))


_BLOCK = 1 << 22
"""Paths of two edges that are looked at together, about."""


def _triangles(nodes: int, edges: np.ndarray) -> np.ndarray:
    """Count the triangles that each node is in, int64 (nodes,)."""
    # Edges lead to the node of higher degree, so that few leave any one: the number of paths of
    # two edges is then at most the number of edges to the power of 3/2.
    degree = np.bincount(edges.ravel(), minlength=nodes)
    rank = np.empty(nodes, np.int64)
    rank[np.argsort(degree, kind="stable")] = np.arange(nodes)
    upward = _adjacency(nodes, np.sort(rank[edges], axis=1))
    found = np.zeros(nodes, np.int64)
    # Of a triangle u -> v -> w, u -> w: one for each path between the ends of the edge u -> w ...
    for rows, closed in _closed_paths(upward, upward):
        found[rows] += closed.sum(axis=1)
    # ... and one for each u that leads to both ends of the edge v -> w.
    for rows, closed in _closed_paths(upward.T.tocsr(), upward):
        found[rows] += closed.sum(axis=1)
        found += closed.sum(axis=0)
    return found[rank]


def _closed_paths(
    first: sparse.csr_array, upward: sparse.csr_array
) -> Iterator[tuple[slice, sparse.csr_array]]:
    """Give rows of the number of paths by an edge of `first` and one `upward`, in blocks.

    Only pairs of nodes are counted that an edge joins.
    """
    paths = np.cumsum(first @ np.diff(upward.indptr))
    start = 0
    while start < len(paths):
        before = paths[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(paths, before + _BLOCK)))
        rows = slice(start, stop)
        yield rows, (first[rows] @ upward).multiply(upward[rows])
        start = stop


@dataclass(frozen=True)
class Isolated:
    """All isolated cells together."""

    nodes: int
    """number of cells"""
    tokens: int
    """number of tokens in them"""
    core: int
    """number of cells that are core: the black holes"""
    black_holes: int
    """number of black holes"""

    @classmethod
    def of(cls, population: np.ndarray, edges: np.ndarray) -> "Isolated":
        """Return the isolated ones of cells of these populations, int64 (cells,)."""
        alone = np.ones(len(population), bool)
        alone[edges] = False
        holes = int(np.count_nonzero(population[alone] > 1))
        tokens = int(population[alone].sum())
        return cls(int(np.count_nonzero(alone)), tokens, core=holes, black_holes=holes)

    def as_json(self) -> dict[str, int]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Component:
    """A component of two cells or more."""

    cells: np.ndarray
    """numbers of its cells as in sim.counting.cells, int64 (nodes,), rising"""
    tokens: int
    """number of tokens"""
    black_holes: int
    """number of black holes"""
    edges: int
    """number of pairs of adjacent cells"""
    density: float
    """edges over all pairs of its cells"""
    clustering: float
    """mean clustering of its cells"""

    @property
    def nodes(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @property
    def core(self) -> int:
        """Number of cells that are core: all or none."""
        return self.nodes if self.black_holes else 0

    def as_json(self) -> dict[str, Any]:
        """Return a row of the table, as JSON values."""
        names = ("nodes", "tokens", "core", "black_holes", "edges", "density", "clustering")
        return {name: getattr(self, name) for name in names}


def components(population: np.ndarray, edges: np.ndarray) -> list[Component]:
    """Return components of two cells or more, by most cells, most tokens, then first token.

    `population`, int64 (cells,), counts the tokens of each cell, and cells are numbered
    by their first tokens; `edges`, int64 (edges, 2), are the adjacent ones.
    """
    found = graph_components(len(population), edges)
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
