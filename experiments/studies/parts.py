"""The parts of a study, carried out one after another; what is complete is left as it is.

run    one drift, and its store
sweep  a grid of drifts, and its store
note   a JSON document: what was `asked`, and what was `found`. It is made anew where
       something else is asked
"""

import json
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

from drift.experiments.console.files import write_text_atomically
from drift.experiments.console.progress import RunBar, SweepBar, stop_at_second_signal
from drift.experiments.studies.registry import Study
from drift.sim.devices.device import configure
from drift.sim.errors import BadInput, NotBegun, Unfinished, unwritten
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.stores.store import Store
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

_SUM = "crc32"
"""In a note: a checksum of the rest of it."""


class Told(Protocol):
    """Who hears how far a part is."""

    def records(self) -> AbstractContextManager[Any]:
        """One whose `record` a run calls."""

    def cells(self) -> AbstractContextManager[Any]:
        """One whose `session` a sweep calls."""


@dataclass(frozen=True)
class Made:
    """The parts of a study that are on disk, by their names."""

    stores: Path

    def store(self, name: str) -> Path:
        """Where the store of a run or a sweep is."""
        return self.stores / f"{name}.zarr"

    def run(self, name: str) -> RunStore:
        """The store of a run."""
        return RunStore(self.store(name))

    def sweep(self, name: str) -> SweepStore:
        """The store of a sweep."""
        return SweepStore(self.store(name))

    def note(self, name: str) -> Any:
        """What was found."""
        return json.loads((self.stores / f"{name}.json").read_text())["found"]


@dataclass(frozen=True)
class Run:
    """A part that is one drift."""

    name: str
    drift: Drift

    def complete(self, made: Made) -> bool:
        """Whether it is there; BadInput where something else is in its place."""
        at = made.store(self.name)
        store = _opened(RunStore, at)
        if store is not None:
            _check(at, store.attrs["spec"], self.drift.as_json())
        return store is not None and store.complete

    def do(self, made: Made, device: str, told: Told) -> None:
        """Run it, or what is left of it."""
        from drift.sim.runs.run import run

        with told.records() as progress:
            run(self.drift, made.store(self.name), on=device, progress=progress.record)


@dataclass(frozen=True)
class Sweep:
    """A part that is a grid of drifts."""

    name: str
    grid: Grid

    def complete(self, made: Made) -> bool:
        """Whether it is there; BadInput where something else is in its place."""
        at = made.store(self.name)
        store = _opened(SweepStore, at)
        if store is not None:
            _check(at, store.grid.as_json(), json.loads(json.dumps(self.grid.as_json())))
        return store is not None and store.complete

    def do(self, made: Made, device: str, told: Told) -> None:
        """Sweep the cells that are left. Raises Unfinished where some fail."""
        from drift.sim.sweeps.sweep import sweep

        at = made.store(self.name)
        with told.cells() as progress:
            sweep(self.grid, at, on=device, progress=progress.session, retry_failed=True)
        for reason in SweepStore(at).failed.values():
            raise Unfinished(f"{at}: cells have failed: {reason}")


@dataclass(frozen=True)
class Note:
    """A part that is worked out from other parts, or from nothing."""

    name: str
    asked: dict[str, Any]
    """plain JSON values, which fix what is found"""
    find: Callable[[Made], Any]
    """gives plain JSON values"""

    def complete(self, made: Made) -> bool:
        """Whether it is there, undamaged, and was found for what is asked."""
        try:
            known = json.loads((made.stores / f"{self.name}.json").read_text())
            asked, sum_ = known["asked"], known.pop(_SUM, None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        whole = sum_ in (None, _sum(known))
        return whole and bool(asked == json.loads(json.dumps(self.asked)))

    def do(self, made: Made, device: str, told: Told) -> None:
        """Find it, and write it whole."""
        found = {"asked": self.asked, "found": self.find(made)}
        found[_SUM] = _sum(found)
        write_text_atomically(made.stores / f"{self.name}.json", json.dumps(found, indent=1) + "\n")


def _sum(found: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(found, sort_keys=True).encode())


Part = Run | Sweep | Note
Kept = TypeVar("Kept", bound=Store)


def _opened(kind: type[Kept], at: Path) -> Kept | None:
    """The store there; None where there is none, or hardly its beginning.

    Raises BadInput for one that another version has begun and this one can't go on with.
    """
    if not at.exists():
        return None
    try:
        store = kind(at)
    except NotBegun:
        return None
    made_by, this = store.attrs["versions"]["bf16-drift"], version("bf16-drift")
    if not store.complete and made_by != this:
        raise BadInput(
            f"{at} was begun by version {made_by}, this is {this}; remove it, or --out names"
            " another place"
        )
    return store


def _check(at: Path, found: Any, wanted: Any) -> None:
    """Raise BadInput where a store is not the one that is wanted."""
    if found != wanted:
        raise BadInput(
            f"{at} holds something else than this study makes; --out names another place"
        )


class Telling:
    """How far one part is, under its title."""

    def __init__(self, title: str):
        self._title = title

    def records(self) -> RunBar:
        """Of a run."""
        return RunBar(self._title, sys.stderr)

    def cells(self) -> SweepBar:
        """Of a sweep."""
        return SweepBar(self._title, sys.stderr)


def do(study: Study, out: Path, quick: bool, device: str) -> dict[str, Any]:
    """Make what is missing and draw the page anew; what `drift study --json` prints.

    Raises BadInput where stores of another study are in the way.
    """
    began = time.monotonic()
    configure(device)
    made, told = Made(out / "stores"), []
    parts = study.parts(quick)
    complete = {part.name: part.complete(made) for part in parts}
    try:
        made.stores.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(out, error) from error
    with stop_at_second_signal():
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
