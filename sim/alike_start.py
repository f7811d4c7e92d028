"""Small clouds that take equal displacements, at step 0 (sim.alike).

What has to look at every coordinate of the initial clouds does it here.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels import row_hash
from drift.kernels.exact_sum import limb_sums
from drift.kernels.formats import Format
from drift.kernels.rounding import merge_zeros, widen
from drift.kernels.row_hash_jax import as_words, fingerprint, weights
from drift.sim import compilation
from drift.sim.members import Member
from drift.sim.numbered import Numbered
from drift.sim.ranked import transposed
from drift.sim.spec import Drift

_TOGETHER = 16
"""Members that one call looks at, while the next ones are drawn."""


@compilation.kept
@partial(jax.jit, static_argnames="target")
def _look(
    codes: jax.Array, scales: jax.Array, lanes: jax.Array, target: Format
) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Limbs LIMBS x (members, dims), fingerprints (members, tokens, 2), and which codes occur."""

    def one(member: tuple[jax.Array, jax.Array]) -> tuple[tuple[jax.Array, ...], jax.Array]:
        mine, scale = member
        cells = merge_zeros(mine, target)
        limbs = limb_sums(widen(mine, target), jnp.ones(len(mine), bool), scale)
        return limbs, fingerprint(cells, lanes)

    limbs, prints = lax.map(one, (codes, scales))
    return limbs, prints, jnp.zeros(1 << target.width, bool).at[codes.reshape(-1)].set(True)


class Start:
    """The clouds of `drifts`. Raises BadInput as sim.simulation does."""

    def __init__(self, drifts: list[Drift]):
        members: list[Member] = []
        looks = []
        for first in range(0, len(drifts), _TOGETHER):
            drawn = [Member(drift) for drift in drifts[first : first + _TOGETHER]]
            looks.append(_looked_at(drawn))  # which goes on beside the next draws
            members += drawn
        self.cloud, drift = Numbered(members), drifts[0]
        self.target, self.tokens = drift.target, drift.tokens
        self.columns = np.empty((drift.dims, len(self.cloud.of)), self.target.storage)
        """codes (dims, tokens)"""
        for k, member in enumerate(members):
            mine = slice(k * self.tokens, (k + 1) * self.tokens)
            self.columns[:, mine] = transposed(member.codes)
        self.extent = np.max([member.extent for member in members], axis=0)
        """float64 (dims,): the largest magnitude in each dimension"""
        limbs, prints, occurs = zip(*looks, strict=True)
        there = np.flatnonzero(np.any(occurs, axis=0)).astype(self.target.storage)
        self.places = np.sort(self.target.place(there))
        """all places that occur in some dimension, rising"""
        sums = [np.stack(each, axis=1) for each in limbs]
        self.limbs = np.concatenate(sums)[: len(members)].astype(np.int64)
        """int64 (members, LIMBS, dims): the exact sums of the tokens, kernels.exact_sum"""
        self._prints = as_words(np.concatenate(prints).reshape(-1, 2))

    def leaders(self, tokens: np.ndarray) -> np.ndarray:
        """The leaders of `tokens`, int64: sim.coalescence."""
        row_bytes = self.columns.itemsize * len(self.columns)

        def take(some: np.ndarray) -> np.ndarray:
            return self.columns[:, some].T

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return row_hash.equal(take, a, b, row_bytes, self.target)

        return self.cloud.leaders(tokens, lambda some: self._prints[some], equal)


def _looked_at(members: list[Member]) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """`_look` at up to _TOGETHER members; the last one stands for those that are missing."""
    full = members + members[-1:] * (_TOGETHER - len(members))
    codes = np.stack([member.codes for member in full])
    scales = np.array([np.ldexp(1.0, member.exponent) for member in full], np.float32)
    lanes, target = weights(codes.shape[2]), members[0].drift.target
    return _look(codes, scales, lanes, target=target)
