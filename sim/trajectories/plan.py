"""The part of a trajectory that is looked at: which samples, by which steps, and which tokens.

slab  samples that are read together, since they share chunks of a file
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim.devices.host_memory import check_memory, free_memory
from drift.sim.errors import BadInput, printable
from drift.sim.trajectories.rows import rows_of
from drift.sim.trajectories.trajectory import Trajectory

_SHARE = 4
"""A slab takes no more than one part in so many of free memory; its chunks are read again then."""
_KEPT, _PER_TOKEN = 3, 200
"""Copies of a sample that are kept, and bytes for each token beside them."""


@dataclass(frozen=True)
class View:
    """The samples and the tokens of a trajectory that are looked at."""

    trajectory: Trajectory
    """where they are"""
    picked: list[int]
    """places of the samples in the trajectory, rising"""
    steps: list[int]
    """their steps, rising"""
    rows: np.ndarray
    """int64 (tokens,): the tokens' rows in the trajectory, rising"""

    @property
    def token_ids(self) -> np.ndarray:
        """The ids of the tokens, int64 (tokens,), rising."""
        return self.trajectory.token_ids[self.rows]

    def samples(self, first: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Yield codes (tokens, dims) of each sample from the `first` one on, and who is present.

        The codes are good until the next sample is asked for.
        """
        of, rows = self.trajectory, self.rows
        hull = slice(int(rows[0]), int(rows[-1]) + 1)
        inside = None if len(rows) == hull.stop - hull.start else rows - hull.start
        for slab in self._slabs(first, hull):
            codes = of.read(slab, hull)
            for k, sample in enumerate(slab):
                present = of.present(sample)
                here = codes[k] if inside is None else codes[k][inside]
                yield np.ascontiguousarray(here), None if present is None else present[rows]
            del codes

    def _slabs(self, first: int, hull: slice) -> Iterator[range]:
        """Yield ranges of samples that share chunks, or fewer where memory is short."""
        of, picked = self.trajectory, self.picked
        sample_bytes = (hull.stop - hull.start) * of.dims * of.target.storage.itemsize
        most = max(1, free_memory() // _SHARE // sample_bytes)
        every = picked[1] - picked[0]
        while first < len(picked):
            chunk = picked[first] // of.span
            stop = first + 1
            while stop < len(picked) and picked[stop] // of.span == chunk and stop - first < most:
                stop += 1
            yield range(picked[first], picked[stop - 1] + 1, every)
            first = stop


def view_of(
    trajectory: Trajectory,
    steps: Sequence[int] | None,
    every: int,
    rows: Any,
    near: str | None,
    exponents: int,
) -> View:
    """Return the view of every so many samples and of selected tokens.

    `steps` are those of all samples of the trajectory. Raises BadInput where fewer than two samples
    or no tokens are left, where steps do not rise, and for what does not fit into memory.
    """
    if every < 1:
        raise BadInput(f"every is {every}; it must be 1 or more")
    numbers = trajectory.steps.tolist() if steps is None else _checked(steps, trajectory)
    picked = list(range(0, trajectory.samples, every))
    if len(picked) < 2:
        of = f"every {every} of them is {len(picked)}" if every > 1 else "one has no motion"
        raise BadInput(
            f"{trajectory.label} has {trajectory.samples} samples; {of}, and two or more are needed"
        )
    selected = rows_of(trajectory, rows, near, exponents, picked[-1])
    one = len(selected) * trajectory.dims * trajectory.target.storage.itemsize
    check_memory(_KEPT * one + _PER_TOKEN * len(selected), trajectory.label)
    return View(trajectory, picked, [numbers[k] for k in picked], selected)


def _checked(steps: Sequence[int], trajectory: Trajectory) -> list[int]:
    """Return steps as plain integers. Raises BadInput where they do not number the samples."""
    given = np.asarray(steps)
    if given.ndim != 1 or given.dtype.kind not in "ui":
        raise BadInput("steps must be whole numbers, one for each sample")
    numbers = [int(each) for each in given]
    if len(numbers) != trajectory.samples:
        raise BadInput(
            f"steps names {len(numbers):,}; {trajectory.label} has {trajectory.samples:,} samples"
        )
    for before, after in zip([-1, *numbers], numbers, strict=False):
        if after <= before:
            what = f"{after} after {before}" if before >= 0 else printable(str(after))
            raise BadInput(f"steps is {what}; they must be 0 or more, and rise")
    return numbers
