"""Numbers of a trajectory, gathered sample by sample; they can be put aside and taken up.

early      a displacement whose L2 is above sqrt(dims);  midlife: whose L∞ is above 1
still      of a motion: no coordinate moved
shared     of a token's cell: others are in it
event      what became of black holes between two samples (sim.structures.lineage)

Samples are numbered here by their places, 0 … samples - 1, and -1 stands for never.
"""

import io
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift.sim.structures.lineage import Holes, Lineage, lineage_events
from drift.sim.tracks.meter import SampleMeasures
from drift.sim.tracks.names import PER_STEP, QUANTILES, WHATS, kind_of

_BINS = 512
"""Most bins of samples, and of tokens, in which moves are counted."""
_EVENT = ("sample", "what", "holes_before", "holes_after")
_HOLE = ("tokens", "first_token")


def bin_starts(count: int) -> np.ndarray:
    """Return the first sample, or token, of each of the bins in which moves are counted."""
    bins = min(count, _BINS)
    return np.arange(bins) * count // bins


@dataclass
class Recorder:
    """The record of the first `done` of `samples` samples."""

    samples: int
    """number of samples in all"""
    token_ids: np.ndarray
    """int64 (tokens,): the tokens' ids, rising"""
    dims: int
    """number of dimensions"""
    done: int = 0
    """number of samples that were added"""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """numbers of samples (samples,), of tokens (tokens,), motion (samples, dims), moves (bins)"""
    events: dict[str, list[int]] = field(default_factory=dict)
    """columns of the events, and of their holes, event by event, those before it first"""

    def __post_init__(self) -> None:
        tokens = len(self.token_ids)
        self._sample_bin, self._token_bin = (bin_starts(n) for n in (self.samples, tokens))
        if self.arrays:
            return
        for name in PER_STEP:
            kind = kind_of(name)
            self.arrays[name] = np.full(self.samples, -1 if kind == "int64" else math.nan, kind)
        for name in ("last_early", "last_midlife", "last_motion", "first_shared", "last_shared"):
            self.arrays[name] = np.full(tokens, -1)
        self.arrays["path"] = np.zeros(tokens)
        self.arrays["still"] = np.zeros(self.samples, bool)
        self.arrays["motion"] = np.full((self.samples, self.dims), math.nan)
        self.arrays["moves"] = np.zeros((len(self._sample_bin), len(self._token_bin)), np.int64)
        self.events = {name: [] for name in (*_EVENT, *_HOLE)}

    def add(self, found: SampleMeasures, before: Holes, after: Holes) -> None:
        """Add the next sample, with the holes at the sample before and at this one."""
        k, of = self.done, self.arrays
        for name, number in found.numbers.items():
            of[name][k] = number
        if found.moved is not None and found.motion is not None:
            self._add_motion(k, found)
            of["still"][k] = found.still
            self._add_displacements(k, found)
            if found.cells_changed and (len(before) or len(after)):
                self._add_events(k, Lineage(self.token_ids, before, after))
        shared = after.of >= 0
        of["last_shared"][shared] = k
        of["first_shared"][shared & (of["first_shared"] < 0)] = k
        for norm, numbers in found.quantiles.items():
            for name, number in zip(QUANTILES, numbers.result(), strict=True):
                of[f"{norm}_{name}"][k] = number
        self.done += 1

    def _add_motion(self, k: int, found: SampleMeasures) -> None:
        """Add the motion of the centroid that ends at sample `k`, and what follows from it."""
        of, motion = self.arrays, found.motion
        assert motion is not None, "only the first sample has none"
        of["motion"][k] = motion
        step, before = of["centroid_step"][k], of["centroid_step"][k - 1]
        path = 0.0 if k == 1 else of["centroid_path"][k - 1]
        of["centroid_path"][k] = path = path if math.isnan(step) else path + step
        if step > 0 and before > 0:
            dot = float(np.add.reduce(motion * of["motion"][k - 1]))
            of["cosine"][k] = dot / (step * before)
        if path > 0:
            # Added up anew, in the order of samples, so that an interruption changes no bit.
            there = of["motion"][1 : k + 1]
            net = self._net = _sum_of(there) if self._net is None else self._net + _known(motion)
            of["efficiency"][k] = math.sqrt(float(np.add.reduce(net * net))) / path

    _net: np.ndarray | None = field(default=None, init=False, repr=False)

    def _add_displacements(self, k: int, found: SampleMeasures) -> None:
        """Add the displacements of the tokens that end at sample `k`."""
        of, moved = self.arrays, found.moved
        assert moved is not None, "only the first sample has none"
        if not found.numbers["moved_tokens"]:
            return
        of["last_early"][moved.squares > self.dims] = k
        of["last_midlife"][moved.largest > 1] = k
        any_ = moved.largest > 0
        of["last_motion"][any_] = k
        of["path"] += np.sqrt(moved.squares)
        row = int(np.searchsorted(self._sample_bin, k, side="right")) - 1
        of["moves"][row] += np.add.reduceat(any_, self._token_bin, dtype=np.int64)

    def _add_events(self, k: int, lineage: Lineage) -> None:
        for event in lineage_events(lineage):
            sides = event.before, event.after
            values = (k, WHATS.index(event.what), *(len(side.tokens) for side in sides))
            for name, value in zip(_EVENT, values, strict=True):
                self.events[name].append(value)
            for side in sides:
                self.events["tokens"] += side.tokens
                self.events["first_token"] += side.token_ids

    def packed(self) -> np.ndarray:
        """Return all of it as bytes, uint8."""
        into = io.BytesIO()
        packed: dict[str, Any] = {f"event {name}": self.events[name] for name in self.events}
        packed |= {**self.arrays, "done": self.done}
        np.savez(into, **packed)
        return np.frombuffer(into.getvalue(), np.uint8)

    def unpack(self, packed: np.ndarray) -> None:
        """Take up what was packed of a record of the same trajectory."""
        with np.load(io.BytesIO(packed.tobytes()), allow_pickle=False) as held:
            self.done = int(held["done"])
            self.arrays = {name: held[name] for name in self.arrays}
            self.events = {name: held[f"event {name}"].tolist() for name in self.events}


def _known(motion: np.ndarray) -> np.ndarray:
    """Return a motion, or no motion where no token has a displacement."""
    return np.zeros(len(motion)) if np.isnan(motion).any() else motion


def _sum_of(motions: np.ndarray) -> np.ndarray:
    """Return the sum of motions, one after the other."""
    total = np.zeros(motions.shape[1])
    for motion in motions:
        total = total + _known(motion)
    return total
