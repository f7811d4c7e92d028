"""Small clouds that take equal displacements, at step 0 (sim.alike).

What has to look at every coordinate of the initial clouds does it here.
"""

from functools import partial

import jax
import numpy as np

from kernels import rowwise
from kernels.fixed_point import limb_sums
from kernels.formats import Format
from kernels.rounding import widen
from sim.members import Member
from sim.numbered import Numbered
from sim.ranked import parts, transposed
from sim.spec import Drift


@partial(jax.jit, static_argnames="target")
def _limb_sums(
    codes: jax.Array, present: jax.Array, scale: jax.Array, target: Format
) -> tuple[jax.Array, ...]:
    return limb_sums(widen(codes, target), present, scale)


class Start:
    """The clouds of `drifts`. Raises BadInput as sim.simulation does."""

    def __init__(self, drifts: list[Drift]):
        members = [Member(drift) for drift in drifts]
        self.cloud, drift = Numbered(members), drifts[0]
        self.target, self.tokens = drift.target, drift.tokens
        self.columns = np.empty((drift.dims, len(self.cloud.of)), self.target.storage)
        """codes (dims, tokens)"""
        for k, member in enumerate(members):
            mine = slice(k * self.tokens, (k + 1) * self.tokens)
            self.columns[:, mine] = transposed(member.codes)
        self.extent = np.max([member.extent for member in members], axis=0)
        """float64 (dims,): the largest magnitude in each dimension"""
        self.places = self._places()
        """all places that occur in some dimension, rising"""
        self.limbs = np.stack([_sums(member) for member in members])
        """int64 (members, LIMBS, dims): the exact sums of the tokens, kernels.fixed_point"""
        self._prints = np.concatenate([self._hashed(member) for member in members])

    def leaders(self, tokens: np.ndarray) -> np.ndarray:
        """The leaders of `tokens`, int64: sim.coalescence."""
        row_bytes = self.columns.itemsize * len(self.columns)

        def take(some: np.ndarray) -> np.ndarray:
            return self.columns[:, some].T

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return rowwise.equal(take, a, b, row_bytes, self.target)

        return self.cloud.leaders(tokens, lambda some: self._prints[some], equal)

    def _places(self) -> np.ndarray:
        found = np.zeros(1 << self.target.width, bool)
        for part in parts(self.columns):
            found |= np.bincount(part, minlength=len(found)) > 0
        return np.sort(self.target.place(np.flatnonzero(found).astype(self.target.storage)))

    def _hashed(self, member: Member) -> np.ndarray:
        """A fingerprint of each of its rows, uint64 (tokens,)."""
        row_bytes = member.codes.itemsize * member.codes.shape[1]
        every = np.arange(self.tokens)
        return rowwise.hashes(lambda some: member.codes[some], every, row_bytes, self.target)


def _sums(member: Member) -> np.ndarray:
    target, scale = member.drift.target, np.float32(np.ldexp(1.0, member.exponent))
    sums = _limb_sums(member.codes, member.present(0), scale, target=target)
    return np.stack(sums).astype(np.int64)
