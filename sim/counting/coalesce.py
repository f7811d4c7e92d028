"""The coalescence counter: which tokens share a cell, exactly.

Tokens with different fingerprints are in different cells. Tokens with equal
fingerprints are compared row by row with a representative; those that differ
from it are compared again among themselves until none is left. A hash only
sorts, equality decides. -0 and +0 are one value; NaN does not occur.

representative  the token that stands for all tokens of its cell

The rows of a matrix on the host cost a fraction of reading them where they can: first a thin
fingerprint is taken, of a few words spread over the row, and tokens that differ in it from all
others are done. The tokens that are left get a fingerprint of the whole row, and only rows whose
two fingerprints agree are compared.
"""

from collections.abc import Callable

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format

Equal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Tells of two arrays of tokens, pair by pair, whether they are in one cell."""
Fingerprint = Callable[[np.ndarray], np.ndarray]
"""Gives a number for each token, unsigned, equal for tokens of one cell."""


def coalesce(tokens: np.ndarray, fingerprints: list[Fingerprint], equal: Equal) -> np.ndarray:
    """Return the representatives, int64 (n,), of `tokens`, int64 (n,): each cell's first token.

    Each fingerprint in turn is taken only of the tokens that share the one before
    with others, and `equal` only about tokens of equal last
    fingerprint. Fingerprints should grow dearer and sharper.
    """
    representatives = tokens.copy()
    open_ = np.arange(len(tokens))
    prints = np.zeros(0)
    for fingerprint in fingerprints:
        if not len(open_):
            return representatives
        prints = fingerprint(tokens[open_])
        shared = row_hash.repeated(prints)
        open_, prints = open_[shared], prints[shared]
    _, group = np.unique(prints, return_inverse=True)
    order = np.argsort(group, kind="stable")
    open_, group = open_[order], group[order]
    while len(open_):
        _, first, member = np.unique(group, return_index=True, return_inverse=True)
        first_tokens = tokens[open_[first]][member]
        same = equal(tokens[open_], first_tokens)
        representatives[open_[same]] = first_tokens[same]
        open_, group = open_[~same], group[~same]
        # A token whose fingerprint no other open token has any more is its own representative.
        alone = np.bincount(group)[group] == 1
        open_, group = open_[~alone], group[~alone]
    return representatives


_THIN = 8
"""Words of 8 bytes that the thin fingerprint reads in each row."""
_THIN_ROWS = 1 << 14
"""Rows whose thin fingerprints a thread takes at a time."""


def representatives(tokens: np.ndarray, codes: np.ndarray, target: Format) -> np.ndarray:
    """Return the representatives, int64 (n,), of `tokens`, int64 (n,), rows of `codes`, finite."""
    row_bytes = codes.itemsize * codes.shape[1]

    def take(some: np.ndarray) -> np.ndarray:
        return row_hash.take_rows(codes, some)

    return coalesce(
        tokens,
        [
            lambda some: thin(codes, some, target),
            lambda some: row_hash.hashes(take, some, row_bytes, target),
        ],
        lambda a, b: row_hash.equal(take, a, b, row_bytes, target),
    )


def thin(codes: np.ndarray, tokens: np.ndarray, target: Format) -> np.ndarray:
    """Return a fingerprint of a few words of each row, uint64 (tokens,)."""
    per = 8 // codes.itemsize
    starts = np.unique(np.linspace(0, max(0, codes.shape[1] - per), _THIN).astype(int))
    found, everyone = np.empty(len(tokens), np.uint64), len(tokens) == len(codes)

    def one(part: slice) -> None:
        def word(start: int) -> np.ndarray:
            columns = codes[part if everyone else tokens[part], start : start + per]
            return row_hash.row_words(row_hash.merge_zeros(columns, target))[:, 0]

        found[part] = row_hash.mix(map(word, starts), len(found[part]))

    row_hash.side_by_side(one, len(tokens), _THIN_ROWS)
    return found
