"""A measurement as tables, on a terminal and as a page, and its figure: cost against steps."""

from typing import Any

from matplotlib.figure import Figure
from rich import box
from rich.table import Table
from rich.text import Text

from drift.experiments.bench import leap, stepping, whole_job
from drift.experiments.console.files import markdown_table
from drift.experiments.console.terminal import new_console
from drift.experiments.figures.style import COLOURS, GREY, new_figure

_DRAWN = {
    stepping.OURS: "-",
    stepping.C: "-",
    leap.OURS: "-",
    stepping.EAGER: "--",
    stepping.NUMPY: "--",
    leap.STEPPING: ":",
}
"""Contenders whose lines are drawn, and their dashes; colours follow this order."""


def draw(results: list[dict[str, Any]]) -> Figure:
    """One line a contender through its medians, with bars from fastest to slowest."""
    figure = new_figure()
    axes = figure.add_subplot()
    for (name, style), colour in zip(_DRAWN.items(), COLOURS, strict=False):
        points = sorted(_points(results, name))
        if not points:
            continue
        steps, middle, low, high = zip(*points, strict=True)
        axes.plot(steps, middle, style, color=colour, marker="o", markersize=3, label=name)
        axes.vlines(steps, low, high, color=colour, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("steps")
    axes.set_ylabel("ns per coordinate, all steps together")
    if axes.lines:
        figure.legend(loc="outside upper center", ncols=3)
    figure.supxlabel(_caption(results), color=GREY)
    return figure


def _points(results: list[dict[str, Any]], name: str) -> set[tuple[float, float, float, float]]:
    """(steps, median, least, most) for each case in which `name` took all the steps."""
    found = set()
    for result in results:
        for row in result["contenders"]:
            if row["name"] == name and row["steps"] == result["steps"]:
                each = 1e9 / (result["tokens"] * result["dims"])
                times = (row[key] * each for key in ("median", "min", "max"))
                found.add((row["steps"], *times))
    return found


def _caption(results: list[dict[str, Any]]) -> str:
    sizes = {result["group"]: (result["tokens"], result["dims"]) for result in results}
    what = {
        "step": "step engine and loops: moved, and the engine's result counted",
        "leap": "leap engine and stepping until nothing moves: drawn, moved, counted",
    }
    lines = [
        f"{text}, {sizes[group][0]:,} × {sizes[group][1]:,}"
        for group, text in what.items()
        if group in sizes
    ]
    return "\n".join(lines)


Document = dict[str, Any]
Rows = list[tuple[str, ...]]

_VERDICTS = ("ratio", "measured", "target", "met")
_CONTENDERS = ("", "steps", "median", "min", "max", "cost", "× ours")
_PARTS = ("where the time goes", *whole_job.PARTS)
_WIDTH = 100
"""Columns that the tables need; a narrower terminal wraps them."""
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def show(document: Document) -> None:
    """Print a document as tables."""
    console = new_console()
    console.width = max(console.width, _WIDTH)
    console.print(Text(_title(document), "bold"))
    for result in document["results"]:
        console.print(Text(f"\n{_heading(result)}", "bold"))
        console.print(_rich(_CONTENDERS, contender_rows(result)))
        if parts := part_rows(result):
            console.print(_rich(_PARTS, parts))
        for name, why in result["absent"].items():
            console.print(f"absent: {name}: {why}")
    console.print(Text("\nRatios", "bold"))
    console.print(_rich(_VERDICTS, verdict_rows(document)))


def markdown(document: Document, figure: str) -> str:
    """Return the document as a Markdown page; `figure` names the picture beside it."""
    parts = [f"# Speed: {_title(document)}", _machine(document["machine"])]
    parts.append(f"Measured by `{document['command']}`.")
    parts.append("## Ratios\n\n" + markdown_table(_VERDICTS, verdict_rows(document)))
    parts.append(f"![Cost against steps]({figure})\n\n## Everything measured")
    parts.append(
        "Times are medians of interleaved rounds after a warm-up, in which each result was compared"
        " bit for bit with the reference, or with the cells that are known to exist."
    )
    for result in document["results"]:
        parts.append(f"### {_heading(result)}")
        parts.append(markdown_table(_CONTENDERS, contender_rows(result)))
        if rows := part_rows(result):
            parts.append(markdown_table(_PARTS, rows))
        parts += [f"Absent: {name}: {why}." for name, why in result["absent"].items()]
    return "\n\n".join(parts) + "\n"


def verdict_rows(document: Document) -> Rows:
    """The cells of the table of ratios."""
    met = {True: "yes", False: "NO", None: ""}
    return [
        (one["what"], f"{_number(one['value'])} {one['unit']}", one["target"], met[one["met"]])
        for one in document["ratios"]
    ]


def contender_rows(result: Document) -> Rows:
    """The cells of the table of one case."""
    rows: Rows = []
    unit = "reads" if result["group"] == "count" else result["unit"].split(" per")[0]
    first = result["contenders"][0]["cost"] if result["contenders"] else 1.0
    for row in result["contenders"]:
        steps = "" if row["steps"] is None else f"{row['steps']:,}"
        times = (_time(row[key]) for key in ("median", "min", "max"))
        cost = f"{_number(row['cost'])} {unit}"
        rows.append((row["name"], steps, *times, cost, _number(row["cost"] / first)))
    return rows


def part_rows(result: Document) -> Rows:
    """The cells of the table of the parts of each contender that tells of all of them."""
    return [
        (row["name"], *(_time(row["parts"][name]) for name in whole_job.PARTS))
        for row in result["contenders"]
        if row.get("parts", {}).keys() >= {*whole_job.PARTS}
    ]


def _heading(result: Document) -> str:
    unit = "" if result["group"] == "count" else f", {result['unit']}"
    return f"{result['group']}: {result['case']} ({result['tokens']:,} × {result['dims']:,}{unit})"


def _title(document: Document) -> str:
    machine = document["machine"]
    device = machine["device"]
    where = f"{machine['processor']}, {machine['threads']} threads"
    return where if device["platform"] == "cpu" else f"{device['kind']}, beside {where}"


def _machine(machine: Document) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in machine["versions"].items())
    facts = [
        f"{machine['cores']} cores, {machine['vectors'] or 'no vectors'},"
        f" {machine['memory_gib']:g} GiB, {machine['system']}, Python {machine['python']}",
        versions,
        f"C compiler: {machine['compiler'] or 'none'}",
    ]
    return "  \n".join(facts)


def _time(seconds: float) -> str:
    scale, unit = next((pair for pair in _TIMES if seconds >= pair[0]), _TIMES[-1])
    return f"{_number(seconds / scale)} {unit}"


def _number(value: float) -> str:
    if value >= 1e6:
        return f"{value:.2e}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _rich(columns: tuple[str, ...], rows: Rows) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=number > 0)
    for row in rows:
        table.add_row(*row)
    return table
