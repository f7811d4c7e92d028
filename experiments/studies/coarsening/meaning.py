"""What the page of `coarsening` makes of it, in terms of the arithmetic, and what it cannot say."""

from drift.experiments.studies.coarsening.facts import FACTOR, Facts, compared
from drift.experiments.studies.page import few, listed, span


def meaning(facts: Facts) -> list[str]:
    """What it means."""
    parts = [
        "## What it means",
        "**Why tokens meet.** A coordinate that travels outwards passes into ever wider spacings."
        " Two tokens whose coordinates differ by δ are rounded to different values there with a"
        " chance of about δ/ulp, so the logarithm of the chance that they share a cell is about −Σ"
        " 2σ/(√π ulp), the sum running over dimensions. Tokens that share a cell get the same"
        " update and the same rounding: they move on as one and never part.",
    ]
    runs = facts.like
    if not runs:
        return [*parts, *_nothing_alike()]
    dims = facts.plan["drift"]["dims"]
    split = span([run["digest"]["split"] for run in runs])
    parts.append(
        f"**Why a few large black holes and a tail.** In the runs like what was observed {split} of"
        f" {few(dims)} dimensions tell any cells apart: those in which a boundary between two"
        " roundings happens to fall inside the cloud. One that cuts it through the middle doubles"
        " the number of large cells; one that cuts off an edge makes small ones."
    )
    parts.append(_tightness(facts))
    features = {one.key: one for one in compared(runs, facts.seen)}
    if not features["farthest"].shown:
        parts.append(_distances(facts))
    if not features["isolated"].shown and features["isolated"].observed > features["isolated"].most:
        parts.append(
            "**Why there are no isolated singletons.** A singleton is a token from the edge of the"
            " cloud in some dimension. In all others it is rounded with the rest, so that its cell"
            " touches theirs. For an isolated one a token must be two cells or more from every"
            " other in some dimension, and in a Gaussian cloud nobody is that far out alone."
        )
    return parts


def _tightness(facts: Facts) -> str:
    """How near each other the tokens must be before, and what stalling changes of it."""
    usual = max(row["sigma"] for row in facts.controls)
    ratios = [usual / run["sigma"] for run in facts.like]
    said = (
        f"**How tight the cloud must be.** Those runs start {span(ratios)} times as tight as a"
        f" cloud with the σ of usual initial weights, {few(usual)}: their tokens are all but equal"
        " before they move. What made them so is not answered by drift."
    )
    still = [row for row in facts.onsets if row["stalled"] > 0.99 and row["onset_most"]]
    if still:
        widest = max(still, key=lambda row: row["onset_most"])
        said += (
            f" More steps gather wider clouds, by stalling: with X = {few(widest['steps'])} one"
            f" pair is expected at σ of {span([widest['onset_least'], widest['onset_most']])}. But"
            f" that drift ends at {few(widest['reached'])}, not at R."
        )
    return said


def _distances(facts: Facts) -> str:
    runs = facts.like
    touching = [run["adjacent"] for run in runs]
    spans = [run["digest"]["widest_span"] for run in runs]
    room = [run["digest"]["spacing_there"] / run["sigma"] for run in runs]
    return (
        "**Why the distances are missing.** All tokens of a cell, and nearly all of a tight cloud,"
        " move by the same amount: what is left between cells is the width of the cloud itself, in"
        " spacings. The cloud is a few σ wide, while even in the dimension with the smallest target"
        f" the spacing is {span(room)} σ; so no dimension spans more than {few(max(spans))} lattice"
        f" {'step' if max(spans) == 1 else 'steps'}, and"
        f" {span([100 * share for share in touching])}% of all pairs of cells touch. Distances of 2"
        f" to {few(facts.seen['farthest'])} cells would need tokens that were pushed differently,"
        " or that were that far apart before."
    )


def _nothing_alike() -> list[str]:
    return ["No run is like what was observed, so that there is nothing to explain further."]


def limits_of_it(facts: Facts) -> list[str]:
    """What it cannot say."""
    drift = facts.plan["drift"]
    return [
        "## What it cannot say",
        "\n".join(
            f"- {each}"
            for each in (
                "A constant push common to all tokens is the simplest account of training. Adam,"
                " weight decay, and gradients that differ from token to token and from step to step"
                " are left out; jitter is the only difference between tokens that was tried.",
                "The clouds are Gaussian and of one width in all dimensions. Where the real tokens"
                " started is not known.",
                f"Structure was told after X = {few(drift['steps'])} steps to R ="
                f" {few(drift['radius'])} alone, for directions of seed"
                f" {listed(facts.plan['directions'])}; a direction with more coordinates near zero"
                " has finer spacings there, and wider distances.",
                "That drift gives as many and as large black holes does not show that it made those"
                " observed; other ways to make tokens meet were not held against it.",
                "The observed tokens were selected by the size of their coordinates. Singletons and"
                " distances may belong to tokens with another past than those in black holes.",
                f"*Reproduced* means within a factor of {few(FACTOR)}, not more.",
            )
        ),
    ]
