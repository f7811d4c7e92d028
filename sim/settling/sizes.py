"""The sizes of what is carried: few, since each is compiled for.

As the cloud settles, rows and dimensions grow less, to powers of two; and it is cut down only where
three quarters and more go at once. So a cloud of 152,000 tokens has seven sizes at most, one of
2,212 three.
"""

from drift.kernels.stepping.block import Path
from drift.kernels.stepping.carried import CACHED_ROWS, tiles_of

LEAST_ROWS, LEAST_DIMS = CACHED_ROWS, 8
"""The fewest rows, and dimensions on each device."""
SMALL = 1 << 16
"""Values that are not worth cutting down: an accelerator is not busy with them."""
_WORTHWHILE = 4


def first_rows(tokens: int, dims: int, path: Path) -> int:
    """Return the rows of a whole cloud: some more than tokens, so that tiles are equal."""
    unit = LEAST_ROWS * (1 if path == "cache" else tiles_of(tokens, dims, path))
    return -(-tokens // unit) * unit


def size(wanted: int, least: int, most: int) -> int:
    """Return the size for so many rows or dimensions, where there are `most` now."""
    found = least
    while found < wanted:
        found *= 2
    return min(found, most)


def is_worthwhile(values: int, left: int) -> bool:
    """Return whether to cut down so many values to those that are `left`."""
    return values > SMALL and left * _WORTHWHILE <= values
