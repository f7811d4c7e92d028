"""`drift structure`: black holes, components and distances of a run or a checkpoint."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, store
from drift.experiments.cli.sources import (
    SOURCE,
    Download,
    Exponents,
    Near,
    Snapshot,
    Tensor,
    fetch,
    say_notes,
)
from drift.experiments.console.terminal import remark
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.structures.structure import Structure

EXAMPLE = "drift structure first.zarr"


def command(
    source: Annotated[StoreLocation, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Show the structure of the occupied cells: black holes, components, distances.

    Cells are adjacent where they are at most one lattice step apart in every
    dimension; a component is a group of cells connected through adjacent ones,
    and a core a component with a black hole. The first token ids of each are
    listed, and all of them with --json; with a tokenizer.json beside the
    checkpoint and the extra "tokenizers" installed, they come with their texts.
    Dense clouds take longer: 2,000 mutually adjacent cells a few seconds, 5,000
    a minute. More than twenty million adjacent pairs are refused.
    """
    if download:
        fetch(source)
    found, selection = examined(source, tensor, snapshot, near, exponents)
    say_notes(source, tensor)
    say_strange(found)
    document = found.as_json(selection)
    for note in found.notes:
        remark(note)
    if as_json:
        print(json.dumps(document))
    else:
        from drift.experiments.tables.structure import show

        show(found.matrix.label, document)


def examined(
    source: StoreLocation,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple["Structure", dict[str, Any] | None]:
    """The structure of what the options name, and the selection as the JSON has it."""
    from drift.experiments.console.progress import ProgressBar
    from drift.sim.open_matrix import open_selection
    from drift.sim.structures.structure import structure_of

    matrix, selection = open_selection(source, tensor, snapshot, near, exponents)
    with ProgressBar("neighbours of cells", sys.stderr) as told:
        found = structure_of(matrix, told)
    return found, selection


def say_strange(found: "Structure") -> None:
    """Say on stderr how many rows are in no cell, if any."""
    strange = len(found.matrix.codes) - found.tokens
    if strange:
        remark(f"{found.matrix.label}: rows that are not finite, and so in no cell: {strange:,}")
