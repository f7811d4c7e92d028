"""Tables beside the page.

Of a structure: `source` is the run, or observed, which comes last; the rank of a black hole or a
component is 1 for the largest; distances are those of cells and of black holes, in pairs at each,
and of more than 2,000 cells the adjacent pairs alone.
"""

from drift.experiments.studies.coarsening.directions import checks, shares
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.coarsening.structures import structures
from drift.experiments.studies.page import Table
from drift.experiments.studies.rows import Row

_AXES = ("steps", "direction_seed", "seed", "jitter")
"""Columns that only some arithmetics have."""
_PAIRS = {"cells": "pairs_at_distance", "black holes": "hole_pairs_at_distance"}


def tables(facts: Facts) -> dict[str, Table]:
    """Return every table, by the name of its file."""
    return {
        "controls": Table(facts.controls),
        "transition": Table(facts.transition),
        "onsets": Table(facts.onsets),
        "structure": Table([_without(run, "digest", "name") for run in facts.clouds]),
        **_structures(facts),
        "arithmetic": Table(
            [
                {"arithmetic": name, **_without(point, *_AXES)}
                for name, points in facts.variants.items()
                for point in points
            ]
        ),
        "formats": Table(facts.formats),
        "prediction": Table(facts.agreement),
        "prediction-everywhere": Table(facts.agreement_everywhere),
        "directions": Table(facts.directions),
        "directions-shares": Table(shares(facts.directions, facts.seen)),
        "directions-check": Table(checks(facts.directions, facts.clouds)),
    }


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _structures(facts: Facts) -> dict[str, Table]:
    """Return the populations, the components and the distances."""
    found = list(structures(facts.clouds))
    return {
        "populations": Table(
            [
                {**of, "rank": rank, "tokens": tokens}
                for of, digest in found
                for rank, tokens in enumerate(digest["populations"], 1)
            ]
        ),
        "components": Table(
            [
                {**of, "component": rank, **component}
                for of, digest in found
                for rank, component in enumerate(digest["components"], 1)
            ]
        ),
        "distances": Table(
            [
                {**of, "of": what, "distance": int(distance), "pairs": pairs}
                for of, digest in found
                for what, key in _PAIRS.items()
                for distance, pairs in digest[key].items()
            ]
        ),
    }
