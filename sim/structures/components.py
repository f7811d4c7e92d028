"""The components of a cloud: groups of cells that are joined by chains of adjacent ones.

node        a cell, as part of the graph whose edges join adjacent ones
isolated    a cell that is in no component
core        the cells of a component that holds a black hole, and isolated black holes
density     edges over the pairs of a component's nodes
clustering  of a node: edges among its neighbours over their pairs, 0 where it has
            fewer than two; of a component: the mean over its nodes (Watts and
            Strogatz, Nature 393, 1998)
"""

from dataclasses import asdict, dataclass
from typing import Any

import networkit
import numpy as np


@dataclass(frozen=True)
class GraphComponents:
    """The components of a graph, numbered from 0 in no particular order."""

    of_node: np.ndarray
    """int64 (nodes,): the component of each node"""
    nodes: np.ndarray
    """int64 (components,)"""
    edges: np.ndarray
    """int64 (components,)"""
    clustering: np.ndarray
    """float64 (components,), the mean of the nodes' coefficients"""

    @property
    def density(self) -> np.ndarray:
        """float64 (components,); 0 of a single node."""
        pairs = self.nodes * (self.nodes - 1) / 2
        return np.divide(self.edges, pairs, out=np.zeros(len(pairs)), where=pairs > 0)


def graph_components(nodes: int, edges: np.ndarray) -> GraphComponents:
    """The components of a graph of `nodes` nodes whose `edges`, (edges, 2), are each once there."""
    graph = _graph(nodes, edges)
    of_node = _connected(graph)
    graph.sortEdges()
    local = networkit.centrality.LocalClusteringCoefficient(graph, turbo=len(edges) > 0)
    local.run()
    count = np.bincount(of_node)
    return GraphComponents(
        of_node,
        count,
        np.bincount(of_node[edges[:, 0]], minlength=len(count)),
        np.bincount(of_node, np.nan_to_num(local.scores())) / count,
    )


def connected(nodes: int, edges: np.ndarray) -> np.ndarray:
    """Of such a graph, int64 (nodes,): the component of each node alone."""
    return _connected(_graph(nodes, edges))


def _graph(nodes: int, edges: np.ndarray) -> networkit.Graph:
    a, b = (np.ascontiguousarray(ends, np.uint64) for ends in edges.T)
    return networkit.GraphFromCoo((a, b), n=nodes, weighted=False, directed=False)


def _connected(graph: networkit.Graph) -> np.ndarray:
    found = networkit.components.ConnectedComponents(graph)
    found.run()
    return np.asarray(found.getPartition().getVector(), np.int64)


@dataclass(frozen=True)
class Isolated:
    """The cells that are in no component, together; the names are those of the JSON."""

    nodes: int
    tokens: int
    core: int
    black_holes: int

    @classmethod
    def of(cls, population: np.ndarray, edges: np.ndarray) -> "Isolated":
        """Those of cells of these populations, int64 (cells,), that no edge touches."""
        alone = np.ones(len(population), bool)
        alone[edges] = False
        holes = int(np.count_nonzero(population[alone] > 1))
        tokens = int(population[alone].sum())
        return cls(int(np.count_nonzero(alone)), tokens, core=holes, black_holes=holes)

    def as_json(self) -> dict[str, int]:
        """The fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Component:
    """What is reported of a component; but for `cells` the names are those of the JSON."""

    cells: np.ndarray
    """int64 (nodes,), rising: their numbers in sim.counting.cells"""
    tokens: int
    black_holes: int
    edges: int
    density: float
    clustering: float

    @property
    def nodes(self) -> int:
        """How many cells it has."""
        return len(self.cells)

    @property
    def core(self) -> int:
        """All nodes or none."""
        return self.nodes if self.black_holes else 0

    def as_json(self) -> dict[str, Any]:
        """A row of the table, as plain JSON values."""
        names = ("nodes", "tokens", "core", "black_holes", "edges", "density", "clustering")
        return {name: getattr(self, name) for name in names}


def components(population: np.ndarray, edges: np.ndarray) -> list[Component]:
    """Those of two cells and more, most cells first, then most tokens, then first token.

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
