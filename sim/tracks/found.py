"""The track of a trajectory: all that was measured, as Python, JSON and xarray have it.

sample     one cloud of the trajectory; its step is its number, by which all else names it
still      of samples that follow each other: no coordinate moves between them, no token comes or
           goes. With gaps between samples, what moved and came back is not seen
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from drift.kernels.formats import Format
from drift.sim.results.equality import ComparedByFields
from drift.sim.results.frames import pandas_for, xarray_for
from drift.sim.results.page import ShownAsTable
from drift.sim.structures.lineage import Side
from drift.sim.tracks.names import NORMS, PER_STEP, PER_TOKEN, QUANTILES, WHATS, kind_of
from drift.sim.tracks.recorder import Recorder, bin_starts

FROZEN = "frozen means equal at the samples: what moves between them and comes back is not seen"
"""The limit of what a track can know, for people."""


_SHOWN = ("distinct", "black_holes", "black_hole_tokens", "moved_tokens", "l2_median", "linf_max")
"""The numbers of samples that a table in a notebook shows."""


@dataclass(frozen=True)
class TrackEvent:
    """A change of some black holes from one sample to the next."""

    step: int
    """step of the sample"""
    what: str
    """word for it, one of drift.compare's"""
    before: Side
    """its black holes at the sample before, the largest first"""
    after: Side
    """its black holes at the sample, the largest first"""

    @property
    def first_token(self) -> int:
        """The smallest token id in any of them."""
        return min(self.before.token_ids + self.after.token_ids)

    def as_json(self) -> dict[str, Any]:
        """Return the event as JSON values."""
        sides = {"before": self.before, "after": self.after}
        return {
            "step": self.step,
            "what": self.what,
            **{f"tokens_{name}": sum(side.tokens) for name, side in sides.items()},
            "first_token": self.first_token,
            **{name: {"tokens": s.tokens, "token_ids": s.token_ids} for name, s in sides.items()},
        }


@dataclass(frozen=True, eq=False, repr=False)
class Track(ComparedByFields, ShownAsTable):
    """The track of a trajectory, as far as it goes."""

    label: str
    """the trajectory, for people"""
    format: str
    """name of the format of its values"""
    steps: list[int]
    """step of each sample, rising"""
    token_ids: np.ndarray
    """int64 (tokens,): ids of the tokens, rising"""
    dims: int
    """number of dimensions"""
    arrays: dict[str, np.ndarray]
    """arrays of all numbers, by their names in the store: (samples,), (tokens,) and others"""
    events: list[TrackEvent]
    """what became of black holes, sample by sample"""
    all_still: list[list[int]]
    """first and last step of each stretch of samples in which nothing moves"""
    notes: list[str] = field(default_factory=list)
    """lines for people on what is odd about the trajectory"""
    store: str | None = field(default=None, compare=False)
    """address of the store that it is in; None for a track in memory"""
    complete: bool = True
    """False where samples are still to come"""

    def title(self) -> str:
        """Return what was tracked, and its shape."""
        samples = len(self.steps)
        return (
            f"{self.label}: {samples:,} samples of {self.tokens:,} tokens × {self.dims:,} dims in"
            f" {self.format}"
        )

    def head(self) -> list[str]:
        """Return the columns of the table of samples."""
        return ["step", *(name.replace("_", " ") for name in _SHOWN)]

    def body(self) -> list[list[Any]]:
        """Return a row for each sample."""
        columns = [_plain(self.arrays[name][: len(self.steps)]) for name in _SHOWN]
        return [list(row) for row in zip(self.steps, *columns, strict=True)]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the distinct cells over the samples."""
        return {"distinct cells": _plain(self.arrays["distinct"])}

    def last_line(self) -> str:
        """Return the limit of what a track can know."""
        return FROZEN

    def to_pandas(self) -> Any:
        """Return the numbers of the samples as a DataFrame, one row for each step.

        Raises BadInput where pandas is not installed.
        """
        columns = {name: self.arrays[name] for name in PER_STEP}
        frame = pandas_for("to_pandas").DataFrame({"step": self.steps, **columns})
        return frame.set_index("step")

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return len(self.token_ids)

    @cached_property
    def per_step(self) -> dict[str, Any]:
        """Numbers of each sample, arrays (samples,); of l1, l2 and linf, one for each quantile."""
        found: dict[str, Any] = {}
        for name in PER_STEP:
            norm, _, quantile = name.partition("_")
            if norm in NORMS and quantile in QUANTILES:
                found.setdefault(norm, {})[quantile] = self.arrays[name]
            else:
                found[name] = self.arrays[name]
        return found

    @property
    def per_token(self) -> dict[str, np.ndarray]:
        """Numbers of each token, arrays (tokens,)."""
        return {name: self.arrays[name] for name in PER_TOKEN}

    @property
    def motion(self) -> np.ndarray:
        """The centroid's motion, float32 (samples - 1, dims): what drift run --motion takes."""
        with np.errstate(under="ignore", over="ignore"):
            return self.arrays["motion"][1:].astype(np.float32)

    def as_json(self) -> dict[str, Any]:
        """Return what `drift track --json` prints."""
        per_step: dict[str, Any] = {}
        for name, found in self.per_step.items():
            if isinstance(found, dict):
                columns = zip(*(_plain(found[each]) for each in QUANTILES), strict=True)
                rows = [dict(zip(QUANTILES, row, strict=True)) for row in columns]
                per_step[name] = [row if row["max"] is not None else None for row in rows]
            else:
                per_step[name] = _plain(found)
        return {
            "steps": self.steps,
            "tokens": self.tokens,
            "dims": self.dims,
            "format": self.format,
            "per_step": per_step,
            "per_token": {
                name: found.tolist() if kind_of(name) == "int64" else _plain(found)
                for name, found in self.per_token.items()
            },
            "all_still": self.all_still,
            "events": [event.as_json() for event in self.events],
            "token_ids": _ids(self.token_ids),
            "notes": [*self.notes, FROZEN],
            "store": self.store,
        }

    def to_xarray(self) -> Any:
        """Return the numbers of samples and tokens as a dataset. Raises BadInput without xarray."""
        xarray = xarray_for("to_xarray")
        about = {**PER_STEP, **PER_TOKEN}
        variables: dict[str, Any] = {
            name: (
                ("sample",) if name in PER_STEP else ("token",),
                self.arrays[name],
                {"long_name": about[name].text, "units": about[name].units},
            )
            for name in about
        }
        variables["motion"] = (("sample", "dim"), self.arrays["motion"])
        coordinates = {"step": ("sample", self.steps), "token_id": ("token", self.token_ids)}
        return xarray.Dataset(variables, coordinates, {"format": self.format, "label": self.label})


def track_of(
    record: Recorder, label: str, target: Format, steps: list[int], net: np.ndarray, **more: Any
) -> Track:
    """Return the track of the samples that are recorded; `net` float64 (tokens,).

    `steps` are those of all samples.
    """
    done, number = record.done, np.array([*steps, -1])
    arrays = {name: record.arrays[name][:done] for name in (*PER_STEP, "motion")}
    arrays |= {name: number[record.arrays[name]] for name in PER_TOKEN if kind_of(name) == "int64"}
    arrays |= {"path": record.arrays["path"], "net": net, "moves": record.arrays["moves"]}
    return Track(
        label,
        target.name,
        steps[:done],
        record.token_ids,
        record.dims,
        arrays,
        events_of(record.events, steps),
        stretches(record.arrays["still"][:done], steps),
        **more,
    )


def events_of(columns: dict[str, list[int]], steps: list[int]) -> list[TrackEvent]:
    """Return the events of a record's columns."""
    found, at = [], 0
    for k, what, before, after in zip(
        *(columns[name] for name in ("sample", "what", "holes_before", "holes_after")), strict=True
    ):
        sides = []
        for many in (before, after):
            some = slice(at, at + many)
            sides.append(Side(columns["tokens"][some], columns["first_token"][some]))
            at += many
        found.append(TrackEvent(steps[k], WHATS[what], *sides))
    return found


def stretches(still: np.ndarray, steps: list[int]) -> list[list[int]]:
    """Return the first and the last step of each stretch; `still` says which motions are none."""
    edges = np.diff(still.astype(np.int8), prepend=0, append=0)
    first, last = np.flatnonzero(edges == 1) - 1, np.flatnonzero(edges == -1) - 1
    return [[steps[a], steps[b]] for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def move_bins(samples: int, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first sample and the first token of each bin of moves."""
    return bin_starts(samples), bin_starts(tokens)


def _plain(values: np.ndarray) -> list[Any]:
    """Return numbers as JSON has them, null where there is none."""
    if values.dtype.kind == "i":
        return [None if value < 0 else value for value in values.tolist()]
    return [None if math.isnan(value) else value for value in values.tolist()]


def _ids(token_ids: np.ndarray) -> list[int] | None:
    """Return the ids, or None where tokens are numbered from 0."""
    usual = np.array_equal(token_ids, np.arange(len(token_ids)))
    return None if usual else token_ids.tolist()
