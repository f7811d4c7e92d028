"""`drift export`: the counts of a store as CSV.

line   of a run, a record; of a sweep, a record of a cell that is done
names  of a run, those of the JSON; of a sweep, those of its arrays: first its axes, whose
       names stand in words, then progress and the counts

Numbers are written so that they read back to the same bits.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from experiments.addresses import path, store
from experiments.screen import say
from experiments.source import AsJson
from sim.places import Address

if TYPE_CHECKING:
    from sim.grid_store import GridStore
    from sim.store import RunStore

EXAMPLE = "Example: drift export results/grid.zarr --out grid.csv"

_Lines = Iterable[Iterable[Any]]


def command(
    source: Annotated[
        Address, typer.Argument(parser=store, metavar="STORE", help="Of a run or a sweep.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="Where to.", show_default="stdout"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the counts of a run or a sweep as CSV.

    A run has a line for each record, a sweep one for each record of each cell
    that is done. With --out, --json tells how many there are.
    """
    from experiments.whole import write_whole
    from sim.errors import BadInput
    from sim.grid_store import GridStore, is_sweep
    from sim.store import RunStore

    if as_json and out is None:
        raise BadInput("json is asked for and stdout is the CSV's; --out FILE takes the CSV")
    lines = _of_sweep(GridStore(source)) if is_sweep(source) else _of_run(RunStore(source))
    if out is None:
        _write(lines, sys.stdout)
        return
    text = io.StringIO()
    count = _write(lines, text) - 1
    write_whole(out, text.getvalue())
    if as_json:
        print(json.dumps({"csv": str(out), "lines": count, "bytes": out.stat().st_size}))
    else:
        say(f"{count:,} lines: {out}")


def _write(lines: _Lines, file: TextIO) -> int:
    """Write `lines`; how many there were."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    for count, line in enumerate(lines, 1):  # noqa: B007
        writer.writerow([repr(each) if isinstance(each, float) else each for each in line])
    return count


def _of_run(run: "RunStore") -> Iterator[Iterable[Any]]:
    from sim.counts import Counts

    records = run.records()  # before anything is printed: one may be damaged
    yield [field.name for field in fields(Counts)]
    for counts in records:
        yield counts.as_json().values()


def _of_sweep(sweep: "GridStore") -> Iterator[Iterable[Any]]:
    """The lines of a sweep, its cells in order; whole chunks of its arrays are read together."""
    import numpy as np

    from sim.grid import recorded
    from sim.grid_layout import NAMES

    grid, progress = sweep.grid, sweep.progress.tolist()
    yield [*(axis.name for axis in grid.axes), "progress", "step", *NAMES.values()]
    shape, done = grid.shape or (1,), np.atleast_1d(sweep.done)
    meanings = [axis.meanings if axis.named else axis.values for axis in grid.axes]
    rows, inner = sweep.array("distinct").chunks[0] if grid.axes else 1, done[0].size
    for start in range(0, len(done), rows):
        some = slice(start, start + rows) if grid.axes else ...
        arrays = [sweep.read(name, some) for name in NAMES]
        values = np.stack([array.reshape(-1, len(progress)) for array in arrays], dtype=object)
        for cell in np.flatnonzero(done[start : start + rows]).tolist():
            number = start * inner + cell
            place = np.unravel_index(number, shape)
            names = [meaning[k] for meaning, k in zip(meanings, place, strict=False)]
            steps = recorded({**grid.base, **grid.values(number)}["steps"], grid.records)
            for each in zip(progress, steps, *values[:, cell], strict=True):
                yield [*names, *each]
