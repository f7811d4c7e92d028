"""Tables of the structure of a cloud.

The columns Comp, Nodes, Tokens, Core, BH, Edges, Density and Cluster are the number of a
component, then its fields in the JSON of `drift structure`.
"""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from drift.experiments.console.terminal import LINE, new_console
from drift.experiments.console.token_text import label_with
from drift.experiments.tables.run import holes_line
from drift.sim.errors import printable

_COMPONENTS = 20
"""Most components shown, the largest first."""
_HOLES = 20
"""Most black holes whose tokens are shown, the largest first."""
_TOKENS = 6
"""Most tokens shown of a black hole, of a component, and of the isolated cells."""
_ACROSS = 13
"""Most rows of a matrix, so that it fits across a page."""
_DISTANCES = 10
"""Largest distance whose pairs are listed."""
_COLUMNS = ("Comp", "Nodes", "Tokens", "Core", "BH", "Edges", "Density", "Cluster")


def show(label: str, found: dict[str, Any]) -> None:
    """Print `found`, the JSON of `drift structure`; `label` names the cloud."""
    console = new_console()
    heading = Text(printable(label, LINE), style="bold")
    selection = found["selection"]
    if selection:
        heading.append(
            f", within {selection['exponents']} exponents of {selection['near']}", style="not bold"
        )
    console.print(heading)
    console.print(f"{found['tokens']:,} tokens in {found['cells']:,} cells")
    if not found["cells"]:
        return
    console.print(_components(found))
    console.print("first tokens of components")
    console.print(_tokens_of_components(found))
    console.print(holes_line([hole["tokens"] for hole in found["black_holes"]]))
    _tokens_of_holes(console, found["black_holes"])
    names = [f"{hole['tokens']:,}" for hole in found["black_holes"]]
    _matrix(
        console,
        "lattice distance between black holes, by population",
        names,
        found["black_hole_distance"],
    )
    names = [f"{number}" for number in range(1, len(found["components"]) + 1)]
    title = "smallest lattice distance between components"
    _matrix(console, title, names, found["component_distance"])
    console.print(_pairs(found["pairs_at_distance"]))


def _components(found: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    rows = found["components"]
    for number, row in enumerate(rows[:_COMPONENTS], 1):
        table.add_row(
            str(number), *_whole(row), f"{row['edges']:,}",
            f"{row['density']:.3f}", f"{row['clustering']:.3f}",
        )  # fmt: skip
    if len(rows) > _COMPONENTS:
        rest = rows[_COMPONENTS:]
        sums = {name: sum(row[name] for row in rest) for name in rest[0]}
        table.add_row(f"{len(rest):,} more", *_whole(sums), f"{sums['edges']:,}", "", "")
    table.add_row("isolated", *_whole(found["isolated"]), "", "", "")
    return table


def _tokens_of_components(found: dict[str, Any]) -> Table:
    """Return a table of the first tokens of each component, and of the isolated cells."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("Comp", justify="right")
    table.add_column("first tokens", overflow="fold")
    for number, row in enumerate(found["components"][:_COMPONENTS], 1):
        table.add_row(str(number), _first(row))
    if found["isolated"]["tokens"]:
        table.add_row("isolated", _first(found["isolated"]))
    return table


def _tokens_of_holes(console: Console, holes: list[dict[str, Any]]) -> None:
    """Print a table of the first tokens of each black hole, if there are any."""
    if not holes:
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("tokens", justify="right")
    table.add_column("first tokens", overflow="fold")
    for hole in holes[:_HOLES]:
        table.add_row(f"{hole['tokens']:,}", _first(hole))
    console.print(table)
    if len(holes) > _HOLES:
        console.print(f"… and {len(holes) - _HOLES:,} more black holes")


def _first(row: dict[str, Any]) -> str:
    """Return the first token ids of a part of the JSON, with their texts where there are any."""
    ids = row["token_ids"][:_TOKENS]
    texts = row.get("texts", [None] * len(ids))[:_TOKENS]
    more = ", …" if row["tokens"] > _TOKENS else ""
    return ", ".join(map(label_with, ids, texts)) + more


def _whole(row: dict[str, Any]) -> list[str]:
    return [f"{row[name]:,}" for name in ("nodes", "tokens", "core", "black_holes")]


def _matrix(console: Console, title: str, names: list[str], rows: list[list[int]] | None) -> None:
    """Print a matrix of distances, or its corner; nothing for fewer than two rows."""
    if rows is None or len(rows) < 2:
        return
    cut = "" if len(rows) <= _ACROSS else f", the first {_ACROSS} of {len(rows)}"
    console.print(f"{title}{cut}")
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", *names[:_ACROSS]):
        table.add_column(name, justify="right")
    for name, row in zip(names[:_ACROSS], rows[:_ACROSS], strict=True):
        table.add_row(name, *(f"{distance:,}" for distance in row[:_ACROSS]))
    console.print(table)


def _pairs(counted: dict[str, int]) -> str:
    """Return a line on the pairs of cells at each small distance, and beyond."""
    shown = [f"{n:,} at {d}" for d, n in counted.items() if int(d) <= _DISTANCES]
    beyond = sum(n for d, n in counted.items() if int(d) > _DISTANCES)
    shown += [f"{beyond:,} farther apart"] if beyond else []
    return "pairs of cells by lattice distance: " + (", ".join(shown) or "none")
