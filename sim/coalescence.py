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
from dataclasses import dataclass

import numpy as np

Equal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Given two arrays of tokens, whether they are in one cell, pair by pair."""
Fingerprint = Callable[[np.ndarray], np.ndarray]
"""Given tokens, a sortable number for each, equal for tokens of one cell."""


@dataclass(frozen=True)
class Cells:
    """The occupied cells of a cloud, in no particular order."""

    occupancy: np.ndarray
    """int64 (cells,)"""
    representative: np.ndarray
    """int64 (cells,): one token of each cell"""

    @classmethod
    def led_by(cls, leaders: np.ndarray) -> "Cells":
        """The cells of tokens whose leaders are these, int64 (tokens,)."""
        occupancy = np.bincount(leaders)
        representative = np.flatnonzero(occupancy)
        return cls(occupancy[representative], representative)

    @property
    def populations(self) -> np.ndarray:
        """Occupancies of the black holes, int64 (black holes,), falling."""
        return np.sort(self.occupancy[self.occupancy > 1])[::-1]

    def counts(self) -> dict[str, int]:
        """What is reported of them; `pairs` is the sum of n(n-1)/2 over cells."""
        holes = self.populations
        return {
            "distinct": len(self.occupancy),
            "black_holes": len(holes),
            "black_hole_tokens": int(holes.sum()),
            "singletons": int(np.count_nonzero(self.occupancy == 1)),
            "largest": int(self.occupancy.max(initial=0)),
            "pairs": int((holes * (holes - 1) // 2).sum()),
        }


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
