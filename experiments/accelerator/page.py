"""The page of an accelerator: what was checked on it, and how fast it is."""

from typing import Any

from drift.experiments.accelerator.cases import record_seconds
from drift.experiments.bench.page import contender_rows
from drift.experiments.console.files import markdown_table

_CONTENDERS = ("", "steps", "median", "min", "max", "cost", "× first")


def markdown(document: dict[str, Any]) -> str:
    """Return the document that `python -m drift.experiments.accelerator` writes, as Markdown."""
    machine = document["machine"]
    device, versions = machine["device"], machine["versions"]
    checks, tests = document["checks"], document["tests"]
    wrong = [check["name"] for check in checks if not check["ok"]]
    parts = [
        f"# {device['kind']} ({device['platform']})",
        "Measured by `make gpu`.",
        f"Beside {machine['processor']}, {machine['threads']} threads; "
        + ", ".join(f"{name} {text}" for name, text in versions.items())
        + ".",
        "## Right?",
        f"`drift check`: {len(checks) - len(wrong)} of {len(checks)} checks hold"
        + (f"; wrong: {', '.join(wrong)}." if wrong else "."),
        f"Tests that need an accelerator: {tests['said']}.",
    ]
    if not document["results"]:
        return "\n\n".join([*parts, "Nothing was measured, since something is wrong."]) + "\n"
    parts += ["## How fast?", _of_records(document["results"])]
    for result in document["results"]:
        size = f"{result['tokens']:,} × {result['dims']:,}"
        parts.append(f"### {result['group']}: {result['case']} ({size}, {result['unit']})")
        parts.append(markdown_table(_CONTENDERS, contender_rows(result)))
    return "\n\n".join(parts) + "\n"


def _of_records(results: list[dict[str, Any]]) -> str:
    rows = [
        (result["case"], f"{result['tokens']:,} × {result['dims']:,}", _ms(record_seconds(result)))
        for result in results
        if result["group"] == "record"
    ]
    return markdown_table(("a record with its two steps", "cloud", "time"), rows)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"
