"""How the cells of every kept run lie, row by row, with what was observed as the last of each.

source     the run, or observed; the rank of a black hole or a component is 1 for the largest
distances  pairs of cells, and of black holes, at each distance; cells beyond 2,000 only at 1
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from drift.experiments import observed
from drift.experiments.console.files import markdown_table
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.page import Table, few
from drift.experiments.studies.rows import Row

OBSERVED = "observed"
_COMPONENT = ("nodes", "tokens", "core", "black_holes", "edges", "density", "clustering")


def tables(facts: Facts) -> dict[str, Table]:
    """The populations, the components and the distances."""
    found = list(lying(facts.clouds))
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


_PAIRS = {"cells": "pairs_at_distance", "black holes": "hole_pairs_at_distance"}


def lying(clouds: list[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Which run, and how its cells lie (.lying); at last what was observed, in the same form."""
    for cloud in clouds:
        names = ("direction_seed", "sigma")
        yield {"source": cloud["name"], **{n: cloud[n] for n in names}}, cloud["digest"]
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


def details(shown: list[Row]) -> list[str]:
    """Components and distances of the runs that are shown, and of what was observed."""
    found = [(_name(of), digest) for of, digest in lying(shown)]
    components = [
        (name, *(few(part[key]) for key in _COMPONENT))
        for name, digest in found
        for part in digest["components"]
    ]
    return [
        "Of each direction the run with the nearest number of black holes, beside what was"
        " observed. Their components, which are groups of two cells or more joined by adjacent"
        " ones; all cells of one that holds a black hole are *core*:",
        markdown_table(("", *(key.replace("_", " ") for key in _COMPONENT)), components),
        "Pairs of cells at each distance:",
        _pairs([(name, digest["pairs_at_distance"], digest["cells"]) for name, digest in found]),
        "Pairs of black holes:",
        _pairs(
            [
                (name, digest["hole_pairs_at_distance"], len(digest["populations"]))
                for name, digest in found
            ]
        ),
    ]


def _name(of: Row) -> str:
    if of["source"] == OBSERVED:
        return "**observed**"
    return f"σ = {few(of['sigma'])}, direction seed {of['direction_seed']}"


def _pairs(found: list[tuple[str, dict[str, int], int]]) -> str:
    """A row for each; the pairs of so many that are farther apart than any column."""
    distances = range(1, max((int(d) for _, pairs, _ in found for d in pairs), default=1) + 1)
    farther = [count * (count - 1) // 2 - sum(pairs.values()) for _, pairs, count in found]
    rows = [
        (name, *(few(pairs.get(str(d), 0)) for d in distances), few(beyond))
        for (name, pairs, _), beyond in zip(found, farther, strict=True)
    ]
    beyond = any(farther)
    columns = ("distance", *map(str, distances), *(["farther"] if beyond else []))
    return markdown_table(columns, [row if beyond else row[:-1] for row in rows])
