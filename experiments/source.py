"""Where token vectors come from, as the options of a verb say it.

source     a run's store, or a checkpoint (sim.open_matrix)
selection  the tokens around one token (sim.checkpoints.selection), or all of them
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.numbers import whole
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.matrix import Matrix

SOURCE = (
    "A run's store (a path, s3://BUCKET/NAME), or a checkpoint: a .safetensors file, a directory,"
    " an index."
)
_EXPONENTS = 5

Tensor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Matrix of a checkpoint.",
        show_default="unembedding, embedding where tied",
    ),
]
Snapshot = Annotated[
    int | None,
    typer.Option(
        parser=whole,
        metavar="STEP",
        help="Of a run: the step whose cloud is meant.",
        show_default="the last",
    ),
]
Near = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH",
        help="Take only tokens around one: largest (black hole), or a token id.",
        show_default="all tokens",
    ),
]
Exponents = Annotated[
    int | None,
    typer.Option(
        parser=whole,
        metavar="N",
        help="With --near: how far each exponent may be from its.",
        show_default=str(_EXPONENTS),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def chosen(
    source: StoreLocation,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple["Matrix", dict[str, Any] | None]:
    """The matrix that the options name, and the selection as the JSON has it.

    Raises BadInput for options that do not go together, and as sim.open_matrix does.
    """
    from drift.sim.checkpoints.selection import select
    from drift.sim.errors import BadInput
    from drift.sim.open_matrix import open_matrix

    if exponents is not None and near is None:
        raise BadInput(f"exponents is {exponents} without near; --near names the token it is of")
    matrix, selection = open_matrix(source, tensor, snapshot), None
    if near is not None:
        within = _EXPONENTS if exponents is None else exponents
        matrix = select(matrix, near, within)
        selection = {"near": near if near == "largest" else int(near), "exponents": within}
    return matrix, selection
