"""`drift report`: a run, a sweep, a track or a study as one page to share."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from drift.experiments.cli.options import AsJson, path, store
from drift.experiments.cli.plot import Predicted
from drift.experiments.cli.sources import beside, say_slice
from drift.experiments.console.terminal import say
from drift.sim.stores.location import StoreLocation

EXAMPLE = "drift report first.zarr -o first.html"


def command(
    source: Annotated[
        StoreLocation,
        typer.Argument(
            parser=store,
            metavar="SOURCE",
            help="The store of a run, a sweep or a track, or a study's directory.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            parser=path,
            metavar="PAGE.html",
            help="The page.",
            show_default="beside the store; in the working directory for s3://",
        ),
    ] = None,
    prediction: Predicted = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page: what was run, the results, how to repeat them.

    It opens from disk and needs no network. On it tokens can be watched falling
    together, record by record. An incomplete store is shown as far as it goes.
    """
    from drift.experiments.console.files import write_text_atomically
    from drift.experiments.console.progress import ProgressBar
    from drift.experiments.figures.expected import ExpectedPairs
    from drift.experiments.figures.sweeps.sweep_slice import plane_slice
    from drift.experiments.report.document import render
    from drift.experiments.report.page import page_of
    from drift.sim.errors import BadInput
    from drift.sim.sweeps.store import is_sweep, open_grid

    if is_sweep(source):
        opened = open_grid(source)
        with suppress(BadInput):  # where there is no plane, the page says so
            say_slice(plane_slice(opened, None, None, {}).fixed, {}, opened.grid)
    page = page_of([source], expected_pairs=ExpectedPairs(prediction))
    with ProgressBar("sections", sys.stderr) as progress:
        text = render(page, progress)
    place = out or beside([source], "report").with_suffix(".html")
    write_text_atomically(place, text)
    if as_json:
        print(json.dumps({"page": str(place), "bytes": len(text.encode())}))
    else:
        say(f"page: {place}")
