"""A study from its first part to its page: what is complete is left as it is."""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from drift.experiments.console.files import write_text_atomically
from drift.experiments.console.progress import (
    RunBar,
    SweepBar,
    TrainingBar,
    stop_at_second_signal,
)
from drift.experiments.console.values import format_bytes
from drift.experiments.studies.parts import Part, StudyStores, Training
from drift.experiments.studies.registry import IDENTITY, Study
from drift.sim.devices.device import configure
from drift.sim.errors import BadInput, unwritten


class PartProgress:
    """Bars of one part, under its title."""

    def __init__(self, title: str):
        self._title = title

    def records(self) -> RunBar:
        """Return the bar of a run."""
        return RunBar(self._title, sys.stderr)

    def points(self) -> SweepBar:
        """Return the bar of a sweep."""
        return SweepBar(self._title, sys.stderr)

    def steps(self) -> TrainingBar:
        """Return the bar of a training."""
        return TrainingBar(self._title, sys.stderr)


def run_study(study: Study, out: Path, quick: bool, device: str) -> dict[str, Any]:
    """Carry out the parts that are missing, draw the page, and return what `--json` prints.

    Raises BadInput where a store, or stores of another study, are in the way, Unfinished where a
    grid point fails or the disk is full.
    """
    began = time.monotonic()
    for each in (out, *out.absolute().parents):
        if (each / "zarr.json").is_file():
            raise BadInput(f"{each} is a Zarr store, and no place for a study; --out names another")
    configure(device)
    made, done = StudyStores(out / "stores"), []
    parts = study.parts(quick)
    # All parts before the first is carried out: a wrong store is reported before any work.
    complete = {part.name: part.complete(made) for part in parts}
    try:
        made.stores.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(out, error) from error
    identity: dict[str, Any] = {"study": study.name, "quick": quick}
    if study.options:
        identity["options"] = study.options
    write_text_atomically(made.stores / IDENTITY, json.dumps(identity) + "\n")
    _announce([part for part in parts if not complete[part.name]], made)
    with stop_at_second_signal():
        for number, part in enumerate(parts, 1):
            started, title = time.monotonic(), f"{number} of {len(parts)}, {part.name}"
            if not complete[part.name]:
                print(f"study: {title}", file=sys.stderr, flush=True)
                part.do(made, device, PartProgress(title))
            done.append(
                {
                    "name": part.name,
                    "kind": type(part).__name__.lower(),
                    "before": complete[part.name],
                    "seconds": time.monotonic() - started,
                }
            )
        written = study.page(made, study.command(quick)).write(out)
    return {
        "study": study.name,
        "out": str(out),
        "quick": quick,
        "parts": done,
        "page": str(written[-1]),
        "files": [str(path) for path in written],
        "seconds": {"total": time.monotonic() - began},
    }


def _announce(left: list[Part], made: StudyStores) -> None:
    """Say what the trainings that are left will write, before they begin.

    Raises BadInput where it does not fit on the disk.
    """
    trainings = [part.settings for part in left if isinstance(part, Training)]
    if not trainings:
        return
    first, size = trainings[0], sum(of.record_bytes for of in trainings)
    free = shutil.disk_usage(made.stores).free
    line = (
        f"{len(trainings)} trainings of {first.steps:,} steps, each with"
        f" {first.records:,} records of {first.vocabulary:,} × 64 values:"
        f" {format_bytes(size)} in all, before compression"
    )
    if size > free:
        raise BadInput(
            f"{line}; {format_bytes(free)} are free at {made.stores}, and a larger --record-every"
            " records less"
        )
    print(f"study: {line}", file=sys.stderr, flush=True)
