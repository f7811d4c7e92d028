"""A synthetic corpus: Zipf's law, pairs of tokens that follow each other, and tokens that never do.

live   the tokens 0 ... live - 1: token i occurs with a probability proportional to 1 / (i + 1)
dead   the tokens from `live` on, which never occur
point  a number of 32 bits; every live token has an interval of them, as long as it is probable

A sequence is a chain of points. The next one is drawn anew or, with probability LINKED, follows
from the token before: a point is drawn in that token's interval, and carried to another place by an
exchange of BLOCKS equal blocks, the same for the whole corpus. An exchange keeps lengths, so each
token occurs as often as Zipf's law says, wherever it stands; what follows a token is one of few,
and of a rare one nearly always the same. All of it is integer arithmetic on Philox's words, of
which each step has its own: any machine makes the same tokens, from any step on.
"""

from functools import cached_property

import numpy as np

from drift.experiments.training.settings import Settings
from drift.sim.sampling.philox import Stream, words64

LINKED, BLOCKS = 0.75, 64
_HALF = 32
_BLOCK = (1 << _HALF) // BLOCKS


class Corpus:
    """The tokens that a training reads."""

    def __init__(self, settings: Settings):
        self._settings = settings

    @cached_property
    def edges(self) -> np.ndarray:
        """The first point of each live token, and the end of all, uint64 (live + 1,)."""
        rising = np.cumsum(1 / np.arange(1, self._settings.live + 1))
        inner = np.round(rising[:-1] / rising[-1] * 2.0**_HALF).astype(np.uint64)
        return np.concatenate([[0], inner, [1 << _HALF]]).astype(np.uint64)

    @cached_property
    def exchange(self) -> np.ndarray:
        """The block to which each block of points is carried, uint64 (BLOCKS,)."""
        words = words64(self._settings.seed, Stream.SUCCESSORS, 0, BLOCKS)
        return np.argsort(words, kind="stable").astype(np.uint64)

    def batches(self, first: int, last: int) -> np.ndarray:
        """Return the tokens of steps `first` ... `last`, int32 (steps, batch, length + 1)."""
        of, steps = self._settings, last + 1 - first
        shape = (steps, of.batch, of.length + 1)
        each = shape[1] * shape[2]
        words = words64(of.seed, Stream.CORPUS, (first - 1) * each, steps * each).reshape(shape)
        points = words & np.uint64((1 << _HALF) - 1)
        linked = (words >> np.uint64(_HALF)) < np.uint64(int(LINKED * (1 << _HALF)))
        tokens = np.empty(shape, np.int32)
        lengths = np.diff(self.edges)
        for k in range(shape[2]):
            point = points[:, :, k]
            if k:
                before = tokens[:, :, k - 1]
                inside = self.edges[before] + (point * lengths[before] >> np.uint64(_HALF))
                point = np.where(linked[:, :, k], self._carried(inside), point)
            tokens[:, :, k] = np.searchsorted(self.edges, point, side="right") - 1
        return tokens

    def _carried(self, points: np.ndarray) -> np.ndarray:
        """Return where points are carried to by the exchange."""
        block, within = np.divmod(points, np.uint64(_BLOCK))
        return self.exchange[block] * np.uint64(_BLOCK) + within
