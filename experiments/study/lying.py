"""A note of how the cells of a run's last snapshot lie.

span   of a dimension: from its least to its greatest lattice coordinate, over all cells
split  dimensions in which cells differ at all
"""

from typing import Any

import numpy as np

from drift.experiments.study.parts import Made, Note, Run
from drift.kernels import distances


def structure_of(run: Run) -> Note:
    """The note of a run that keeps its last snapshot."""
    asked = {"structure": run.drift.as_json()}
    return Note(f"structure-{run.name}", asked, lambda made: digest(made, run.name))


def digest(made: Made, name: str) -> dict[str, Any]:
    """Cells, black holes, components and distances, as plain values."""
    from drift.sim.open_matrix import open_matrix
    from drift.sim.structures import structure

    store = made.run(name)
    found = structure.structure_of(open_matrix(made.store(name)))
    target = found.matrix.format
    ordinals = target.ordinal(found.codes(np.arange(found.cells))).astype(np.int64)
    spans = np.ptp(ordinals, axis=0)
    holes = distances.counted(ordinals[found.occupied.holes])
    drift = store.attrs["spec"]
    smallest = float(np.min(np.abs(store.read("direction")))) * drift["radius"]
    return {
        "cells": found.cells,
        "populations": np.sort(found.occupied.population[found.occupied.holes])[::-1].tolist(),
        "singletons": int(np.count_nonzero(found.occupied.population == 1)),
        "components": [component.as_json() for component in found.components],
        "isolated": found.isolated.as_json(),
        "edges": len(found.edges),
        "hole_pairs_at_distance": {str(d): n for d, n in holes.items()},
        "pairs_at_distance": {str(d): n for d, n in found.pairs_at_distance.items()},
        "split": int(np.count_nonzero(spans)),
        "widest_span": int(spans.max()),
        "smallest_target": smallest,
        "spacing_there": float(target.ulp(np.array([smallest]))[0]),
    }
