"""Structures of kept runs and of the observed cloud, in one form, and their distances as a table.

source  name of a run, or OBSERVED
digest  cells, black holes, components and distances, as plain values (.plan)
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from drift.experiments import observed
from drift.experiments.studies.rows import Row

OBSERVED = "observed"
_COMPONENT = ("nodes", "tokens", "core", "black_holes", "edges", "density", "clustering")


def structures(runs: Iterable[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Yield the source and the digest of each run, and at last those of the observed cloud."""
    for run in runs:
        names = ("direction_seed", "sigma")
        yield {"source": run["name"], **{name: run[name] for name in names}}, run["digest"]
    yield {"source": OBSERVED, "direction_seed": None, "sigma": None}, _observed()


def _observed() -> dict[str, Any]:
    seen = observed.qwen3_4b()
    matrix = np.array(seen["black_hole_distance"]["matrix"])
    pairs = Counter(matrix[np.triu_indices(len(matrix), 1)].tolist())
    rows = seen["components"]["rows"]
    return {
        "cells": seen["selection"]["cells"],
        "populations": seen["black_hole_populations"],
        "components": [dict(zip(_COMPONENT, row, strict=True)) for row in rows],
        "pairs_at_distance": seen["pairs_at_distance"],
        "hole_pairs_at_distance": {str(d): pairs[d] for d in sorted(pairs)},
    }


def distance_table(
    shown: Sequence[tuple[Row, dict[str, Any]]], pairs: str, total: str
) -> dict[str, Any]:
    """Return the pairs at each distance, a row for each structure.

    `pairs` and `total` name what a digest has: pairs by distance, and how many things (or a list
    of them) make the pairs. `farther` is how many are farther apart than any of the `distances`.
    """
    known = [digest[pairs] for _, digest in shown]
    distances = range(1, max((int(d) for there in known for d in there), default=1) + 1)
    found = []
    for (source, digest), there in zip(shown, known, strict=True):
        many = digest[total] if isinstance(digest[total], int) else len(digest[total])
        counted = [there.get(str(distance), 0) for distance in distances]
        farther = many * (many - 1) // 2 - sum(there.values())
        found.append({"source": source, "pairs": counted, "farther": farther})
    return {"distances": list(distances), "rows": found}
