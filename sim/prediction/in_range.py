"""The range check of a prediction, which has no cloud.

A run is refused where its cloud holds a value that leaves the format's range
(sim.engines.range_check). A prediction has no cloud; it is refused where more likely than not a
run would be.
"""

import math

import numpy as np

from drift.sim.clouds.centre import centre_of
from drift.sim.engines import range_check
from drift.sim.errors import BadInput, printable
from drift.sim.motions.motion import Motion
from drift.sim.sampling.shapes import SHAPES


def largest_starts(motion: Motion, dims: np.ndarray, most: int) -> np.ndarray:
    """Return the largest magnitude accepted in each of `dims`, int64 (dims,); -1 for none.

    Magnitudes are codes without their sign, `most` is the largest that is asked for. A magnitude
    is accepted where the drift takes neither of its two values out of the range.
    """
    target = motion.drift.target
    every, reach = target.magnitudes()[: most + 1], motion.reach[dims]
    found = np.full(len(dims), most)
    if every[most] + 2 * float(reach.max(initial=0)) <= target.largest:
        return found
    found[...], beyond = -1, np.full(len(dims), most + 1)
    # Steps are monotone: where a magnitude stays inside, so does every smaller one.
    while len(open_ := np.flatnonzero(beyond - found > 1)):
        middle = (found[open_] + beyond[open_]) // 2
        ends = np.stack([-every[middle], every[middle]])
        inside = range_check.staying(motion, ends, dims[open_])
        found[open_[inside]], beyond[open_[~inside]] = middle[inside], middle[~inside]
    return found


def check_likely_in_range(motion: Motion, largest: np.ndarray) -> None:
    """Raise BadInput where a drawn cloud would more likely than not leave the range.

    `largest`, int64 (dims,), is the magnitude accepted in each dimension.
    """
    drift = motion.drift
    assert drift.sigma is not None, "the cloud is a checkpoint's"
    every = drift.target.magnitudes()
    midpoints, shape = (every[largest] + every[largest + 1]) / 2, SHAPES[drift.shape]
    around = centre_of(drift)
    centre = np.zeros(1) if around is None else around
    with np.errstate(over="ignore"):
        z = np.stack([midpoints - centre, midpoints + centre]) / drift.sigma
    inside, outside = shape.masses(np.minimum(np.abs(z), shape.most))
    beyond = np.where(z < 0, 1 + inside, outside).sum(axis=0) / 2
    beyond[largest < 0] = 1.0
    if drift.tokens * float(beyond.sum()) > math.log(2):
        straight = drift.motion == "straight"
        what = f"radius is {drift.radius:g}" if straight else f"motion is {printable(drift.motion)}"
        raise BadInput(
            f"{what}; a drift of sigma {drift.sigma:g} would more likely than not"
            f" leave {drift.format}'s range, which ends at {drift.target.largest:.5g}"
        )
