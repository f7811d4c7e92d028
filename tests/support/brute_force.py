"""Selections of rows, made by Python integers one by one."""

from collections import defaultdict

import ml_dtypes
import numpy as np

WIDTHS = {
    "bfloat16": (8, 7),
    "float16": (5, 10),
    "float8_e4m3fn": (4, 3),
    "float8_e5m2": (5, 2),
    "float4_e2m1fn": (2, 1),
    "float32": (8, 23),
}
"""Bits of exponent and fraction, as the specifications of the formats give them."""


def value_type(target):
    """The NumPy or ml_dtypes type of a format."""
    return np.dtype(getattr(ml_dtypes, target.name, None) or target.name)


def finite(codes, target):
    """Which rows are finite, bool (rows,)."""
    with np.errstate(invalid="ignore"):
        values = codes.view(value_type(target)).astype(np.float64)
    return np.isfinite(values).all(axis=1)


def selected_ids(matrix, near, exponents):
    """The ids that are selected; None where `near` stands for no token."""
    codes, target = matrix.codes, matrix.format
    fits = finite(codes, target)
    if near == "largest":
        holes = defaultdict(list)
        for row in np.flatnonzero(fits):
            holes[tuple(c & (target.sign - 1) and c for c in codes[row].tolist())].append(row)
        largest = max(holes.values(), key=lambda rows: (len(rows), -rows[0]), default=[])
        if len(largest) < 2:
            return None
        row = largest[0]
    else:
        row = matrix.token_ids.tolist().index(int(near))
        if not fits[row]:
            return None
    exponent, fraction = WIDTHS[target.name]
    fields = [[c >> fraction & ((1 << exponent) - 1) for c in line] for line in codes.tolist()]
    return [
        int(matrix.token_ids[i])
        for i, line in enumerate(fields)
        if fits[i] and all(abs(a - b) <= exponents for a, b in zip(line, fields[row], strict=True))
    ]
