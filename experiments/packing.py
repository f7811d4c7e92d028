"""Boxes on a page: in their order, side by side in columns, and these in shelves.

A box goes below the one before it where its shelf is high enough, else into a column
to the right of it, else onto a new shelf. A shelf is as high as the highest box at the
head of a column. So boxes of falling size stand close together, and are read down the
columns.
"""

import numpy as np

GAP = 16.0
"""Points between boxes."""


def packed(sizes: list[tuple[float, float]], width: float) -> tuple[np.ndarray, float]:
    """The top left corners, float64 (boxes, 2), of boxes (width, height), and the height of all.

    Points, to the right and down. The page is as wide as `width` or the widest box.
    """
    corners = []
    top = left = down = column = shelf = 0.0
    for wide, high in sizes:
        if down + high > shelf or (left and left + wide > width):  # not below the one before
            left, down, column = left + column, 0.0, 0.0
            if left + wide > width:
                top, left, shelf = top + shelf + GAP * (shelf > 0), 0.0, 0.0
            shelf = max(shelf, high)
        corners.append((left, top + down))
        down, column = down + high + GAP, max(column, wide + GAP)
    return np.array(corners).reshape(-1, 2), top + shelf
