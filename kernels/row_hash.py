"""Equality and fingerprints of rows of codes, taken as 64-bit words, on the host.

Rows are asked for in blocks that stay in cache, and blocks are worked on by a few
threads side by side. -0 and +0 are one value; since few rows hold a -0, words are
compared as they are, and only rows that differ are compared again with zeros merged.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from drift.kernels.formats import Format

Take = Callable[[np.ndarray], np.ndarray]
"""Gives the codes (len(tokens), dims) of tokens, which may be a view."""

_KEY = 0x726F7773
_ODD = np.uint64(0x9E3779B97F4A7C15)


def take_rows(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the `rows`, int64 (n,), of a matrix; a view where they follow each other."""
    in_turn = len(rows) and rows[-1] - rows[0] == len(rows) - 1 and np.all(np.diff(rows) == 1)
    return codes[rows[0] : rows[-1] + 1] if in_turn else codes[rows]


def merge_zeros(codes: np.ndarray, target: Format) -> np.ndarray:
    """Return `codes`, unsigned, any shape, with -0 as +0; a copy only where there is a -0."""
    zeros = codes == target.storage.type(target.sign)
    return np.where(zeros, target.storage.type(0), codes) if zeros.any() else codes


def row_words(codes: np.ndarray) -> np.ndarray:
    """Return rows of `codes` (rows, dims) as uint64 words, (rows, words), padded with zeros."""
    per = 8 // codes.itemsize
    missing = -codes.shape[1] % per
    if missing:
        codes = np.pad(codes, ((0, 0), (0, missing)))
    return np.ascontiguousarray(codes).view(np.uint64)


def mix(columns: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """Return a fingerprint, uint64 (rows,), of a few unsigned columns, each (rows,)."""
    found = np.zeros(rows, np.uint64)
    for column in columns:
        found ^= column
        found *= _ODD
        found ^= found >> np.uint64(32)
    return found


def placed(prints: np.ndarray) -> tuple[np.ndarray, np.uint64]:
    """Return `prints`, unsigned (…, n), with their places, sorted, and the bits of a place.

    In each number the lowest bits give way to the place: to sort numbers alone is three times as
    fast as to sort places by them. Prints that differ have different upper bits, but for few.
    """
    count = prints.shape[-1]
    low = np.uint64((1 << max(1, (count - 1).bit_length())) - 1)
    found = (prints.astype(np.uint64, copy=False) * _ODD) & ~low
    found |= np.arange(count, dtype=np.uint64)
    found.sort(axis=-1)
    return found, low


def repeated(prints: np.ndarray) -> np.ndarray:
    """Return whether each of `prints`, unsigned (…, n), may occur more than once, bool.

    It is true of all that do, and of few others.
    """
    sorted_, low = placed(prints)
    beside = np.zeros((*prints.shape[:-1], prints.shape[-1] + 1), bool)
    beside[..., 1:-1] = (sorted_[..., 1:] ^ sorted_[..., :-1]) <= low
    found = np.empty(prints.shape, bool)
    places = (sorted_ & low).astype(np.intp)
    np.put_along_axis(found, places, beside[..., 1:] | beside[..., :-1], axis=-1)
    return found


def hashes(
    take: Take, tokens: np.ndarray, row_bytes: int, target: Format, block_bytes: int = 1 << 20
) -> np.ndarray:
    """Return a fingerprint of whole rows, uint64 (tokens,): the sum of words times odd weights."""
    found = np.empty(len(tokens), np.uint64)
    # Odd weights are invertible modulo 2**64: a row that differs in one word has another sum.
    weights = np.random.Philox(key=_KEY).random_raw(-(-row_bytes // 8)) | np.uint64(1)

    def one(part: slice) -> None:
        rows = row_words(merge_zeros(take(tokens[part]), target))
        found[part] = np.einsum("ij,j->i", rows, weights)

    side_by_side(one, len(tokens), block_bytes // row_bytes)
    return found


def equal(
    take: Take,
    a: np.ndarray,
    b: np.ndarray,
    row_bytes: int,
    target: Format,
    block_bytes: int = 1 << 20,
) -> np.ndarray:
    """Return whether tokens a[i] and b[i] are in one cell, bool, for each i."""
    same = np.empty(len(a), bool)

    def one(part: slice) -> None:
        others, inverse = np.unique(b[part], return_inverse=True)
        mine, other = take(a[part]), take(others)
        # One row stands for a large black hole: compare with it, not with copies of it.
        theirs = row_words(other)[inverse] if len(other) > 1 else row_words(other)
        here = np.all(row_words(mine) == theirs, axis=1)
        differing = np.flatnonzero(~here)
        if len(differing):
            mine, other = (
                merge_zeros(mine[differing], target),
                merge_zeros(other, target)[inverse[differing]],
            )
            here[differing] = np.all(mine == other, axis=1)
        same[part] = here

    side_by_side(one, len(a), block_bytes // row_bytes)
    return same


def equal_bits(codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return whether rows a[i] and b[i] of `codes` are the same, -0 and +0 apart, bool."""
    same = np.empty(len(a), bool)

    def one(part: slice) -> None:
        same[part] = (codes[a[part]] == codes[b[part]]).all(axis=1)

    side_by_side(one, len(a), (1 << 20) // max(1, codes.itemsize * codes.shape[1]))
    return same


def side_by_side(work: Callable[[slice], None], rows: int, block: int) -> None:
    """Do `work` on every block of rows, several at a time where there are many."""
    block = max(1, block)
    parts = [slice(start, min(start + block, rows)) for start in range(0, rows, block)]
    if len(parts) < 4:  # threads would cost more than they save
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, parts))
