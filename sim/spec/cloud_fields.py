"""The fields that say where a drawn cloud starts, and how it is spread there."""

import dataclasses
from typing import Literal, get_args

from drift.sim.spec.fields import field

ShapeName = Literal["normal", "laplace"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudFields:
    """The fields of a drift that say how its cloud is drawn beside sigma and seed."""

    centre: str | None = field(
        *("centre", "centre of the cloud", "Cloud"),
        default=None,
        optional=True,
        hint=": random:NORM, a FILE.npy, or CHECKPOINT:ID, a row of its unembedding",
        goes_with="drawn",
        axis=40,
        caption="centre {}",
        same_program=True,
    )
    """random:NORM, the path of a .npy vector (dims,), CHECKPOINT:ID, a token of a checkpoint's
    unembedding, or an array (dims,), which becomes sha256:… of its values: sim.spec.centre"""
    shape: ShapeName = field(
        *("text", "distribution of the cloud", "Cloud"),
        default="normal",
        choices=get_args(ShapeName),
        axis=41,
        caption="{} cloud",
        unusual=True,
        same_program=True,
    )
    """of mean 0 and standard deviation sigma around the centre: sim.sampling.shapes"""
