"""`drift track`: displacements, freezing and black holes along a trajectory."""

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, Out, Overwrite, path, store
from drift.experiments.cli.sources import Exponents, Near, missing_parent, say_made
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import Range, parse_counts, parse_whole
from drift.sim.stores.location import LocalLocation, StoreLocation

EXAMPLE = "drift track frames.zarr --out track.zarr"


def parse_steps(text: str) -> Any:
    """Return whole numbers, a range of them, or the path of a .npy file that holds them."""
    return path(text) if text.endswith(".npy") else parse_counts(text)


def command(
    sources: Annotated[
        list[StoreLocation],
        typer.Argument(
            parser=store,
            metavar="SOURCE…",
            help="An array (steps, tokens, dims): safetensors, .npy, zarr or HDF5 (extra hdf5); a"
            " run's store; or checkpoints in order, which are sorted where only numbers differ.",
        ),
    ],
    tensor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which of several arrays, or which matrix of the checkpoints.",
            show_default="the only array; the unembedding, or embedding where tied",
        ),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="FORMAT",
            help="Format of codes that are stored as integers: bfloat16, float8_e4m3fn, …",
        ),
    ] = None,
    steps: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_steps,
            metavar="STEPS",
            help="Step of each sample: a list, lo:hi:n:lin or a .npy file.",
            show_default="0 …, or those of a run",
        ),
    ] = None,
    every: Annotated[
        int,
        typer.Option(parser=parse_whole, metavar="N", help="Look at every Nth sample."),
    ] = 1,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Tokens: first:stop, ids, a .npy file or a boolean tensor FILE.safetensors[:NAME];"
            " ! before it takes all others.",
            show_default="all",
        ),
    ] = None,
    near: Near = None,
    exponents: Exponents = None,
    save_motion: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE.npy",
            help="Write the motion of the centroid, for drift run --motion FILE.npy.",
        ),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Follow tokens along a recorded trajectory, and measure how they move.

    At each sample it counts distinct cells and black holes, and measures how far
    each token moved since the sample before, in lattice steps; how far the
    centroid moved; when each token froze; and what became of black holes. Between
    samples it sees nothing: frozen means equal at the samples.

    The source is read once, a few samples at a time. The same command resumes an
    interrupted track. Pickles (.pt, .bin) are not read.
    """
    from drift.experiments.console.progress import TrackBar, stop_at_second_signal
    from drift.sim.errors import BadInput
    from drift.sim.tracks.track import track

    if save_motion is not None and save_motion.suffix != ".npy":
        raise BadInput(f"save-motion is {save_motion}; a file that ends with .npy is needed")
    numbers = _steps(steps)
    options: dict[str, Any] = {
        "tensor": tensor,
        "format": as_,
        "every": every,
        "rows": rows,
        "near": near,
        "exponents": exponents,
    }
    place = out or default_store(sources, {**options, "steps": numbers})
    made = missing_parent(out)
    title = f"track of {sources[0]}"
    with stop_at_second_signal(), TrackBar(title, sys.stderr) as progress:
        found = track(
            sources if len(sources) > 1 else sources[0],
            **options,
            steps=numbers,
            out=place,
            overwrite=overwrite,
            progress=progress,
        )
    say_made(made)
    if save_motion is not None:
        _save(save_motion, found.motion)
    for note in found.notes:
        remark(note)
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        from drift.experiments.tables.track import show_track

        show_track(found)
        if save_motion is not None:
            from drift.experiments.console.terminal import say

            say(f"motion: {save_motion}")


def _steps(given: Any) -> Sequence[int] | None:
    """Return the steps that an option gives."""
    if isinstance(given, Path):
        from drift.sim.trajectories.files import open_npy

        found: Any = open_npy(given)
        return found
    return given.values() if isinstance(given, Range) else given


def default_store(sources: list[StoreLocation], options: dict[str, Any]) -> StoreLocation:
    """Return the store of a track that names none: one path for each source and its options."""
    said = json.dumps([[str(each) for each in sources], options], sort_keys=True, default=str)
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    name = re.sub("[^A-Za-z0-9._-]+", "-", Path(sources[0].name).stem)[:60]
    return LocalLocation(Path("results") / f"track-{name or 'of'}-{digest}.zarr")


def _save(place: Path, motion: Any) -> None:
    """Write the motion as a .npy file. Raises BadInput or Unfinished where it can't be written."""
    import numpy as np

    from drift.experiments.console.files import atomic_write

    with atomic_write(place) as new, new.open("wb") as file:
        np.save(file, np.nan_to_num(motion), allow_pickle=False)
