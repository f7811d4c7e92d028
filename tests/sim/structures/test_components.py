"""Components, density and clustering against networkx."""

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.structures.components import graph_components


@given(st.integers(0, 25), st.sampled_from([0.02, 0.1, 0.3, 1.0]), st.integers(0, 2**32))
def test_components_are_those_of_networkx(nodes, chance, seed):
    rng = np.random.default_rng(seed)
    a, b = np.triu_indices(nodes, 1)
    edges = np.stack([a, b], axis=1)[rng.random(len(a)) < chance]
    found = graph_components(nodes, edges)
    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edges.tolist())
    members = [np.flatnonzero(found.of_node == k).tolist() for k in range(len(found.nodes))]
    assert sorted(members) == sorted(map(sorted, networkx.connected_components(graph)))
    for k, nodes_of_it in enumerate(members):
        part = graph.subgraph(nodes_of_it)
        assert found.nodes[k] == len(part)
        assert found.edges[k] == part.number_of_edges()
        if len(part) > 1:
            assert found.density[k] == pytest.approx(networkx.density(part), rel=1e-14)
        mean = networkx.average_clustering(part)
        assert found.clustering[k] == pytest.approx(mean, rel=1e-12, abs=1e-15)
