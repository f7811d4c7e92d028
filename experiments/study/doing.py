"""A study carried out: its parts, then its page."""

import sys
import time
from pathlib import Path
from typing import Any

from drift.experiments.halting import halting
from drift.experiments.place import Place
from drift.experiments.progress import Cells, Records
from drift.experiments.study.named import Study
from drift.experiments.study.parts import Made
from drift.sim.errors import unwritten


class Telling:
    """How far one part is, under its title."""

    def __init__(self, title: str):
        self._title = title

    def records(self) -> Records:
        """Of a run."""
        return Records(self._title, sys.stderr)

    def cells(self) -> Cells:
        """Of a sweep."""
        return Cells(self._title, sys.stderr)


def do(study: Study, out: Path, quick: bool, device: str) -> dict[str, Any]:
    """Make what is missing and draw the page anew; what `drift study --json` prints.

    Raises BadInput where stores of another study are in the way.
    """
    began = time.monotonic()
    Place("auto", device, 1, None).make_ready()
    made, told = Made(out / "stores"), []
    parts = study.parts(quick)
    complete = {part.name: part.complete(made) for part in parts}
    try:
        made.stores.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(out, error) from error
    with halting():
        for number, part in enumerate(parts, 1):
            started, title = time.monotonic(), f"{number} of {len(parts)}, {part.name}"
            if not complete[part.name]:
                print(f"study: {title}", file=sys.stderr, flush=True)
                part.do(made, device, Telling(title))
            told.append(
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
        "parts": told,
        "page": str(written[-1]),
        "files": [str(path) for path in written],
        "seconds": {"total": time.monotonic() - began},
    }
