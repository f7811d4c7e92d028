"""Counts that can't be those of one cloud: what holds of any must hold of those that are read."""

from collections.abc import Mapping

import numpy as np


def contradiction(counts: Mapping[str, np.ndarray]) -> str | None:
    """Return what is wrong with counts, arrays of one shape by their names, if anything is.

    Names are those of sim.counting.cells.Counts; `stalled`, `radius` and `moved` may be left out.
    """
    distinct, holes, pairs = (counts[name] for name in ("distinct", "black_holes", "pairs"))
    alive, together, largest, single = (
        counts[name] for name in ("alive", "black_hole_tokens", "largest", "singletons")
    )
    stalled, radius, moved = (
        counts.get(name, np.zeros(())) for name in ("stalled", "radius", "moved")
    )
    wrong = {
        "distinct is not singletons + black_holes": distinct != single + holes,
        "alive is not singletons + black_hole_tokens": alive != single + together,
        "black_hole_tokens is less than 2 in each of black_holes": together < 2 * holes,
        "largest is more than alive": largest > alive,
        "largest is too small for black_hole_tokens": together > holes * largest,
        "pairs is more than alive tokens have": pairs > alive * (alive - 1) // 2,
        "pairs is more than black holes have": 2 * pairs > together * (largest - 1),
        "pairs is less than the largest black hole has": 2 * pairs < largest * (largest - 1),
        "pairs is less than black holes have": pairs < together - holes,
        "a count is negative": np.minimum.reduce([single, holes, pairs, largest]) < 0,
        "stalled is no share": ~((stalled >= 0) & (stalled <= 1)),
        "moved is no share": ~((moved >= 0) & (moved <= 1)),
        "radius is not finite": np.isinf(radius),
    }
    for text, where in wrong.items():
        if where.any():
            return text
    return None
