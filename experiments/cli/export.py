"""`drift export`: the counts of a store as CSV.

line   of a run, a record; of a sweep, a record of a finished grid point; of a track, a sample
names  of a run, those of the JSON; of a sweep, those of its arrays: first its axes, whose
       names stand in words, then progress and the counts

Numbers are written so that they read back to the same bits. Before a name that a spreadsheet
would take for a formula stands an apostrophe.
"""

import csv
import itertools
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from drift.experiments.cli.options import AsJson, path, store
from drift.experiments.console.terminal import say
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.stores.run_store import RunStore
    from drift.sim.sweeps.store import SweepStore
    from drift.sim.tracks.track_store import TrackStore

EXAMPLE = "drift export first.zarr --out first.csv"

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of a formula of a spreadsheet."""
_Lines = Iterable[Iterable[Any]]
_VALUES = 1 << 19
"""Values of each count that are read together: 4 MiB, or what a chunk holds."""


def command(
    source: Annotated[
        StoreLocation,
        typer.Argument(
            parser=store, metavar="STORE", help="The store of a run, a sweep or a track."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path, metavar="FILE", help="The CSV file; - is stdout.", show_default="stdout"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the counts of a run, a sweep or a track as CSV.

    A run has one line per record, a sweep one per recorded step of each finished
    grid point, a track one per sample, with all its numbers. With --out, --json
    prints how many lines there are.
    """
    from drift.experiments.console.files import atomic_write
    from drift.sim.errors import BadInput
    from drift.sim.stores.run_store import RunStore
    from drift.sim.sweeps.store import is_sweep, open_grid
    from drift.sim.tracks.track_store import TrackStore, is_track

    if as_json and (out is None or str(out) == "-"):
        raise BadInput("--json needs --out FILE: without it stdout carries the CSV")
    if is_track(source):
        lines = _of_track(TrackStore(source))
    else:
        lines = _of_sweep(open_grid(source)) if is_sweep(source) else _of_run(RunStore(source))
    if out is None or str(out) == "-":
        _write(lines, sys.stdout)
        return
    with atomic_write(out) as new, new.open("w", encoding="utf-8") as file:
        count = _write(lines, file) - 1
    if as_json:
        print(json.dumps({"csv": str(out), "lines": count, "bytes": out.stat().st_size}))
    else:
        say(f"{count:,} lines: {out}")


def _write(lines: _Lines, file: TextIO) -> int:
    """Write `lines`; how many there were."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    for count, line in enumerate(lines, 1):  # noqa: B007
        writer.writerow(map(_cell, line))
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else value


def _of_run(run: "RunStore") -> Iterator[Iterable[Any]]:
    from drift.sim.counting.cells import Counts

    records = run.records()  # before anything is printed: one may be damaged
    yield [field.name for field in fields(Counts)]
    for counts in records:
        yield counts.as_json().values()


def _of_sweep(sweep: "SweepStore") -> Iterator[Iterable[Any]]:
    """Yield the lines of a sweep, point by point; some chunks of its arrays are read together."""
    import numpy as np

    from drift.sim.spec.rules import recorded
    from drift.sim.sweeps.kept.shown import once_each
    from drift.sim.sweeps.store import EXPECTED, PredictedStore

    grid, progress, done = sweep.grid, sweep.progress.tolist(), sweep.done
    once: dict[int, list[int]] = {}
    extra = EXPECTED if isinstance(sweep, PredictedStore) else ()
    stored = [*sweep.names.values(), *extra]
    yield [*(axis.name for axis in grid.axes), "progress", "step", *stored]
    meanings = [axis.meanings if axis.named else axis.values for axis in grid.axes]
    *chunk, records = sweep.array("distinct").chunks
    for block in _blocks(grid.shape, chunk, _VALUES // records):
        there = np.argwhere(done[block]) + [each.start for each in block]
        if not len(there):
            continue
        counts = [sweep.read(name, block)[done[block]] for name in (*sweep.names, *extra)]
        for point, place in enumerate(there.tolist()):
            values = {axis.name: axis.values[k] for axis, k in zip(grid.axes, place, strict=True)}
            names = [meaning[k] for meaning, k in zip(meanings, place, strict=True)]
            of = int({**grid.base, **values}["steps"])
            steps = recorded(of, grid.records)
            if of not in once:
                once[of] = once_each(of, grid.records)
            columns = (count[point].tolist() for count in counts)
            lines = list(zip(progress, steps, *columns, strict=True))
            for k in once[of]:
                yield [*names, *lines[k]]


def _of_track(store: "TrackStore") -> Iterator[Iterable[Any]]:
    """Yield the lines of a track, a sample each; a number that is not there is empty."""
    from drift.sim.tracks.names import PER_STEP

    found = store.track()  # before anything is printed: some of it may be damaged
    yield ["step", *PER_STEP]
    columns = [map(_or_empty, found.arrays[name].tolist()) for name in PER_STEP]
    yield from zip(found.steps, *columns, strict=True)


def _or_empty(number: float) -> float | str:
    """Return a number of a track, or an empty text for none."""
    missing = number < 0 if isinstance(number, int) else number != number
    return "" if missing else number


def _blocks(shape: tuple[int, ...], chunk: Sequence[int], most: int) -> Iterator[tuple[slice, ...]]:
    """Yield slices of points that are read together, in order: whole chunks, about `most` points.

    A chunk has as many of the last axes as fit into it (sim.sweeps.store), and so
    has a block.
    """
    block, room = list(chunk), most // math.prod(chunk)
    for axis in reversed(range(len(shape))):
        many = max(1, min(room, -(-shape[axis] // block[axis])))
        block[axis], room = min(shape[axis], many * block[axis]), room // many
        if block[axis] < shape[axis]:
            break
    counts = [range(0, length, size) for length, size in zip(shape, block, strict=True)]
    for starts in itertools.product(*counts):
        ends = (min(s + size, n) for s, size, n in zip(starts, block, shape, strict=True))
        yield tuple(slice(*each) for each in zip(starts, ends, strict=True))
