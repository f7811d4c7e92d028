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
    a, b = edges.T
    graph = networkit.GraphFromCoo(
        (a.astype(np.uint64), b.astype(np.uint64)), n=nodes, weighted=False, directed=False
    )
    found = networkit.components.ConnectedComponents(graph)
    found.run()
    partition = found.getPartition()
    of_node = np.asarray(partition.getVector(), np.int64)
    graph.sortEdges()
    local = networkit.centrality.LocalClusteringCoefficient(graph, turbo=len(edges) > 0)
    local.run()
    count = np.bincount(of_node)
    return Components(
        of_node,
        count,
        np.bincount(of_node[a], minlength=len(count)),
        np.bincount(of_node, np.nan_to_num(local.scores())) / count,
    )
