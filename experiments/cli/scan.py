"""`drift scan`: the black holes in a checkpoint's embedding matrices."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drift.experiments.cli.options import AsJson, path
from drift.experiments.cli.sources import Download, fetch
from drift.experiments.console.terminal import remark
from drift.sim.stores.location import LocalLocation

if TYPE_CHECKING:
    from drift.sim.structures.scan import Scan
    from drift.sim.structures.token_texts import TokenTexts

EXAMPLE = "drift scan Qwen3-4B/ --ids holes.jsonl"


def command(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            parser=path,
            metavar="CHECKPOINT",
            help="A .safetensors file, a directory, an index of shards or a hub's ORG/NAME.",
        ),
    ],
    tensor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The matrix to scan.",
            show_default="all that have a row for each token",
        ),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE",
            help="Write the token ids of the black holes, one JSON line each; - is stdout, alone.",
        ),
    ] = None,
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Find the tokens whose vectors are bit-identical in a checkpoint.

    Reads only the matrices that have a row for each token, in place: the
    embedding, the unembedding and others like them. Rows of zeros, rows that are
    the mean of the others, and rows with NaNs or infinities are listed
    separately, because tools produce them. With a tokenizer.json beside the
    checkpoint and the extra "tokenizers" installed, token ids come with their
    texts. A hub's model is looked for in the hub's cache.
    """
    from drift.experiments.console.files import write_text_atomically
    from drift.experiments.console.token_text import load_token_texts
    from drift.sim.checkpoints.checkpoint import Checkpoint
    from drift.sim.errors import BadInput
    from drift.sim.sources.scan import scan

    if as_json and ids is not None and str(ids) == "-":
        raise BadInput("--json needs --ids FILE: with --ids - stdout carries the token ids")
    if download:
        fetch(LocalLocation(checkpoint))
    found = Checkpoint(checkpoint)
    scans = scan(found, tensor)
    tied = scans.tied
    texts = load_token_texts(found.directory)
    lines = "".join(_lines(scans, texts)) if ids is not None else ""
    if ids is not None and str(ids) != "-":
        write_text_atomically(ids, lines)
    for note in found.notes:
        remark(note)
    if ids is not None and str(ids) == "-":
        sys.stdout.write(lines)  # and nothing else
    elif as_json:
        print(json.dumps(scans.as_json()))
    else:
        from drift.experiments.tables.scan import show_scans

        show_scans(found, scans, tied, texts)


def _lines(scans: "list[Scan]", texts: "TokenTexts | None") -> list[str]:
    """A JSON line for each black hole."""
    lines = []
    for scan in scans:
        for rows in scan.black_holes:
            line = {"tensor": scan.name, "tokens": len(rows), "token_ids": rows.tolist()}
            if texts is not None:
                line["texts"] = [texts.text(token) for token in rows.tolist()]
            lines.append(json.dumps(line) + "\n")
    return lines
