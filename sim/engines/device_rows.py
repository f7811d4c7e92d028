"""The codes of a cloud on devices whose memory the host can't read in place.

Only rows that are asked for come to the host, at most BLOCK_BYTES in one go. To compare tokens,
one row for each cell is sent to the devices, and they answer: a cloud whose tokens have nearly all
coalesced is not fetched either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from drift.kernels.formats import Format
from drift.sim.engines.chunks import Chunks

BLOCK_BYTES = 4 << 20
"""Bytes fetched at a time."""
SENT_BYTES = 32 << 20
"""Bytes of rows sent at a time, to be compared with."""


@dataclass(frozen=True)
class DeviceRows:
    """The codes of a cloud on devices."""

    chunks: Chunks
    """how the cloud is cut; each chunk is on one device"""
    codes: list[jax.Array]
    """one array (tiles, tile rows, dims) for each chunk"""
    format: Format
    """the format of the codes"""

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return self.chunks.tokens, self.chunks.dims

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        return self._fetch(np.arange(start, stop))

    def take(self, tokens: np.ndarray) -> np.ndarray:
        """Return codes (len(tokens), dims) with -0 as +0."""
        taken = self._fetch(tokens)
        taken[taken == self.format.sign] = 0
        return taken

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return whether tokens a[i] and b[i] are in one cell; no token is twice in a."""
        same = np.empty(len(a), bool)
        for others, pairs, which in _by_other(b, self.shape[1] * self.format.storage.itemsize):
            same[pairs] = self._compare(a[pairs], self.take(others), which)
        return same

    def _compare(self, tokens: np.ndarray, others: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Return whether tokens[i] has the codes others[which[i]]; no token is twice there.

        `others` (rows, dims) has -0 as +0, and no -0 is told from +0 here.
        """
        most = max(len(others), SENT_BYTES // (self.shape[1] * others.itemsize))
        known = np.zeros((min(_rounded(len(others)), most), self.shape[1]), others.dtype)
        known[: len(others)] = others
        sent: dict[jax.Device, jax.Array] = {}
        answers = []  # on the devices until all are asked, so that they answer side by side
        for k, here, rows in self._by_chunk(tokens):
            codes = self.codes[k]
            asked = np.zeros(codes.shape[:2], np.int32)
            asked.ravel()[rows] = which[here]
            (device,) = codes.devices()
            if device not in sent:
                sent[device] = jax.device_put(known, device)
            answers.append((here, rows, _same(codes, sent[device], asked, self.format)))
        same = np.empty(len(tokens), bool)
        for here, rows, answer in answers:
            same[here] = np.asarray(answer).ravel()[rows]
        return same

    def _fetch(self, tokens: np.ndarray) -> np.ndarray:
        fetched = np.empty((len(tokens), self.chunks.dims), self.format.storage)
        block = max(1, BLOCK_BYTES // (self.chunks.dims * self.format.storage.itemsize))
        for k, here, rows in self._by_chunk(tokens):
            for start in range(0, len(rows), block):
                part = rows[start : start + block]
                asked = np.zeros(min(_rounded(len(part)), block), np.int32)
                asked[: len(part)] = part
                which = here[start : start + block]
                fetched[which] = np.asarray(_picked(self.codes[k], asked))[: len(part)]
        return fetched

    def _by_chunk(self, tokens: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Give each chunk that holds some of `tokens`, which of them, and their rows in it."""
        chunk, row = np.divmod(tokens, self.chunks.size)
        order = np.argsort(chunk, kind="stable")
        found, starts = np.unique(chunk[order], return_index=True)
        for k, here in zip(found.tolist(), np.split(order, starts[1:]), strict=False):
            yield k, here, row[here]


def _by_other(b: np.ndarray, row_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give pairs in blocks of up to SENT_BYTES of distinct tokens of `b`, pair i being with b[i].

    A block is these tokens, the pairs with them, and which one each is with.
    """
    others, which = np.unique(b, return_inverse=True)
    order = np.argsort(which, kind="stable")
    block = max(1, SENT_BYTES // row_bytes)
    for start in range(0, len(others), block):
        first, last = np.searchsorted(which[order], [start, start + block])
        pairs = order[first:last]
        yield others[start : start + block], pairs, which[pairs] - start


def _rounded(count: int) -> int:
    """Return a power of 8, `count` or more, so that few shapes are compiled."""
    size = 8
    while size < count:
        size *= 8
    return size


@jax.jit
def _picked(codes: jax.Array, rows: jax.Array) -> jax.Array:
    """Return rows `rows` (n,) int32 of `codes` (tiles, tile rows, dims)."""
    return codes[rows // codes.shape[1], rows % codes.shape[1]]


@partial(jax.jit, static_argnames="target")
def _same(codes: jax.Array, others: jax.Array, which: jax.Array, target: Format) -> jax.Array:
    """Return whether each row has the codes others[which], (tiles, tile rows), -0 being +0."""
    merged = jnp.where(codes == target.sign, jnp.zeros_like(codes), codes)
    return jnp.all(merged == others[which], axis=2)
