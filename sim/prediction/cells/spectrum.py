"""The occupancy spectrum: the expected number of cells of k tokens, for every k.

entry  the cells of k_first ... k_last tokens. Up to _SINGLE tokens every k is an entry of its own;
       above, an entry is as long as a part of its k. Entries without cells are joined
"""

import math

import numpy as np

from drift.sim.prediction.cells.binomial import choose, log_rest
from drift.sim.prediction.cells.law import Law

Spectrum = list[tuple[int, int, float]]
"""k_first, k_last and the expected cells of so many tokens, from 1 to n tokens"""

_SINGLE, _PART = 4096, 256
_WIDTHS, _MORE = 9.0, 24
"""Standard deviations of an occupancy that are looked at to each side, and tokens beside."""
_NEGLIGIBLE = math.log(1e-16)
_PER_WIDTH = 64
"""Occupancies that are looked at in a standard deviation of large cells."""
_NOTHING = 1e-12
"""Expected cells that are taken for none: what the transform rounds is about as large."""
_AT_ONCE = 1 << 20


def spectrum(law: Law, tokens: int, singletons: float) -> Spectrum:
    """Return the expected cells of 1, 2, ... `tokens` tokens; those of one are `singletons`."""
    if tokens < 2:
        return [(1, 1, singletons)]
    minus_log, cells = law.cells()
    mean = tokens * np.exp(-minus_log)
    # Of a small mean the k-th term is about its k-th power.
    few = np.minimum(_MORE, _NEGLIGIBLE / np.log(np.minimum(mean, 0.9)))
    reach = _WIDTHS * np.sqrt(mean) + few
    low = np.clip(mean - reach, 2, tokens).astype(np.int64)
    high = np.clip(mean + reach + 2, 2, tokens).astype(np.int64)
    stride = np.maximum(1, np.sqrt(mean) / _PER_WIDTH).astype(np.int64)
    counts = (high - low) // stride + 1
    starts = _starts(tokens)
    found = np.zeros(len(starts))
    logs = choose(tokens, np.arange(int(high.max()) + 1))
    others = log_rest(minus_log)
    blocks = np.flatnonzero(np.diff(np.cumsum(counts) // _AT_ONCE, prepend=-1))
    for first, stop in zip(blocks, [*blocks[1:], len(counts)], strict=True):
        of = np.repeat(np.arange(first, stop), counts[first:stop])
        begun = np.cumsum(counts[first:stop]) - counts[first:stop]
        k = low[of] + stride[of] * (np.arange(len(of)) - begun[of - first])
        with np.errstate(invalid="ignore"):
            rest = np.where(k == tokens, 0.0, (tokens - k) * others[of])
        chance = np.exp(logs[k] - k * minus_log[of] + rest)
        entry = np.searchsorted(starts, k, side="right") - 1
        found += np.bincount(entry, chance * (cells * stride)[of], minlength=len(starts))
    found[0] = singletons
    return _joined(starts, found, tokens)


def rarely(pairs: float, tokens: int) -> Spectrum:
    """Return the spectrum where hardly a pair is expected: black holes are pairs then."""
    entries = [(1, 1, tokens - 2 * pairs), (2, 2, pairs), (3, tokens, 0.0)]
    return [entry for entry in entries if entry[0] <= min(entry[1], tokens)]


def _starts(tokens: int) -> np.ndarray:
    """Return the first k of every entry, int64, rising."""
    starts, k = list(range(1, min(tokens, _SINGLE) + 1)), _SINGLE + 1
    while k <= tokens:
        starts.append(k)
        k += k // _PART
    return np.array(starts)


def _joined(starts: np.ndarray, cells: np.ndarray, tokens: int) -> Spectrum:
    """Return the entries, those without cells joined with their neighbours without any."""
    cells = np.where(cells > _NOTHING, cells, 0.0)
    kept = np.ones(len(starts), bool)
    kept[1:] = (cells[1:] > 0) | (cells[:-1] > 0)
    firsts = starts[kept]
    lasts = np.append(firsts[1:] - 1, tokens)
    return list(zip(firsts.tolist(), lasts.tolist(), cells[kept].tolist(), strict=True))
