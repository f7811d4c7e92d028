"""The coalescence counter: which tokens share a cell, exactly.

Tokens with different fingerprints are in different cells. Tokens with equal
fingerprints are compared row by row with a representative; those that differ
from it are compared again among themselves until none is left. A hash only
sorts, equality decides. -0 and +0 are one value; NaN does not occur.

occupancy   how many tokens sit in a cell
black hole  a cell of occupancy 2 or more; singleton: a cell of occupancy 1
leader      the token that stands for all tokens of its cell
"""

from collections.abc import Callable

import numpy as np

Equal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Given two arrays of tokens, whether they are in one cell, pair by pair."""
Fingerprint = Callable[[np.ndarray], np.ndarray]
"""Given tokens, a sortable number for each, equal for tokens of one cell."""


def coalesce(tokens: np.ndarray, fingerprints: list[Fingerprint], equal: Equal) -> np.ndarray:
    """The leaders, int64 (n,), of `tokens`, int64 (n,): of each cell its first token.

    Each fingerprint in turn is asked only about the tokens that the one before
    did not tell from all others, and `equal` only about tokens of equal last
    fingerprint. Fingerprints should grow dearer and sharper.
    """
    leaders = tokens.copy()
    open_ = np.arange(len(tokens))
    prints = np.zeros(0)
    for fingerprint in fingerprints:
        if not len(open_):
            return leaders
        prints = fingerprint(tokens[open_])
        shared = _shared(prints)
        open_, prints = open_[shared], prints[shared]
    _, group = np.unique(prints, return_inverse=True)
    order = np.argsort(group, kind="stable")
    open_, group = open_[order], group[order]
    while len(open_):
        _, first, member = np.unique(group, return_index=True, return_inverse=True)
        first_tokens = tokens[open_[first]][member]
        same = equal(tokens[open_], first_tokens)
        leaders[open_[same]] = first_tokens[same]
        open_, group = open_[~same], group[~same]
        alone = np.bincount(group)[group] == 1
        open_, group = open_[~alone], group[~alone]
    return leaders


def _shared(prints: np.ndarray) -> np.ndarray:
    """Which entries of `prints` occur more than once, bool."""
    rising = np.sort(prints)
    repeated = rising[1:][rising[1:] == rising[:-1]]
    if not len(repeated):
        return np.zeros(len(prints), bool)
    if len(repeated) == len(prints) - 1 and repeated[0] == repeated[-1]:
        return np.ones(len(prints), bool)
    at = np.minimum(np.searchsorted(repeated, prints), len(repeated) - 1)
    return repeated[at] == prints
