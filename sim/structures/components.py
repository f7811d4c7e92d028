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
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from drift.sim.counting.cells import Cells
from drift.sim.results.equality import ComparedByFields


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


@dataclass(frozen=True, eq=False)
class Isolated(ComparedByFields):
    """All isolated cells together."""

    nodes: int
    """number of cells"""
    tokens: int
    """number of tokens in them"""
    core: int
    """number of cells that are core: the black holes"""
    black_holes: int
    """number of black holes"""
    token_ids: np.ndarray = field(repr=False)
    """ids of the tokens in them, int64 (tokens,), rising"""

    @classmethod
    def of(cls, cells: Cells, edges: np.ndarray, ids: np.ndarray) -> "Isolated":
        """Return the isolated ones of `cells`, whose tokens have these `ids`, int64 (tokens,)."""
        is_alone = np.ones(len(cells), bool)
        is_alone[edges] = False
        alone = np.flatnonzero(is_alone)
        holes = int(np.count_nonzero(cells.population[alone] > 1))
        found = ids[cells.of_several(alone)]
        return cls(len(alone), len(found), core=holes, black_holes=holes, token_ids=found)

    def as_json(self) -> dict[str, int]:
        """Return the counts as JSON values."""
        return {name: getattr(self, name) for name in ("nodes", "tokens", "core", "black_holes")}


@dataclass(frozen=True, eq=False)
class Component(ComparedByFields):
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
    token_ids: np.ndarray = field(repr=False)
    """ids of its tokens, int64 (tokens,), rising"""

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


def components(cells: Cells, edges: np.ndarray, ids: np.ndarray) -> list[Component]:
    """Return components of two cells or more, by most cells, most tokens, then first token.

    `edges`, int64 (edges, 2), are the adjacent ones of `cells`; `ids`, int64 (rows,), are the
    token ids of the rows whose numbers `cells` has.
    """
    found = graph_components(len(cells), edges)
    order = np.argsort(found.of_node, kind="stable")
    starts = np.concatenate([[0], np.cumsum(found.nodes)])
    density, population = found.density, cells.population
    made = []
    for k in np.flatnonzero(found.nodes > 1):
        inside = order[starts[k] : starts[k + 1]]
        tokens, holes = ids[cells.of_several(inside)], population[inside] > 1
        counts = len(tokens), int(np.count_nonzero(holes)), int(found.edges[k])
        measures = float(density[k]), float(found.clustering[k])
        made.append(Component(inside, *counts, *measures, token_ids=tokens))
    return sorted(made, key=lambda each: (-len(each.cells), -each.tokens, each.cells[0]))
