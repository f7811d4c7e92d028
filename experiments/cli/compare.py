"""`drift compare`: two checkpoints, or two runs, bit by bit."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, store
from drift.experiments.cli.sources import Download, fetch, say_notes
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import parse_wholes
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.structures.token_texts import TokenTexts

EXAMPLE = "drift compare first.zarr first.zarr --snapshot 0,100"

_SOURCE = (
    "A checkpoint (a .safetensors file, a directory, an index, a hub's ORG/NAME) or a run's store"
    " (a path, s3://BUCKET/NAME)."
)
_SNAPSHOT = "Runs: the step to compare, or one step for each."


def command(
    a: Annotated[StoreLocation, typer.Argument(parser=store, metavar="A", help=_SOURCE)],
    b: Annotated[
        StoreLocation,
        typer.Argument(
            parser=store,
            metavar="B",
            help="The matrix to compare with A, from a source of the same kinds.",
        ),
    ],
    tensor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="Matrix of the checkpoints, or one for each.",
            show_default="unembedding, or embedding where tied",
        ),
    ] = None,
    snapshot: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_wholes, metavar="STEP[,STEP]", help=_SNAPSHOT, show_default="the last kept"
        ),
    ] = None,
    download: Download = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Round to this format first, to nearest, what is in another.",
            show_default="both have one format",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two matrices of token vectors bit by bit, and follow their black holes.

    Rows are paired by token id. Values are identical where all their bits are;
    distances count lattice steps, so -0 and +0 are 0 apart. Values that are not
    finite have no distance, and their rows are in no black hole.

    To see whether a checkpoint was converted right, --format bfloat16 rounds the
    wider one first, and a line says how many values of the other are not the
    rounding.
    """
    from drift.sim.open_matrix import is_run
    from drift.sim.sources.compare import pair_of, tensors_of
    from drift.sim.structures.compare import compare

    if download:
        fetch(a, b)
    pair = pair_of(a, b, tensor, snapshot, format_)
    one, other, (name_a, name_b), rounded = pair
    runs = is_run(a), is_run(b)
    tensors = [name if isinstance(name, str) else None for name in (name_a, name_b)]
    found = compare(one, other)
    for place, name in zip((a, b), tensors_of(tensor), strict=True):
        say_notes(place, name)
    if None not in tensors and name_a != name_b:
        remark(f"{one.label} is compared with {other.label}")
    for note in dict.fromkeys(each.note for each in (one, other) if each.note):
        remark(note)
    if as_json:
        origin: dict[str, Any] = {
            "a": str(a),
            "b": str(b),
            "tensor": tensors[0] if name_a == name_b else None,
            "tensors": tensors,
            "snapshots": [each if isinstance(each, int) else None for each in (name_a, name_b)],
        }
        if format_ is not None:
            origin |= {
                "format": format_,
                "formats": list(rounded),
                "not_rounding": found.differing_values,
            }
        print(json.dumps(origin | found.as_json()))
    else:
        from drift.experiments.tables.compare import show

        show(one, other, found, None if all(runs) else _texts(b if runs[0] else a))
        if format_ is not None:
            print(_not_rounding(found.differing_values, format_, rounded))


def _not_rounding(count: int, target: str, formats: tuple[str, str]) -> str:
    """Return the line on values that are not the rounding of the other side's."""
    wider = [side for side, each in zip("AB", formats, strict=True) if each != target]
    if len(wider) != 1:
        return f"values that differ after both are rounded to {target}: {count:,}"
    other = "AB".replace(wider[0], "")
    return f"values of {other} that are not {wider[0]}'s rounded to {target}: {count:,}"


def _texts(place: StoreLocation) -> "TokenTexts | None":
    """Return the texts of the tokens of the checkpoint at `place`."""
    from drift.experiments.console.token_text import load_token_texts
    from drift.sim.checkpoints.checkpoint import Checkpoint

    assert isinstance(place, LocalLocation), "checkpoints are"
    return load_token_texts(Checkpoint(place.path).directory)
