"""Where a quantity over two axes of a sweep passes a level.

Between the middles of cells it is taken to change evenly, as the axes are drawn; from
the outermost middles to the edge of the picture not at all. Between names there is
nothing: each has a contour of its own.
"""

import numpy as np
from contourpy import contour_generator

from drift.experiments.scales import Scale


def contour(x: Scale, y: Scale, values: np.ma.MaskedArray, level: float) -> list[np.ndarray]:
    """Lines (points, 2) in places of x and y, of `values` (y, x); none where they are masked."""
    if x.kind == y.kind == "names":
        return []
    if x.kind == "names":
        return [line[:, ::-1] for line in contour(y, x, values.T, level)]
    strips = [_to_its_ends(y)]
    if y.kind == "names":
        strips = [(y.edges[row : row + 2], np.array([row, row])) for row in range(len(y.places))]
    across, columns = _to_its_ends(x)
    lines: list[np.ndarray] = []
    for up, rows in strips:
        found = contour_generator(across, up, values[rows][:, columns]).lines(level)
        lines += map(np.asarray, found)
    return [np.stack([x.placed(line[:, 0]), y.placed(line[:, 1])], axis=1) for line in lines]


def _to_its_ends(scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """The first edge, the places and the last edge, evened, and whose value each has."""
    ends = scale.edges[0], *scale.places, scale.edges[-1]
    last = len(scale.places) - 1
    return scale.evened(np.array(ends)), np.array([0, *range(last + 1), last])
