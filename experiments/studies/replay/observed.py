"""The trajectory of a source, measured; its first sample and its centroid's motion are kept.

lasting  of a token: it is present, and finite, at every sample. Others are left out, since a
         drift has the same tokens from its first step to its last
"""

from dataclasses import replace
from typing import Any

import numpy as np

from drift.experiments.console.files import atomic_write
from drift.experiments.studies.parts import StudyStores
from drift.kernels.displacements import finite_rows
from drift.sim.errors import BadInput
from drift.sim.tracks.found import Track
from drift.sim.tracks.track import track_view
from drift.sim.trajectories.plan import View

PER_SAMPLE = (
    *("distinct", "black_holes", "black_hole_tokens", "singletons", "largest", "pairs"),
    *("moved_tokens", "moved_values", "centroid_norm", "mean_radius", "bulk", "thermal"),
)
"""The numbers of a track that are kept, of each sample."""


def lasting(seen: View) -> View:
    """Return the view of the tokens that last. Raises BadInput where none does."""
    target, there = seen.trajectory.target, np.ones(len(seen.rows), bool)
    for codes, present in seen.samples():
        there &= finite_rows(codes, target)
        if present is not None:
            there &= present
    if not there.any():
        raise BadInput(
            f"{seen.trajectory.label} has no token that is present and finite at every sample"
        )
    return seen if there.all() else replace(seen, rows=seen.rows[there])


def observed(seen: View, made: StudyStores) -> dict[str, Any]:
    """Return what is measured of a source, and write first.npy and motion.npy beside the note."""
    kept = lasting(seen)
    track = track_view(kept)
    first = np.array(next(iter(kept.samples()))[0])
    with np.errstate(invalid="ignore"):
        motion = np.ascontiguousarray(track.motion)
    save(made, "first", first.view(seen.trajectory.target.dtype))
    save(made, "motion", motion)
    return {
        "label": track.label,
        "format": track.format,
        "tokens": track.tokens,
        "left_out": len(seen.rows) - track.tokens,
        "dims": track.dims,
        "steps": track.steps,
        **told(track),
    }


def save(made: StudyStores, name: str, array: np.ndarray) -> None:
    """Write an array beside the notes, as a .npy file."""
    with atomic_write(made.stores / f"{name}.npy") as new, new.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def told(track: Track) -> dict[str, Any]:
    """Return the numbers of a track that are kept: lists over samples, and when tokens froze."""
    per_step = {name: _plain(track.arrays[name]) for name in PER_SAMPLE}
    ended = np.searchsorted(track.steps, track.per_token["last_motion"])
    ended[track.per_token["last_motion"] < 0] = 0
    froze = np.bincount(ended, minlength=len(track.steps))
    return {**per_step, "last_motion": froze.tolist()}


def _plain(values: np.ndarray) -> list[Any]:
    none = values < 0 if values.dtype.kind == "i" else np.isnan(values)
    return [None if n else value for value, n in zip(values.tolist(), none.tolist(), strict=True)]
