"""A drawn cloud that starts collapsed: sigma is far below the spacing of the format around it.

Nearly every value is then drawn as the one nearest to the centre, whatever the seed, and most
tokens share a cell before the first step.
"""

import math

import numpy as np

from drift.sim.clouds.centre import centre_of
from drift.sim.matrix import nearest
from drift.sim.motions.make import motion_of
from drift.sim.sampling.shapes import SHAPES
from drift.sim.spec.drift import Drift

_SHARE = 0.1
"""Values of a token that are not the nearest ones, as expected: of fewer a cloud is collapsed."""
_MOST = 1 << 24
"""Displacements that are made to tell where a motion goes, at most."""
_NONE = 0.5
"""Such values of all tokens, as expected: with fewer there is likely one cell."""


def collapsed_note(drift: Drift) -> str:
    """Return the line that a cloud starts collapsed, and what sigma would not; empty where not.

    Raises BadInput where its centre can't be had.
    """
    if drift.sigma is None:
        return ""
    centre, target = centre_of(drift), drift.target
    at = np.zeros(1) if centre is None else centre
    low, high = _cell(at, drift)
    shape, repeats = SHAPES[drift.shape], drift.dims // len(at)
    with np.errstate(over="ignore"):
        z = np.minimum(np.stack([at - low, high - at]) / drift.sigma, shape.most)
    # Where the nearest value is far off in sigmas a draw is on one side of a boundary, surely.
    others = np.where(z > 0, shape.masses(np.abs(z))[1] / 2, 0.5).sum() * repeats
    if others >= _SHARE:
        return ""
    tokens = "all tokens start" if others * drift.tokens < _NONE else "nearly all tokens start"
    where = "0" if centre is None else "its centre"
    spacing = float(np.median(high - low))
    said = (
        f"sigma {drift.sigma:g} is far below the spacing of {target.name} around {where},"
        f" {spacing:.3g}: {tokens} in one cell"
    )
    there = math.sqrt(float(np.mean(at * at)) + _reach(drift) ** 2)
    apart = float(target.ulp(np.array(there)))
    return (
        f"{said}; where the drift takes them, to about {there:.2g} in a dimension, values are"
        f" {apart:.2g} apart: a sigma near that spreads the cloud there"
    )


def _reach(drift: Drift) -> float:
    """Return how far a drift goes in a dimension, the root mean square; 0 where it takes long."""
    if drift.motion == "straight":
        return drift.radius / math.sqrt(drift.dims)
    if drift.steps * drift.dims > _MOST:
        return 0.0
    return float(np.sqrt(np.mean(motion_of(drift).reach ** 2)))


def _cell(at: np.ndarray, drift: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Return the boundaries of the cells of values `at`, float64 (dims,) each."""
    target = drift.target
    with np.errstate(under="ignore"):
        near = target.coordinate(nearest(at.astype(np.float32), target))
    # Values too small to be drawn are 0: its cell is as wide as they are.
    least = max(1, int(target.code(np.array(max(drift.smallest_drawn, 0.0)))))
    small = np.abs(near) < least
    below, above = (np.where(small, side * least, near + side) for side in (-1, 1))
    near = np.where(small, 0, near)
    values = [_value(each, drift) for each in (below, near, above)]
    edge = _value(np.array([least]), drift) / 2 + _value(np.array([least - 1]), drift) / 2
    low = np.where(small, -edge, (values[0] + values[1]) / 2)
    return low, np.where(small, edge, (values[1] + values[2]) / 2)


def _value(coordinates: np.ndarray, drift: Drift) -> np.ndarray:
    """Return the values of lattice coordinates; the one after the largest is given one too."""
    size = np.abs(coordinates)
    most = drift.target.largest_magnitude
    last = drift.target.largest + float(drift.target.ulp(np.array(drift.target.largest)))
    values = np.where(size > most, last, drift.target.value(np.minimum(size, most)))
    return np.copysign(values, coordinates)
