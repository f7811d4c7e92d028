"""Many small clouds of one drift, simulated together by NumPy alone, and counted."""

from dataclasses import replace

import numpy as np

from drift.kernels.stepping.host import step_rows, supports
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud, survivor_ranks
from drift.sim.engines import reference
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

COUNTED = ("distinct", "singletons", "black_holes", "black_hole_tokens", "pairs", "largest")


def occupied(drift: Drift, clouds: int, first: int = 0) -> list[np.ndarray]:
    """Tokens of every occupied cell after the last step, int64 (cells,), for each cloud."""
    u = direction(drift.direction, drift.dims, drift.direction_seed)
    state, view = drift.arithmetic.state, drift.target
    alive, kept = drift.alive(drift.steps), []
    for seed in range(first, first + clouds):
        one = replace(drift, seed=seed)
        kept.append(draw_cloud(one, 0, drift.tokens)[survivor_ranks(one) < alive])
    codes = np.concatenate(kept)
    if state != view:
        codes = state.code(view.value(codes))
    steps = displacements(drift, u, 1, drift.steps)
    if supports(drift.arithmetic):
        seen = step_rows(codes, steps, None, None, drift.arithmetic).view
    else:
        for step in steps:
            codes = reference.step(codes, step, state, drift.rounding)
        seen = codes
    places = view.coordinate(seen).reshape(clouds, alive, drift.dims)
    return [np.unique(each, axis=0, return_counts=True)[1] for each in places]


def count(name: str, populations: np.ndarray) -> float:
    """One of COUNTED, of the occupied cells of a cloud."""
    holes = populations[populations > 1]
    return float(
        {
            "distinct": len(populations),
            "singletons": len(populations) - len(holes),
            "black_holes": len(holes),
            "black_hole_tokens": holes.sum(),
            "pairs": (populations * (populations - 1) // 2).sum(),
            "largest": populations.max(),
        }[name]
    )
