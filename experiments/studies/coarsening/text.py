"""What the page of `coarsening` says first: in short, the question, controls and the transition."""

import math
from itertools import pairwise

from drift.experiments import observed
from drift.experiments.console.files import markdown_table
from drift.experiments.studies.coarsening.facts import BY, FACTOR, Facts, Feature, compared
from drift.experiments.studies.page import few, listed, many, picture, span
from drift.experiments.studies.rows import Row, values

_HARDLY = 0.01
"""A share of stalled coordinates that is left aside."""
_COLUMNS = ("X", "radius reached", "stalled", "one cell up to σ", "holes up to σ", "onset expected")


def short(facts: Facts) -> list[str]:
    """The answer in a list."""
    seen, runs, said = facts.seen, facts.like, []
    if runs:
        holes, largest = (span([run[key] for run in runs]) for key in ("black_holes", "largest"))
        said.append(
            "**Drift alone makes about as many black holes as were observed, with about as many"
            f" tokens in them.** With σ of {span([run['sigma'] for run in runs])} it leaves {holes}"
            f" black holes, the largest of {largest} tokens; observed are"
            f" {few(seen['black_holes'])}, the largest of {few(seen['largest'])}."
        )
        features = compared(runs, seen)
        shown, absent = _named(features, True), _named(features, False)
        if shown:
            said.append(f"In those runs it also comes within a factor of {few(FACTOR)} of:"
                        f" {shown}.")  # fmt: skip
        if absent:
            said.append(f"**It does not reproduce**: {absent}.")
    else:
        said.append("**At no σ tried does drift alone leave about as many black holes with about as"
                    " many tokens in them as were observed.**")  # fmt: skip
    said.append(_control_in_short(facts))
    return ["\n".join(f"- {each}" for each in said)]


def _named(features: list[Feature], shown: bool) -> str:
    kept = [one for one in features if one.shown is shown and one.key not in BY]
    return "; ".join(
        f"{one.what} ({span([one.least, one.most])}, observed {few(one.observed)})" for one in kept
    )


def _control_in_short(facts: Facts) -> str:
    holed = [row for row in facts.controls if row["black_holes"]]
    sigmas = listed([row["sigma"] for row in facts.controls])
    if not holed:
        return f"The clouds tried first, with σ of {sigmas}, are far too wide: no black hole."
    return f"Of the clouds tried first, with σ of {sigmas}, {len(holed)} had black holes."


def question(facts: Facts) -> list[str]:
    """What is asked, and how it is answered."""
    told, drift, seen = observed.qwen3_4b(), facts.plan["drift"], facts.seen
    typical = drift["radius"] / math.sqrt(drift["dims"])
    return [
        "## Question",
        f"In the unembedding matrix of Qwen3-4B {few(told['selection']['tokens'])} of"
        f" {few(told['vocabulary'])} tokens sit in {few(seen['cells'])} cells:"
        f" {few(seen['black_holes'])} *black holes*, vectors that several tokens share bit for bit,"
        f" with {few(seen['held'])} tokens in them, and {few(seen['singletons'])} *singletons*"
        " around them, all of nearly the same vector. Could a small cloud near the origin become"
        " that merely by being moved, all tokens alike, through the lattice of bfloat16, by"
        " rounding alone?",
        f"Observed: {told['what']}. Source: {told['source']}",
        "## Method",
        f"A cloud of {few(drift['tokens'])} tokens in {few(drift['dims'])} dimensions is drawn from"
        f" N(0, σ) and moved by R = {few(drift['radius'])} along a random unit vector u, in X equal"
        " steps. A step is one float32 addition, x + (R/X)·u, and one rounding to"
        f" {drift['format']}, to nearest, ties to even. A typical coordinate ends at R/√D ="
        f" {few(typical)}, where {drift['format']} values are"
        f" {few(facts.plan['formats'][drift['format']]['spacing'])} apart. Cells, black holes and"
        " distances are counted exactly; a distance is the most lattice steps in any dimension, and"
        " cells at distance 1 are adjacent. The same seeds give the same bits anywhere.",
    ]


def controls(facts: Facts) -> list[str]:
    """The whole vocabulary."""
    columns = (
        "σ",
        "tokens",
        "distinct at the start",
        "distinct",
        "black holes",
        "reached",
        "stalled",
    )
    cells = [
        (
            few(row["sigma"]), few(row["tokens"]), few(row["start"]), few(row["distinct"]),
            few(row["black_holes"]), few(row["reached"]), f"{row['stalled']:.0%}",
        )
        for row in facts.controls
    ]  # fmt: skip
    first = facts.controls[0]
    said = (
        f"The whole vocabulary, moved by R = {few(first['radius'])} in {few(first['steps'])} steps:"
        " at the σ of usual initial weights, and as the tight cloud that was thought of first."
    )
    return [
        "## 1. The controls",
        said,
        markdown_table(columns, cells),
        *map(_of_control, facts.controls),
    ]


def _of_control(row: Row) -> str:
    at = f"With σ = {few(row['sigma'])}"
    if not row["black_holes"]:
        text = f"{at} no two of {few(row['tokens'])} tokens meet."
    else:
        text = f"{at} there are {many(row['black_holes'], 'black hole')}, the largest of"
        text += f" {few(row['largest'])} tokens."
    if row["stalled"] >= _HARDLY:
        text += (
            f" It falls short, at {few(row['reached'])}: {row['stalled']:.0%} of its coordinates"
            " are so large that half the spacing there exceeds a step."
        )
    return text


def beginning(facts: Facts) -> list[str]:
    """Where black holes begin, and where everything is one."""
    plan, sigmas = facts.plan, values(facts.transition, "sigma")
    cells = [_onset(row, max(sigmas)) for row in facts.onsets]
    clouds = len(values(facts.transition, "seed"))
    said = (
        f"{len(sigmas)} values of σ from {few(sigmas[0])} to {few(sigmas[-1])}, X of"
        f" {listed(plan['steps'])}, {len(plan['directions'])} directions and {clouds} clouds for"
        " each. *One cell up to* is the largest σ up to which all tokens of all these clouds end in"
        " one cell; *holes up to* the largest with a black hole in any of them; the *onset* is the"
        " σ at which one coalesced pair is expected, which needs no simulation; it differs from"
        " direction to direction. – is none."
    )
    return [
        "## 2. Where black holes begin",
        said,
        markdown_table(_COLUMNS, cells),
        picture("phase", "Share of tokens still distinct, over σ and the number of steps"),
        *_of_steps(facts),
        picture("curves", "Distinct cells fall and black holes grow while the cloud moves out"),
    ]


def _onset(row: Row, largest: float) -> tuple[str, ...]:
    known = [row[name] for name in ("onset_least", "onset_most") if row[name] is not None]
    beyond = "≥ " if row["holes"] == largest else ""
    return (
        few(row["steps"]), few(row["reached"]), f"{row['stalled']:.0%}", few(row["one"]),
        beyond + few(row["holes"]), span(known) if known else "–",
    )  # fmt: skip


def _of_steps(facts: Facts) -> list[str]:
    """What the number of steps changes, where it does."""
    known = [row for row in facts.onsets if row["onset_most"] is not None]
    free = [row for row in known if row["stalled"] < _HARDLY]
    still = [row for row in known if row["stalled"] > 1 - _HARDLY]
    said = []
    if free:
        onsets = [row[name] for row in free for name in ("onset_least", "onset_most")]
        falls = all(a["onset_least"] > b["onset_least"] for a, b in pairwise(free))
        said.append(
            f"Where nothing stalls, with X of {listed([row['steps'] for row in free])}, the onset"
            f" is at {span(onsets)}"
            + (", and falls with the number of steps." if falls and len(free) > 1 else ".")
        )
    if free and still:
        usual = max(row["onset_most"] for row in free)
        ratio = min(row["onset_least"] for row in still) / usual
        said.append(
            f"With X of {listed([row['steps'] for row in still])} the whole cloud stalls, at a"
            f" radius of {listed([row['reached'] for row in still])}, and the onset is at least"
            f" {few(ratio)} times the highest of these."
        )
        if ratio > 1:
            said.append(
                "A coordinate stops at the first value whose spacing is too wide for its step."
                " Whoever is ahead waits there, whoever is behind goes on until there as well:"
                " stalling gathers tokens that a free drift would keep apart."
            )
    return said
