"""`drift compare`: two checkpoints, or two runs, bit by bit."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, store
from drift.experiments.cli.sources import Download, fetch, say_notes
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import parse_wholes
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.experiments.console.token_text import TokenTexts
    from drift.sim.matrix import Matrix

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
    from drift.kernels.formats import FORMATS
    from drift.sim.errors import BadInput, printable_name
    from drift.sim.open_matrix import is_run, open_matrix, tensor_or_step
    from drift.sim.structures.compare import compare

    steps: tuple[int | None, ...] = snapshot or (None,)
    if len(steps) > 2:
        raise BadInput(f"snapshot names {len(steps)} steps; one for both or one for each is needed")
    if download:
        fetch(a, b)
    if format_ is not None and format_ not in FORMATS:
        raise BadInput(f"format is {format_!r}; it must be one of {', '.join(FORMATS)}")
    runs = is_run(a), is_run(b)
    tensor_a, tensor_b = given = _tensors(tensor)
    if tensor_a != tensor_b and any(runs):
        raise BadInput(f"tensor is {tensor!r}; a name for each is for two checkpoints")

    if tensor is None and not any(runs):
        tensor_a, tensor_b = _paired(a, b)

    def opened(
        place: StoreLocation, tensor: str | None, step: int | None
    ) -> "tuple[str | int, Matrix]":
        """Return the matrix, and the tensor or step that it is."""
        # Of a run and a checkpoint, each gets the option that is its own.
        mine = tensor if all(runs) or not is_run(place) else None
        step = step if is_run(place) or not any(runs) else None
        name = tensor_or_step(place, mine, step)
        matrix = open_matrix(place, mine, step)
        if isinstance(name, str):  # files of one name are in many places
            matrix = replace(matrix, label=f"{place}, {printable_name(name)}")
        return name, matrix

    name_a, one = opened(a, tensor_a, steps[0])
    name_b, other = opened(b, tensor_b, steps[-1])
    rounded = [each.format.name for each in (one, other)]
    if format_ is not None:
        one, other = (each.rounded(FORMATS[format_]) for each in (one, other))
    tensors = [name if isinstance(name, str) else None for name in (name_a, name_b)]
    found = compare(one, other)
    for place, name in zip((a, b), given, strict=True):
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
                "formats": rounded,
                "not_rounding": found.differing_values,
            }
        print(json.dumps(origin | found.as_json()))
    else:
        from drift.experiments.tables.compare import show

        show(one, other, found, None if all(runs) else _texts(b if runs[0] else a))
        if format_ is not None:
            print(_not_rounding(found.differing_values, format_, rounded))


def _paired(a: StoreLocation, b: StoreLocation) -> tuple[str | None, str | None]:
    """Return the names of matrices that belong together, where one side is an adapter."""
    from drift.sim.checkpoints.checkpoint import Checkpoint

    if not (isinstance(a, LocalLocation) and isinstance(b, LocalLocation)):
        return None, None
    if not (a.exists() and b.exists()):  # said where they are opened
        return None, None
    one, other = Checkpoint(a.path), Checkpoint(b.path)
    return one.pair_with(other) if one.adapted or other.adapted else (None, None)


def _tensors(named: str | None) -> tuple[str | None, str | None]:
    """Return the names for both sides; BadInput for more than two, or an empty one of two."""
    from drift.sim.errors import BadInput

    names = [None] if named is None else named.split(",")
    if len(names) > 2 or (len(names) == 2 and "" in names):
        raise BadInput(f"tensor is {named!r}; one name for both or one for each is needed")
    return names[0], names[-1]


def _not_rounding(count: int, target: str, formats: list[str]) -> str:
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
