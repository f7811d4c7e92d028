"""Expectations beside a slice's fractions: the expected ones, and the onset.

fraction   distinct cells divided by the tokens present, the mean over seeds
onset      the sigma at which one coalesced pair is expected, one for each value of the other axis:
           a line across its tiles. Nothing is drawn between them, since it may be anywhere there
collapsed  of a place: fewer than half of the tokens are distinct there. No onset is drawn in such a
           place: it would be that of a cloud that is no longer spread
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from drift.experiments.figures.axes import Scale
from drift.experiments.figures.captions import in_symbols
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.sweeps.expected import expected_in_slice, expected_onsets
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice

HALF = 0.5
_LABEL = "one pair expected"


def expected_fraction(
    sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs
) -> tuple[np.ma.MaskedArray, list[str]]:
    """Return the expected fraction, of the shape of the shown axes, and notes on missing ones.

    It is masked without prediction, and for a slice that is itself a prediction.
    """
    if sweep_slice.predicted:
        return np.ma.masked_all(sweep_slice.shape[:-1]), []
    found = expected_in_slice(sweep_slice, [record], expected_pairs)
    return (found.values["distinct"] / found.values["alive"])[..., 0], found.notes


def draw_onset(
    axes: Axes,
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs,
    fraction: np.ma.MaskedArray,
    **style: Any,
) -> tuple[list[Line2D], list[str]]:
    """Draw the onset, unless sigma is not shown; return the handles and the notes on it.

    `fraction` is that of the slice, of the shape of its shown axes.
    """
    if "sigma" not in sweep_slice.names:
        return [], []
    which = sweep_slice.names.index("sigma")
    sigma = Scale.of(sweep_slice, which)
    found = expected_onsets(sweep_slice, record, expected_pairs)
    if not found.predicted:
        return [], found.notes
    spread = _spread(sigma, found.sigmas, np.moveaxis(fraction, which, 0))
    if np.isnan(spread).all() and not np.isnan(found.sigmas).all():
        return [], found.notes
    inside = np.any((spread >= sigma.edges[0]) & (spread <= sigma.edges[-1]))
    if inside and len(sweep_slice.names) == 1:
        axes.axvline(spread[0], **style)
    elif inside:
        for line in _lines(Scale.of(sweep_slice, 1 - which), spread):
            axes.plot(*(line if which == 0 else line[::-1]), **style)
    handle = Line2D([], [], label=_label(sigma, spread), **style)
    if not inside:
        handle.set_linestyle("none")
    return [handle], found.notes


def _spread(sigma: Scale, onsets: np.ndarray, fraction: np.ma.MaskedArray) -> np.ndarray:
    """Return the onsets that are drawn; NaN where the cloud is collapsed at the onset.

    `fraction` is (values of sigma, …), the others being those of the onsets.
    """
    known = np.ma.filled(fraction, np.nan).reshape(len(sigma.positions), -1)
    found = onsets.copy()
    for k, onset in enumerate(onsets):
        tile = int(np.searchsorted(sigma.edges, onset)) - 1
        if 0 <= tile < len(known) and known[tile, k] < HALF:
            found[k] = np.nan
    return found


def _lines(other: Scale, onsets: np.ndarray) -> list[np.ndarray]:
    """Return lines, (2, points), of sigmas and positions on the other axis, where onsets are."""
    there = np.flatnonzero(~np.isnan(onsets))
    return [np.array([onsets[[row, row]], other.edges[row : row + 2]]) for row in there]


def _label(sigma: Scale, onsets: np.ndarray) -> str:
    """Return the legend's text on the onset, with its value where it is alone or not on the map."""
    known = onsets[~np.isnan(onsets)]
    if not len(known):
        return rf"{_LABEL} at no $\sigma$"
    ends = dict.fromkeys(float(f"{end:.3g}") for end in (known.min(), known.max()))
    at = in_symbols("sigma", next(iter(ends))) if len(ends) == 1 else ""
    if known.min() > sigma.edges[-1] or known.max() < sigma.edges[0]:
        beyond = "above" if known.min() > sigma.edges[-1] else "below"
        return rf"{_LABEL} {beyond} the $\sigma$ shown{at and f', {at}'}"
    return f"{_LABEL}, at {at}" if len(onsets) == 1 else _LABEL
