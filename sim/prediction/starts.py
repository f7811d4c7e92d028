"""Starts of the dimensions of a drawn cloud: all at 0, or each at its coordinate of a centre."""

import numpy as np

from drift.sim import matrix
from drift.sim.clouds.centre import centre_of
from drift.sim.motions.motion import Motion
from drift.sim.sampling.shapes import SHAPES
from drift.sim.spec.drift import Drift


def groups_of(motion: Motion, centre: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return one dimension of each group, and the group of every dimension, int64.

    Dimensions of a group have equal displacements at all steps, and one centre.
    """
    dims, group = motion.groups()
    if centre is None:
        return dims, group
    pairs = np.stack([group.astype(np.float64), centre])
    _, dims, group = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
    return dims, group.reshape(-1)


def draw_limits(drift: Drift, centres: np.ndarray) -> np.ndarray:
    """Return the ranks of the outermost values that may be drawn around `centres`, (2, n)."""
    assert drift.sigma is not None, "the cloud is a checkpoint's"
    target, far = drift.target, SHAPES[drift.shape].farthest * drift.sigma
    ends = centres + far * np.array([[-1.0], [1.0]])
    inside = np.clip(ends, -target.largest, target.largest)
    with np.errstate(under="ignore"):
        return target.rank_of(matrix.nearest(inside.astype(np.float32), target))


def start_values(drift: Drift) -> np.ndarray:
    """Return the centre as values of the format, float64 (dims,)."""
    centre, target = centre_of(drift), drift.target
    if centre is None:
        return np.zeros(drift.dims)
    with np.errstate(under="ignore"):
        values = target.value(matrix.nearest(centre.astype(np.float32), target))
    return np.where(np.abs(values) < drift.smallest_drawn, 0.0, values)
