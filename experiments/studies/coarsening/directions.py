"""Many directions: what is expected along each, and how often that is near the observation.

row    what is expected along one direction for one sigma, after the last step
near   of a count: the observed one within the factor of .similarity
share  of directions, in percent of all
check  a simulated cloud beside what is expected along its direction
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from drift.experiments.studies.coarsening.similarity import BY, FACTOR
from drift.experiments.studies.parts import Note, StudyStores
from drift.experiments.studies.rows import Row, values, where
from drift.sim.spec.drift import Drift

COUNTS = ("black_holes", "largest", "singletons")
"""The observed counts that are looked for."""
_KEPT = {
    "cells": "distinct",
    "cells_error": "distinct_error",
    "black_holes": "black_holes",
    "held": "black_hole_tokens",
    "singletons": "singletons",
    "largest": "largest",
    "pairs": "pairs",
    "pairs_error": "pairs_error",
}
"""The expectations of a row, by the names of the study."""


def over_directions(name: str, drift: Drift, sigmas: Sequence[float], count: int) -> Note:
    """Return a note of the rows of directions 0 ... count - 1, and of the onset along each."""
    asked = {"drift": drift.as_json(), "sigmas": list(sigmas), "directions": count}

    def find(made: StudyStores) -> dict[str, Any]:
        from drift.sim.prediction.predict import predict

        rows: list[Row] = []
        onsets = []
        for number in range(count):
            found = predict(replace(drift, direction_seed=number), sigmas)
            onsets.append(found.onset_sigma)
            for point in found.curve:
                known = {**vars(point), "pairs": point.expected_pairs}
                row = {ours: known[theirs] for ours, theirs in _KEPT.items()}
                rows.append({"direction_seed": number, "sigma": point.sigma, **row})
        return {"rows": rows, "onsets": onsets}

    return Note(name, asked, find)


def near(row: Row, seen: Row, keys: Sequence[str]) -> bool:
    """Return whether some counts of a row are the observed ones, within the factor."""
    return all(seen[key] / FACTOR <= row[key] <= seen[key] * FACTOR for key in keys)


def shares(rows: Sequence[Row], seen: Row) -> list[Row]:
    """Return for each sigma the share of directions that come near each count, and near all."""
    found = []
    for sigma in values(rows, "sigma"):
        there = where(rows, sigma=sigma)
        each: Row = {"sigma": sigma, "directions": len(there)}
        for what, keys in {
            **{key: (key,) for key in COUNTS},
            "similar": BY,
            "similar_largest": (*BY, "largest"),
            "all": (*BY, *COUNTS),
        }.items():
            each[what] = sum(near(row, seen, keys) for row in there) / len(there)
        for key in COUNTS:
            low, high = np.quantile([row[key] for row in there], [0.1, 0.9]).tolist()
            each |= {f"{key}_low": low, f"{key}_high": high}
        found.append(each)
    return found


def similar_rows(rows: Sequence[Row], seen: Row) -> list[Row]:
    """Return the rows with about as many black holes, and tokens in them, as were observed."""
    return [row for row in rows if near(row, seen, BY)]


def checks(rows: Sequence[Row], runs: Sequence[Row]) -> list[Row]:
    """Return each simulated run's cells beside those expected along its direction.

    `deviation` is in standard deviations over clouds; None where all clouds have as many cells.
    """
    found = []
    for run in runs:
        there = where(rows, direction_seed=run["direction_seed"], sigma=run["sigma"])
        for row in there:
            apart, error = run["cells"] - row["cells"], row["cells_error"]
            found.append(
                {
                    "direction_seed": run["direction_seed"],
                    "sigma": run["sigma"],
                    "cells": run["cells"],
                    "expected_cells": row["cells"],
                    "cells_error": error,
                    "deviation": apart / error if error > _VARIES else None,
                    "black_holes": run["black_holes"],
                    "expected_black_holes": row["black_holes"],
                    "singletons": run["singletons"],
                    "expected_singletons": row["singletons"],
                    "largest": run["largest"],
                    "expected_largest": row["largest"],
                }
            )
    return found


_VARIES = 0.1
"""Standard deviation of cells above which their number is nearly normal."""
