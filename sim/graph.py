"""The adjacency graph of occupied cells, as a graph library sees it.

component   cells that are joined by a chain of adjacent ones
density     edges over the pairs of a component's nodes
clustering  of a node: edges among its neighbours over their pairs, 0 where it has
            fewer than two; of a component: the mean over its nodes (Watts and
            Strogatz, Nature 393, 1998)
"""

from dataclasses import dataclass

import networkit
import numpy as np


@dataclass(frozen=True)
class Components:
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


def components(nodes: int, edges: np.ndarray) -> Components:
    """The components of a graph of `nodes` nodes whose `edges`, (edges, 2), are each once there."""
    graph = _graph(nodes, edges)
    of_node = _connected(graph)
    graph.sortEdges()
    local = networkit.centrality.LocalClusteringCoefficient(graph, turbo=len(edges) > 0)
    local.run()
    count = np.bincount(of_node)
    return Components(
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
