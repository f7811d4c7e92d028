"""The structure of a run's last cloud on a page: the tables of `drift structure`."""

import sys
from typing import Any

from drift.experiments.console.progress import ProgressBar
from drift.experiments.console.terminal import remark
from drift.experiments.console.token_text import label_with
from drift.experiments.report.document import DataTable, PageBlock, Paragraph
from drift.experiments.report.tables import format_count
from drift.sim.open_matrix import open_matrix
from drift.sim.stores.run_store import RunStore
from drift.sim.structures.structure import MOST_CELLS, MOST_ROWS, structure_of

_COMPONENTS = 20
"""Most components in a table, the largest first."""
_ACROSS = 13
"""Most rows of a matrix of distances."""
_DISTANCES = 12
"""Most distances whose pairs are listed."""
_HOLES, _IDS = 20, 12
"""Most black holes whose tokens are listed, and most tokens of each."""
_MEANING = (
    "Cells are adjacent if they are at most one lattice step apart in every dimension. A component"
    " is a group of cells joined by adjacency; it is core if it holds a black hole."
)


def blocks(store: RunStore) -> list[PageBlock]:
    """Return the tables of the last snapshot.

    Raises BadInput where there is none, and where too many cells are adjacent.
    """
    matrix = open_matrix(store.address, snapshot=_last(store))
    with ProgressBar("neighbours of cells", sys.stderr) as progress:
        found = structure_of(matrix, progress)
    for note in found.notes:
        remark(note)
    told = found.as_json()
    where = found.matrix.label.removeprefix(f"{store.address}, ")
    counts = f"{format_count(told['tokens'])} tokens in {format_count(told['cells'])} cells"
    said = f"At {where}: {counts}. {_MEANING}"
    populations = [f"{len(hole['token_ids']):,}" for hole in told["black_holes"]]
    numbers = [str(k + 1) for k in range(len(told["components"]))]
    return [
        Paragraph(said),
        _components(told),
        *(_members(told["black_holes"]) if store.has("token_id") else ()),
        *_pairs(told["pairs_at_distance"], told["cells"]),
        *_matrix("black holes", "population", populations, told["black_hole_distance"]),
        *_matrix("components", "number", numbers, told["component_distance"]),
    ]


def _last(store: RunStore) -> int | None:
    """Return the step of the last snapshot that is there, for a run that is not complete."""
    if store.complete or not store.has("bits"):
        return None
    begun = [0] if "initial" in store.attrs else []
    there = {*begun, *(counts.step for counts in store.records())}
    return max(there.intersection(store.read("snapshot_step").tolist()), default=None)


def _components(told: dict[str, Any]) -> DataTable:
    names = ("nodes", "tokens", "core", "black_holes")
    rows = [
        [str(k), *(format_count(each[name]) for name in (*names, "edges")),
         f"{each['density']:.3f}", f"{each['clustering']:.3f}"]
        for k, each in enumerate(told["components"][:_COMPONENTS], 1)
    ]  # fmt: skip
    left = told["components"][_COMPONENTS:]
    if left:
        sums = [format_count(sum(each[name] for each in left)) for name in (*names, "edges")]
        rows.append([f"{len(left):,} more", *sums, "", ""])
    rows.append(["isolated", *(format_count(told["isolated"][name]) for name in names), "", "", ""])
    columns = [name.replace("_", " ") for name in names]
    measures = ("edges", "density", "clustering")
    return DataTable("Components of adjacent cells", ["component", *columns, *measures], rows)


def _members(holes: list[dict[str, Any]]) -> list[PageBlock]:
    """Return the table of tokens in the largest black holes, with their texts where known."""
    if not holes:
        return []
    rows = []
    for hole in holes[:_HOLES]:
        ids = hole["token_ids"]
        texts = hole.get("texts", [None] * len(ids))
        shown = [label_with(each, text) for each, text in zip(ids[:_IDS], texts, strict=False)]
        more = [f"… and {len(ids) - _IDS:,} more"] if len(ids) > _IDS else []
        rows.append([format_count(len(ids)), f"{hole['norm']:.6g}", ", ".join([*shown, *more])])
    columns = ("tokens", "norm", "token ids")
    left = f"{len(holes) - _HOLES:,} smaller ones are not listed." if len(holes) > _HOLES else ""
    return [DataTable("Tokens in the largest black holes", columns, rows, numeric=False, note=left)]


def _pairs(counted: dict[str, int], cells: int) -> list[PageBlock]:
    if not counted:
        return []
    rows = [[distance, format_count(pairs)] for distance, pairs in counted.items()]
    if len(rows) > _DISTANCES:
        rows[_DISTANCES:] = [["more", format_count(sum([*counted.values()][_DISTANCES:]))]]
    note = (
        "" if cells <= MOST_CELLS else f"Greater ones are counted for up to {MOST_CELLS:,} cells."
    )
    columns = ("lattice distance", "pairs")
    return [DataTable("Pairs of cells by lattice distance", columns, rows, note=note)]


def _matrix(what: str, by: str, names: list[str], rows: list[list[int]] | None) -> list[PageBlock]:
    """Return a matrix of distances, or its corner; nothing for fewer than two rows."""
    if rows is None:
        return [Paragraph(f"The distances of more than {MOST_ROWS:,} {what} are not shown.")]
    if len(rows) < 2:
        return []
    shown = [
        [name, *map(format_count, row[:_ACROSS])]
        for name, row in zip(names[:_ACROSS], rows[:_ACROSS], strict=True)
    ]
    cut = "" if len(rows) <= _ACROSS else f"Only the first {_ACROSS} of {len(rows)} are shown."
    caption = f"Lattice distance between {what}, by {by}"
    return [DataTable(caption, ["", *names[:_ACROSS]], shown, note=cut)]
