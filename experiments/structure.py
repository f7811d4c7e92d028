"""`drift structure`: black holes, components and distances of a run or a checkpoint."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.addresses import store
from experiments.numbers import whole
from sim.places import Address

if TYPE_CHECKING:
    from sim.structure import Structure

EXAMPLE = "Example: drift structure results/demo.zarr --near largest --exponents 5"

SOURCE = (
    "A run's store (a path, s3://BUCKET/NAME), or a checkpoint: a .safetensors file, a directory,"
    " an index."
)
TENSOR = "Matrix of a checkpoint."
SNAPSHOT = "Of a run: the step whose cloud is meant."
NEAR = "Take only tokens around one: largest (black hole), or a token id."
EXPONENTS = "With --near: how far each exponent may be from its."
_EXPONENTS = 5


def command(
    source: Annotated[Address, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
    tensor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=TENSOR, show_default="unembedding, embedding where tied"),
    ] = None,
    snapshot: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="STEP", help=SNAPSHOT, show_default="the last"),
    ] = None,
    near: Annotated[
        str | None, typer.Option(metavar="WHICH", help=NEAR, show_default="all tokens")
    ] = None,
    exponents: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="N", help=EXPONENTS, show_default=str(_EXPONENTS)),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Show how the occupied cells lie: black holes, components, distances.

    Cells are adjacent where they are at most one lattice step apart in every
    dimension. A component is a group of cells joined by adjacent ones; its
    core is all of it where it holds a black hole. Cells that crowd together
    take longer: 2,000 that are all adjacent some seconds, 5,000 a minute.
    More than twenty million adjacent pairs are refused.
    """
    found, selection = examined(source, tensor, snapshot, near, exponents)
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
    from sim.errors import BadInput
    from sim.selection import select
    from sim.sources import open_matrix
    from sim.structure import structure

    if exponents is not None and near is None:
        raise BadInput(f"exponents is {exponents} without near; --near names the token it is of")
    matrix, selection = open_matrix(source, tensor, snapshot), None
    if near is not None:
        within = _EXPONENTS if exponents is None else exponents
        matrix = select(matrix, near, within)
        selection = {"near": near if near == "largest" else int(near), "exponents": within}
    with Progress("neighbours of cells", sys.stderr) as told:
        found = structure(matrix, told)
    strange = len(matrix.codes) - len(found.cells.tokens)
    if strange:
        _say(f"{strange:,} rows of {matrix.label} are not finite; they are in no cell")
    return found, selection


def as_document(found: "Structure", selection: dict[str, Any] | None) -> dict[str, Any]:
    """What `drift structure --json` prints."""
    from sim.structure import MOST_CELLS, MOST_ROWS

    cells = len(found.cells)
    if cells > MOST_CELLS:
        _say(f"{cells:,} cells: pairs beyond distance 1 are counted up to {MOST_CELLS:,} cells")
    for what, count in (
        ("black holes", len(found.cells.holes)),
        ("components", len(found.components)),
    ):
        if count > MOST_ROWS:
            _say(f"{count:,} {what}: their distances are given up to {MOST_ROWS:,}")
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


def _say(line: str) -> None:
    print(f"drift: {line}", file=sys.stderr)
