"""What the page of `coarsening` says of other arithmetic, other formats, and of prediction."""

from drift.experiments.console.files import markdown_table
from drift.experiments.studies import rescaling
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.page import few, picture, span
from drift.experiments.studies.rows import Row, limits


def arithmetic(facts: Facts) -> list[str]:
    """The transition under other arithmetic, and in other formats."""
    drift = facts.plan["drift"]
    columns = (
        "arithmetic",
        "one cell up to σ",
        "half the cells gone up to σ",
        "black holes up to σ",
    )
    found = [(name, limits(cells)) for name, cells in facts.variants]
    rows = [(name, few(at["one"]), few(at["half"]), few(at["holes"])) for name, at in found]
    stochastic = facts.variants[-1][1]
    return [
        "## 4. Other arithmetic, other formats",
        f"X = {few(drift['steps'])}, one direction and one cloud. With *float32 master* weights"
        " rounding is applied to what is looked at alone; with *jitter* j token i moves by (1 + jξ)"
        " times each displacement, ξ being normal and its own; *stochastic* rounding goes up with"
        " the chance that keeps the mean.",
        markdown_table(columns, rows),
        _master(facts),
        _stochastic(stochastic),
        picture("arithmetic", "Distinct fraction against σ under each arithmetic"),
        *rescaling.said(facts.formats, facts.plan["formats"], drift),
    ]


def _master(facts: Facts) -> str:
    """Whether rounding at every step parts tokens or gathers them, where both are known."""
    ends = {name: limits(cells)["half"] for name, cells in facts.variants}
    nearest, master = ends["nearest"], ends["float32 master"]
    if nearest is None or master is None:
        return ""
    said = f"Half the cells are gone up to σ = {few(nearest)} where each step is rounded, and up to"
    said += f" {few(master)} where the sum alone is"
    if master > nearest:
        return f"{said}: as long as nothing stalls, rounding on the way parts more than it gathers."
    return f"{said}: rounding on the way gathers." if master < nearest else f"{said}, too."


def _stochastic(cells: list[Row]) -> str:
    at = f"{len(cells)} values of σ from {few(cells[0]['sigma'])} to {few(cells[-1]['sigma'])}"
    held = [row for row in cells if row["black_holes"]]
    if not held:
        return (
            f"Stochastic rounding leaves no two tokens in one cell at any of {at}: tokens of one"
            " cell are rounded apart again, each by its own random numbers."
        )
    holes = span([row["black_holes"] for row in held])
    return f"Under stochastic rounding {len(held)} of {at} have black holes ({holes})."


def prediction(facts: Facts) -> list[str]:
    """Counted beside expected."""
    columns = (
        "σ",
        "expected pairs",
        "mean pairs",
        "standard error",
        "deviation",
        "reached, expected",
    )
    rows = [
        (
            few(row["sigma"]), few(row["expected"]), few(row["pairs"]), few(row["standard_error"]),
            f"{row['deviation']:+.2f}" if row["counts"] else "–",
            f"{row['reached']:.6f}, {row['expected_reached']:.6f}",
        )
        for row in facts.agreement
    ]  # fmt: skip
    clouds = facts.agreement[0]["clouds"]
    tested = [row for row in facts.agreement_everywhere if row["counts"]]
    off = [abs(row["deviation"]) for row in tested]
    within = sum(deviation <= 2 for deviation in off)
    said = (
        f"Of {few(len(tested))} combinations of direction, X and σ of part 2 in which a mean is"
        f" tested, {few(within)} lie within two standard errors of what is expected, and the"
        f" farthest is {few(max(off, default=0.0))} away."
        if tested
        else "In part 2 too few pairs are expected for a mean to be tested."
    )
    return [
        "## 5. Prediction against simulation",
        "Without per-token randomness the expected number of coalesced pairs and its standard"
        " deviation over clouds are known exactly"
        " ([how](../../sim/prediction/derivation.md)). Beside them the mean over"
        f" {few(clouds)} clouds along one direction; the standard error is the expected"
        " standard deviation of that mean, and the deviation is counted in it, where the clouds"
        " together are expected to have ten pairs or more.",
        markdown_table(columns, rows),
        said,
        picture("prediction", "Coalesced pairs, expected and counted, against σ"),
    ]
