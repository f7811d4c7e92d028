"""Measurements of each training: its tokens sample by sample, and replays of the dead ones.

replay    the dead tokens' first rows, moved by the motion of their own centroid
straight  the same rows, moved in as many equal steps to where that centroid arrived: the drift of
          the study of coarsening
"""

from typing import Any

import numpy as np

from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.replay.observed import told
from drift.experiments.studies.replay.replayed import compare, drift_of
from drift.kernels.formats import BFLOAT16
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift
from drift.sim.tracks.track import track

_TOLD = ("distinct", "black_holes", "largest", "pairs")


def measured(made: StudyStores, name: str) -> dict[str, Any]:
    """Return what is measured of a training."""
    store = made.training(name)
    of, rows = store.settings, store.values("W")
    loss = store.values("loss").astype(float)
    place = str(store.address)
    found: dict[str, Any] = {"settings": of.as_json(), "steps": of.record_steps}
    kinds = {"live": f"0:{of.live}"}
    if of.live < of.vocabulary:
        kinds["dead"] = f"{of.live}:{of.vocabulary}"
    tracks = {kind: track(place, rows=which) for kind, which in kinds.items()}
    for kind, one in tracks.items():
        found[kind] = {
            **told(one),
            "path": float(np.nansum(one.arrays["centroid_step"])),
            "born": min((event.step for event in one.events), default=None),
        }
    ends = np.array(of.record_steps[1:])
    begins = np.array(of.record_steps[:-1])
    found["loss"] = [float(loss[a:b].mean()) for a, b in zip(begins, ends, strict=True)]
    found["last_loss"] = float(loss[-max(1, of.steps // 20) :].mean())
    if "dead" in tracks:
        codes, motion = rows[:, of.live :], np.array(tracks["dead"].motion)
        found["replay"] = _moved(codes, drift_of(_typed(codes[0]), motion, BFLOAT16))
        found["straight"] = _moved(codes, _straight(codes[0], motion))
    return found


def _typed(codes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(codes).view(BFLOAT16.dtype)


def _straight(first: np.ndarray, motion: np.ndarray) -> Drift | None:
    """Return the straight drift in as many steps; None where it would lead nowhere."""
    whole = motion.astype(float).sum(axis=0)
    length = float(np.sqrt((whole * whole).sum()))
    if not length > 0:
        return None
    steps = len(motion)
    return Drift(
        cloud=_typed(first),
        radius=length,
        direction=whole / length,
        steps=steps,
        records=steps,
        snapshots="records",
    )


def _moved(codes: np.ndarray, drift: Drift | None) -> dict[str, Any] | None:
    """Return the counts of a drift at each sample, when its tokens last moved, and how it compares.

    `codes` (samples, tokens, dims) are what was observed.
    """
    if drift is None:
        return None
    ran = simulate(drift)
    again = np.stack([ran.snapshots[step] for step in range(drift.steps + 1)])
    one = track(again, format="bfloat16")
    kept = told(one)
    compared = compare(iter(codes), iter(again), BFLOAT16)
    names = (*_TOLD, "mean_radius", "thermal", "last_motion")
    return {**{name: kept[name] for name in names}, **compared}
