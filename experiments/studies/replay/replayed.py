"""The first sample of a source, moved by its centroid's motion, and how near it comes.

apart      sum over tokens of the squared distance of where a token is replayed from where it was
           observed, in values
explained  1 - apart / the same sum about where tokens began: 1 where the replay is exact, 0 where
           it is no better than to leave all tokens where they were, below 0 where it is worse
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.replay.observed import lasting, told
from drift.kernels.formats import Format
from drift.sim.counting.coalesce import representatives
from drift.sim.errors import BadInput
from drift.sim.matrix import values
from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.tracks.track import track_view
from drift.sim.trajectories.plan import View, view_of
from drift.sim.trajectories.sources import open_trajectory


def drift_of(first: np.ndarray, motion: np.ndarray, target: Format) -> Drift:
    """Return the drift that moves the rows `first`, of the type of `target`, by `motion`.

    Raises BadInput for what no drift can be made of.
    """
    given: Any = motion
    return Drift(
        cloud=first, format=target.name, motion=given, records=len(motion), snapshots="records"
    )


def replayed(seen: View, made: StudyStores) -> dict[str, Any]:
    """Return what is measured of the replay, which is run into a store, and how it compares.

    Raises BadInput where the replay leaves the range of the format, or does not fit on the disk.
    """
    first, motion = (_loaded(made, name) for name in ("first", "motion"))
    if first.dtype.kind == "V":
        first = first.view(seen.trajectory.target.dtype)
    drift = drift_of(first, motion, seen.trajectory.target)
    place = made.store("replay")
    _check_room(drift, made)
    try:
        run(drift, place, overwrite=_is_another(place, drift))
    except BadInput as error:
        why = str(error).removeprefix(f"motion is {drift.motion}; ")
        raise BadInput(f"{seen.trajectory.label} can't be replayed: {why}") from error
    again = view_of(open_trajectory(place), None, 1, None, None, 0)
    compared = compare(_codes(lasting(seen)), _codes(again), seen.trajectory.target)
    return {**told(track_view(again)), **compared}


def _is_another(place: Path, drift: Drift) -> bool:
    """Return whether the replay of another source is there; this one's is gone on with."""
    try:
        return place.exists() and RunStore(place).attrs["spec"] != drift.as_json()
    except BadInput:
        return True


def _loaded(made: StudyStores, name: str) -> np.ndarray:
    found: np.ndarray = np.load(made.stores / f"{name}.npy", allow_pickle=False)
    return found


def _check_room(drift: Drift, made: StudyStores) -> None:
    needed = (drift.steps + 1) * drift.tokens * drift.dims * drift.target.storage.itemsize
    free = shutil.disk_usage(made.stores).free
    if needed > free:
        raise BadInput(
            f"the replay takes as much as its source, {needed / 1e9:.3g} GB, and"
            f" {free / 1e9:.3g} GB are free at {made.stores}; --every N looks at fewer samples"
        )


def _codes(seen: View) -> Iterator[np.ndarray]:
    for codes, _ in seen.samples():
        yield codes


def compare(
    observed: Iterable[np.ndarray], replayed: Iterable[np.ndarray], target: Format
) -> dict[str, list[Any]]:
    """Return how samples compare, one after another: lists as long as there are samples.

    Codes are (tokens, dims); the first ones are where both begin.
    """
    found: dict[str, list[Any]] = {}
    begun: np.ndarray | None = None
    for mine, theirs in zip(observed, replayed, strict=True):
        x, y = (values(np.ascontiguousarray(each), target).astype(float) for each in (mine, theirs))
        begun = x if begun is None else begun
        gone, apart = _squares(x - begun), _squares(x - y)
        cells = [_cells(each, target) for each in (mine, theirs)]
        here = {
            "gone": gone,
            "apart": apart,
            "explained": 1 - apart / gone if gone else None,
            "pairs_both": _shared(*cells),
            "identical": int(np.count_nonzero((x == y).all(axis=1))),
        }
        for name, value in here.items():
            found.setdefault(name, []).append(value)
    return found


def _squares(apart: np.ndarray) -> float:
    return float((apart * apart).sum(axis=1).sum())


def _cells(codes: np.ndarray, target: Format) -> np.ndarray:
    return representatives(np.arange(len(codes)), np.ascontiguousarray(codes), target)


def _shared(mine: np.ndarray, theirs: np.ndarray) -> int:
    """Return the number of pairs of tokens that share a cell in both samples."""
    _, counts = np.unique(np.stack([mine, theirs]), axis=1, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())
