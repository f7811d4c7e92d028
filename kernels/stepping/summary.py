"""The summary that a device gives of what is carried: int32 numbers that tell what a record needs.

They are a label for each row (kernels.row_groups_jax), then OPEN numbers of each open dimension,
and SAMPLE numbers of every dimension (kernels.stepping.carried).
"""

from typing import NamedTuple

import numpy as np

from drift.kernels.exact_sum_jax import PARTS

ALIKE, STILL, KEPT, STALLED = 1, 2, 4, 8
"""Bits of a dimension's flags: all rows hold one state; the last step left all of them where they
were, where it displaces; it left them so, displaced or not; it displaces and left them so."""
OPEN = 3 + PARTS
"""Numbers of an open dimension: its flags, tokens stalled, tokens kept, and parts of their sum."""
SAMPLE = 2
"""Numbers of the sample in a dimension: its flags, and its code of the state format."""


class Summary(NamedTuple):
    """A summary, read on the host."""

    labels: np.ndarray
    """int32 (rows,)"""
    open: np.ndarray
    """int32 (OPEN, open dims)"""
    sample: np.ndarray
    """int32 (SAMPLE, dims)"""


def read_summary(told: np.ndarray, rows: int, dims: int, devices: int) -> Summary:
    """Return the summary that `told`, int32, holds: those of the devices one after another.

    Each has all `rows`, and `dims` of the sample's dimensions.
    """
    parts = told.reshape(devices, -1)
    open_, sample = np.split(parts[:, rows:], [-SAMPLE * dims], axis=1)

    def by_number(each: np.ndarray, numbers: int) -> np.ndarray:
        return each.reshape(devices, numbers, -1).swapaxes(0, 1).reshape(numbers, -1)

    return Summary(parts[0, :rows], by_number(open_, OPEN), by_number(sample, SAMPLE))
