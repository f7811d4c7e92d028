"""What the page of `coarsening` says of the structure, beside what was observed."""

from drift.experiments.console.files import markdown_table
from drift.experiments.studies.coarsening.facts import FACTOR, Facts, compared, similar
from drift.experiments.studies.coarsening.tables import details
from drift.experiments.studies.page import few, many, picture, span
from drift.experiments.studies.rows import Row, values, where


def structure(facts: Facts, shown: list[Row]) -> list[str]:
    """How cells lie, beside what was observed."""
    drift, seen = facts.plan["drift"], facts.seen
    columns = (
        "σ", "cells", "black holes", "largest", "singletons", "isolated", "components",
        "greatest distance of holes",
    )  # fmt: skip
    keys = ("cells", "black_holes", "largest", "singletons", "isolated", "components", "farthest")
    table = [
        (
            few(sigma),
            *(span([run[key] for run in where(facts.clouds, sigma=sigma)]) for key in keys),
        )
        for sigma in values(facts.coalesced, "sigma")
    ]
    table.append(("**observed**", *(f"**{few(seen[key])}**" for key in keys)))
    parts = [
        "## 3. The structure, beside what was observed",
        f"Every σ with black holes after X = {few(drift['steps'])} steps, one cloud along each of"
        f" {len(facts.plan['directions'])} directions; ranges are over these.",
        markdown_table(columns, table),
        picture("structure", "Black holes, singletons and distances against σ"),
    ]
    if not shown:
        return [*parts, "No run has about as many black holes, with about as many tokens in them."]
    names = [one.what for one in compared(facts.like, seen)]
    rows = [
        (name, few(one.observed), span([one.least, one.most]), "yes" if one.shown else "no")
        for name, one in zip(names, compared(facts.like, seen), strict=True)
    ]
    return [
        *parts,
        f"{many(len(facts.like), 'run')} of {few(len(facts.clouds))}, with σ of"
        f" {span([run['sigma'] for run in facts.like])}, have as many black holes as were observed,"
        f" with as many tokens in them, within a factor of {few(FACTOR)}. A feature counts"
        " as reproduced where what was observed lies within their range, widened by the same"
        " factor.",
        markdown_table(("feature", "observed", "drift alone", "reproduced"), rows),
        _elsewhere(
            facts,
            "singletons",
            f"About as many singletons as the {few(seen['singletons'])} observed",
        ),
        _elsewhere(
            facts,
            "farthest",
            f"Black holes about as far apart as the {few(seen['farthest'])} cells observed",
        ),
        picture("populations", "Tokens in each black hole by rank, simulated and observed"),
        *details(shown),
    ]


def _elsewhere(facts: Facts, key: str, what: str) -> str:
    """Where a feature is as it was observed, and what black holes are like there."""
    alike = similar(facts.clouds, facts.seen, [key])
    if not alike:
        return f"{what} are there at no σ tried."
    both = [run for run in alike if run in facts.like]
    if both:
        return f"{what} are there in {many(len(both), 'run')} of these."
    return (
        f"{what} are there only at σ of {span([run['sigma'] for run in alike])}, but with"
        f" {span([run['black_holes'] for run in alike])} black holes, the largest of"
        f" {span([run['largest'] for run in alike])} tokens: never both at once."
    )
