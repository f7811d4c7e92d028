"""What of a drift is compiled into its kernels: formats, the rounding, whether tokens differ.

It is named far from any device too, so nothing here loads JAX.
"""

from typing import Literal, NamedTuple

from drift.kernels.formats import BFLOAT16, Format

Rounding = Literal["nearest", "toward-zero", "stochastic"]
"""kernels.rounding says what each one does"""

SMALLEST_DISPLACEMENT = 2.0**-103
"""Smaller displacements are +0, so that no float32 subnormal ever arises."""


class Motion(NamedTuple):
    """The formats that a step starts from and is seen in, and its rounding."""

    held: Format = BFLOAT16
    """what the cloud is kept in between steps: float32 with master weights"""
    seen: Format = BFLOAT16
    """what is counted and stored"""
    rounding: Rounding = "nearest"
    jitter: bool = False
