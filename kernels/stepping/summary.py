"""The summary that a device gives of what is carried: int32 numbers that tell what a record needs.

They are a label for each row (kernels.row_groups_jax), then BESIDE numbers of each open dimension
and the parts of its sum, and SAMPLE numbers of every dimension (kernels.stepping.carried).
"""

from typing import NamedTuple

import numpy as np

ALIKE, STILL, KEPT, STALLED = 1, 2, 4, 8
"""Bits of a dimension's flags: all rows hold one state; the last step left all of them where they
were, where it displaces; it left them so, displaced or not; it displaces and left them so."""
BESIDE = 3
"""Numbers of an open dimension beside the parts of its sum: flags, tokens stalled, tokens kept."""
SAMPLE = 2
"""Numbers of the sample in a dimension: its flags, and its code of the state format."""


class Summary(NamedTuple):
    """A summary, read on the host."""

    labels: np.ndarray
    """int32 (rows,)"""
    open: np.ndarray
    """int32 (BESIDE + parts, open dims)"""
    sample: np.ndarray
    """int32 (SAMPLE, dims)"""


def read_summary(told: np.ndarray, rows: int, dims: int, parts: int, devices: int) -> Summary:
    """Return the summary that `told`, int32, holds: those of the devices one after another.

    Each has all `rows`, and `dims` of the sample's dimensions; a sum has so many `parts`.
    """
    each_told = told.reshape(devices, -1)
    open_, sample = np.split(each_told[:, rows:], [-SAMPLE * dims], axis=1)

    def by_number(each: np.ndarray, numbers: int) -> np.ndarray:
        return each.reshape(devices, numbers, -1).swapaxes(0, 1).reshape(numbers, -1)

    return Summary(each_told[0, :rows], by_number(open_, BESIDE + parts), by_number(sample, SAMPLE))
