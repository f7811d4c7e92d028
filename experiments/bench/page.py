"""A measurement as tables, on a terminal and as a page."""

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from drift.experiments.bench import whole_job
from drift.experiments.bench.runner import ENDLESS
from drift.experiments.console.files import markdown_table
from drift.experiments.console.terminal import new_console

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
    parts.append(f"![Seconds of whole jobs, and cost against steps]({figure})")
    parts.append("## Everything measured")
    parts.append(
        "Times are medians of interleaved rounds after a warm-up, in which each result was compared"
        " bit for bit with the reference, or with the cells that are known to exist; what takes"
        f" longer than {ENDLESS:g} s ran once. The script of a whole job draws a cloud of its own;"
        " its loop, given the command's, counted what the command counts."
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
