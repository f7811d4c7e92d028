"""A few coordinates of a few tokens of a drift, followed from their start: exact, for a picture.

No step looks at another coordinate, so those that are shown are moved alone, by the
definition itself (sim.reference), and are the bits that either engine gives.
"""

from collections.abc import Callable, Sequence

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT
from drift.sim import reference, schedule, tokens
from drift.sim.errors import BadInput
from drift.sim.spec import Drift

MOST_STEPS = 20_000
"""Steps that are taken, which lasts some seconds; what has come to rest takes no more."""


def trace(
    drift: Drift,
    u: np.ndarray,
    start: np.ndarray,
    which: tuple[np.ndarray, np.ndarray],
    steps: Sequence[int],
) -> np.ndarray:
    """Codes (steps, tokens, dims) of the drift's format at each of `steps`, which rise.

    `start` are the codes at step 0 (tokens, dims) of `which` tokens and dims, their
    numbers; u is the unit vector, float64, of all dims. Raises BadInput for more than
    MOST_STEPS steps before all has come to rest.
    """
    held, seen = drift.motion.held, drift.target
    codes = held.code(seen.value(start))
    found, done, resting = [], 0, False
    move = _mover(drift, u, which)
    for wanted in steps:
        while done < wanted and not resting:
            done += 1
            if done > MOST_STEPS:
                raise BadInput(f"it still moves after {MOST_STEPS:,} steps; more are not retraced")
            before, codes = codes, move(codes, done)
            resting = _may_rest(drift) and np.array_equal(before, codes)
        found.append(reference.round_to(held.value(codes).astype(np.float32), seen, "nearest"))
    return np.stack(found)


def _mover(
    drift: Drift, u: np.ndarray, which: tuple[np.ndarray, np.ndarray]
) -> Callable[[np.ndarray, int], np.ndarray]:
    """What takes codes of the coordinates `which` from before step t to after it."""
    numbers, dims = which
    strengths = tokens.strengths(drift)[numbers][:, None] if drift.jitter else None

    def move(codes: np.ndarray, t: int) -> np.ndarray:
        c = schedule.displacements(drift, u[dims], t, t)
        if strengths is not None:
            c = c * strengths
            c = np.where(np.abs(c) < SMALLEST_DISPLACEMENT, np.float32(0), c)
        random = None
        if drift.rounding == "stochastic":
            key = schedule.keys(drift, t, t)[0]
            random = reference.words(key, numbers.astype(np.uint32), dims)
        return reference.step(codes, c, drift.motion.held, drift.rounding, random)

    return move


def _may_rest(drift: Drift) -> bool:
    """Whether what a step has left where it was stays there: all steps are the same function."""
    return drift.schedule == "constant" and drift.rounding != "stochastic"
