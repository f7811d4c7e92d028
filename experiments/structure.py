"""`drift structure`: black holes, components and distances of a run or a checkpoint."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.addresses import store
from experiments.screen import remark
from experiments.source import SOURCE, AsJson, Exponents, Near, Snapshot, Tensor, chosen
from sim.places import Address

if TYPE_CHECKING:
    from sim.structure import Structure

EXAMPLE = "Example: drift structure results/demo.zarr --near largest --exponents 5"


def command(
    source: Annotated[Address, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    as_json: AsJson = False,
) -> None:
    """Show how the occupied cells lie: black holes, components, distances.

    Cells are adjacent where they are at most one lattice step apart in every
    dimension. A component is a group of cells joined by adjacent ones; its
    core is all of it where it holds a black hole. Cells that crowd together
    take longer: 2,000 that are all adjacent some seconds, 5,000 a minute.
    More than twenty million adjacent pairs are refused.
    """
    found, selection = examined(source, tensor, snapshot, near, exponents)
    say_strange(found)
    document = as_document(found, selection)
    if as_json:
        print(json.dumps(document))
    else:
        from experiments.structure_tables import show

        show(found.matrix.label, document)


def examined(
    source: Address,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple["Structure", dict[str, Any] | None]:
    """The structure of what the options name, and the selection as the JSON has it."""
    from experiments.progress import Progress
    from sim.structure import structure

    matrix, selection = chosen(source, tensor, snapshot, near, exponents)
    with Progress("neighbours of cells", sys.stderr) as told:
        found = structure(matrix, told)
    return found, selection


def say_strange(found: "Structure") -> None:
    """Say on stderr how many rows are in no cell, if any."""
    strange = len(found.matrix.codes) - len(found.cells.tokens)
    if strange:
        remark(f"{found.matrix.label}: rows that are not finite, and so in no cell: {strange:,}")


def as_document(found: "Structure", selection: dict[str, Any] | None) -> dict[str, Any]:
    """What `drift structure --json` prints."""
    from sim.structure import MOST_CELLS, MOST_ROWS

    cells = len(found.cells)
    if cells > MOST_CELLS:
        remark(f"{cells:,} cells: pairs beyond distance 1 are counted up to {MOST_CELLS:,} cells")
    for what, count in (
        ("black holes", len(found.cells.holes)),
        ("components", len(found.components)),
    ):
        if count > MOST_ROWS:
            remark(f"{count:,} {what}: their distances are given up to {MOST_ROWS:,}")
    holes, components = found.hole_distance(), found.component_distance()
    return {
        "tokens": len(found.cells.tokens),
        "cells": cells,
        "selection": selection,
        "components": [component.as_json() for component in found.components],
        "isolated": found.isolated(),
        "black_holes": [
            {
                "tokens": len(found.cells.of(hole)),
                "token_ids": found.token_ids(hole).tolist(),
                "norm": found.norm(hole),
            }
            for hole in found.cells.holes
        ],
        "black_hole_distance": None if holes is None else holes.tolist(),
        "component_distance": None if components is None else components.tolist(),
        "pairs_at_distance": {str(d): n for d, n in found.pairs_at_distance().items()},
    }
