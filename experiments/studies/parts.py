"""The parts of a study, of which each has its store, or is a note.

run       one drift
sweep     a grid of drifts
training  one training of a language model
note      a JSON document of what was `asked` and what was `found`; it is computed again where
          something else is asked
"""

import json
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from drift.experiments.console.files import write_text_atomically
from drift.sim.errors import BadInput, NotBegun, Unfinished
from drift.sim.spec.drift import Drift
from drift.sim.stores.resume import other_programs
from drift.sim.stores.run_store import RunStore
from drift.sim.stores.store import Store
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

if TYPE_CHECKING:
    from drift.experiments.training.settings import Settings
    from drift.experiments.training.store import TrainingStore

_SUM = "crc32"
"""Key of a note's checksum, over the rest of it."""


class ShowsProgress(Protocol):
    """Bars that show how far a part is."""

    def records(self) -> AbstractContextManager[Any]:
        """Return a bar whose `record` a run calls."""

    def points(self) -> AbstractContextManager[Any]:
        """Return a bar whose `session` a sweep calls."""

    def steps(self) -> AbstractContextManager[Any]:
        """Return a bar that a training calls."""


@dataclass(frozen=True)
class StudyStores:
    """Parts of a study that are on disk, by their names."""

    stores: Path
    """directory of the stores and notes"""

    def store(self, name: str) -> Path:
        """Return the path of the store of a run or a sweep."""
        return self.stores / f"{name}.zarr"

    def run(self, name: str) -> RunStore:
        """Return the store of a run."""
        return RunStore(self.store(name))

    def sweep(self, name: str) -> SweepStore:
        """Return the store of a sweep."""
        return SweepStore(self.store(name))

    def training(self, name: str) -> "TrainingStore":
        """Return the store of a training."""
        from drift.experiments.training.store import TrainingStore

        return TrainingStore(self.store(name))

    def note(self, name: str) -> Any:
        """Return what a note has found, as plain JSON values."""
        return json.loads((self.stores / f"{name}.json").read_text())["found"]


@dataclass(frozen=True)
class Run:
    """Part that is one drift."""

    name: str
    """name of its store, without ending"""
    drift: Drift
    """drift that is run"""

    def complete(self, made: StudyStores) -> bool:
        """Return whether its store is complete. Raises BadInput where it is another one."""
        at = made.store(self.name)
        store = _opened(RunStore, at)
        if store is not None:
            _check(at, store.attrs["spec"], self.drift.as_json())
        return store is not None and store.complete

    def do(self, made: StudyStores, device: str, progress: ShowsProgress) -> None:
        """Run the drift, or what is left of it."""
        from drift.sim.runs.run import run

        with progress.records() as bar:
            run(self.drift, made.store(self.name), on=device, progress=bar.record)


@dataclass(frozen=True)
class Sweep:
    """Part that is a grid of drifts."""

    name: str
    """name of its store, without ending"""
    grid: Grid
    """grid that is swept"""

    def complete(self, made: StudyStores) -> bool:
        """Return whether its store is complete. Raises BadInput where it is another one."""
        at = made.store(self.name)
        store = _opened(SweepStore, at)
        if store is not None:
            wanted = json.loads(json.dumps(self.grid.as_json()))  # tuples become lists, as stored
            _check(at, store.grid.as_json(), wanted)
        return store is not None and store.complete

    def do(self, made: StudyStores, device: str, progress: ShowsProgress) -> None:
        """Sweep the grid points that are left. Raises Unfinished where some fail."""
        from drift.sim.sweeps.sweep import sweep

        at = made.store(self.name)
        with progress.points() as bar:
            sweep(self.grid, at, on=device, progress=bar.session, retry_failed=True)
        for reason in SweepStore(at).failed.values():
            raise Unfinished(f"{at}: grid points have failed: {reason}")


@dataclass(frozen=True)
class Note:
    """Part that is computed from other parts, or from nothing."""

    name: str
    """name of its file, without ending"""
    asked: dict[str, Any]
    """plain JSON values that determine what is found"""
    find: Callable[[StudyStores], Any]
    """function that returns plain JSON values"""

    def complete(self, made: StudyStores) -> bool:
        """Return whether the note is there, undamaged, and answers what is asked."""
        try:
            known = json.loads((made.stores / f"{self.name}.json").read_text())
            asked, sum_ = known["asked"], known.pop(_SUM, None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        whole = sum_ in (None, _sum(known))
        return whole and bool(asked == json.loads(json.dumps(self.asked)))

    def do(self, made: StudyStores, device: str, progress: ShowsProgress) -> None:
        """Compute the note, and write it whole."""
        found = {"asked": self.asked, "found": self.find(made)}
        found[_SUM] = _sum(found)
        write_text_atomically(made.stores / f"{self.name}.json", json.dumps(found, indent=1) + "\n")


@dataclass(frozen=True)
class Training:
    """Part that is one training."""

    name: str
    """name of its store, without ending"""
    settings: "Settings"
    """settings of the training"""

    def complete(self, made: StudyStores) -> bool:
        """Return whether its store is complete. Raises BadInput where it is another one."""
        from drift.experiments.training.store import TrainingStore

        at = made.store(self.name)
        store = _opened(TrainingStore, at)
        if store is not None:
            _check(at, store.attrs["settings"], self.settings.as_json())
        return store is not None and store.complete

    def do(self, made: StudyStores, device: str, progress: ShowsProgress) -> None:
        """Train, or go on with what is there."""
        from drift.experiments.training.run import train

        with progress.steps() as bar:
            train(self.settings, made.store(self.name), device, bar)


def _sum(found: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(found, sort_keys=True).encode())


Part = Run | Sweep | Note | Training
Kept = TypeVar("Kept", bound=Store)


def _opened(kind: type[Kept], at: Path) -> Kept | None:
    """Return the store at a path; None where there is none, or none with its first attributes.

    Raises BadInput for an unfinished one that another version has begun.
    """
    if not at.exists():
        return None
    try:
        store = kind(at)
    except NotBegun:
        return None
    if not store.complete and (other := other_programs(store)):
        raise BadInput(f"{at} was begun {other}; remove it, or --out names another place")
    return store


def _check(at: Path, found: Any, wanted: Any) -> None:
    """Raise BadInput where a store is not the one that is wanted."""
    if found != wanted:
        raise BadInput(
            f"{at} holds something else than this study makes; --out names another place"
        )
