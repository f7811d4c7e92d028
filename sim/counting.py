"""Counting the rows of a matrix on the host, at a fraction of a read where it can.

First a thin fingerprint, of a few words spread over the row: tokens that it tells
from all others are settled without their rows being read. Whoever is left gets a
fingerprint of the whole row, and only rows whose two fingerprints agree are
compared.
"""

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format
from drift.sim.coalescence import coalesce

_THIN = 8
"""Words of 8 bytes that the thin fingerprint reads of each row."""


def leaders(tokens: np.ndarray, codes: np.ndarray, target: Format) -> np.ndarray:
    """The leaders, int64 (n,), of `tokens`, int64 (n,), rows of `codes` (rows, dims), all finite:
    sim.coalescence."""
    row_bytes = codes.itemsize * codes.shape[1]

    def take(some: np.ndarray) -> np.ndarray:
        return row_hash.taken(codes, some)

    return coalesce(
        tokens,
        [
            lambda some: thin(codes, some, target),
            lambda some: row_hash.hashes(take, some, row_bytes, target),
        ],
        lambda a, b: row_hash.equal(take, a, b, row_bytes, target),
    )


def thin(codes: np.ndarray, tokens: np.ndarray, target: Format) -> np.ndarray:
    """A fingerprint of a few places of each row, uint64 (tokens,)."""
    per = 8 // codes.itemsize
    starts = np.unique(np.linspace(0, max(0, codes.shape[1] - per), _THIN).astype(int))
    everyone = len(tokens) == len(codes)

    def word(start: int) -> np.ndarray:
        columns = codes[:, start : start + per]
        columns = columns if everyone else columns[tokens]
        return row_hash.words(row_hash.merged(columns, target))[:, 0]

    return row_hash.mixed(map(word, starts), len(tokens))
