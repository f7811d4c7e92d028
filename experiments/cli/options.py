"""Parsers of stores and paths on the command line, and the options of what is written."""

from pathlib import Path
from typing import Annotated

import typer

from drift.sim.errors import BadInput
from drift.sim.stores.locate import locate
from drift.sim.stores.location import LocalLocation, StoreLocation


def store(text: str) -> StoreLocation:
    """Return the location of a store. Raises typer.BadParameter for what is none."""
    if not text:  # to a shell, a variable that is not set
        raise typer.BadParameter("the name is empty; a path is needed, or s3://BUCKET/NAME")
    try:
        return locate(text)
    except BadInput as error:
        raise typer.BadParameter(str(error)) from error


def path(text: str) -> Path:
    """Return a path on this machine.

    Raises typer.BadParameter for one on object storage.
    """
    found = store(text)
    if not isinstance(found, LocalLocation):
        raise typer.BadParameter(f"{found} is on object storage; a local path is needed")
    return found.path


Out = Annotated[
    StoreLocation | None,
    typer.Option(
        parser=store,
        metavar="STORE",
        help="The store: a path, or s3://BUCKET/NAME (extra s3, configured by AWS_… variables).",
        show_default="named under results/",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace an existing store. A local one is kept until the new one has begun; on s3://"
        " it is deleted first.",
    ),
]


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
