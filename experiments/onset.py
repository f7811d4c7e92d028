"""The onset over a picture of a sweep: the sigma at which one coalesced pair is expected.

Each value of the other axis has an onset of its own. Between numbers the line goes from
one to the next, and beyond the outermost to the edge of the picture; names stand apart.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from drift.experiments.captions import in_symbols
from drift.experiments.expectation import Outlook
from drift.experiments.forecast import onset_line
from drift.experiments.scales import Scale
from drift.experiments.section import Section

_LABEL = "one pair predicted"


def put_onset(
    axes: Axes, section: Section, record: int, outlook: Outlook, **style: Any
) -> tuple[list[Line2D], list[str]]:
    """Draw it over `section`; what the legend and the caption say of it.

    Nothing where sigma is not shown.
    """
    if "sigma" not in section.names:
        return [], []
    which = section.names.index("sigma")
    sigma = Scale.of(section, which)
    found = onset_line(section, record, outlook)
    if not found.predicted:
        return [], found.notes
    inside = np.any((found.sigmas >= sigma.edges[0]) & (found.sigmas <= sigma.edges[-1]))
    if inside and len(section.names) == 1:
        axes.axvline(found.sigmas[0], **style)
    elif inside:
        for line in _lines(Scale.of(section, 1 - which), found.sigmas):
            axes.plot(*(line if which == 0 else line[::-1]), **style)
    handle = Line2D([], [], label=_label(sigma, found.sigmas), **style)
    if not inside:
        handle.set_linestyle("none")
    return [handle], found.notes


def _lines(other: Scale, onsets: np.ndarray) -> list[np.ndarray]:
    """Lines (2, points), sigmas and places on the other axis, as far as there are onsets."""
    there = np.flatnonzero(~np.isnan(onsets))
    gaps = np.flatnonzero(np.diff(there) > 1) + 1
    if other.kind == "names":
        gaps = np.arange(1, len(there))
    found = []
    for rows in np.split(there, gaps) if len(there) else []:
        ends = other.edges[rows[0]], *other.places[rows], other.edges[rows[-1] + 1]
        found.append(np.array([onsets[[rows[0], *rows, rows[-1]]], ends]))
    return found


def _label(sigma: Scale, onsets: np.ndarray) -> str:
    """What the legend says: where it is, if it is alone or not in the picture."""
    known = onsets[~np.isnan(onsets)]
    if not len(known):
        return rf"{_LABEL} at no $\sigma$"
    ends = dict.fromkeys(float(f"{end:.3g}") for end in (known.min(), known.max()))
    at = in_symbols("sigma", next(iter(ends))) if len(ends) == 1 else ""
    if known.min() > sigma.edges[-1] or known.max() < sigma.edges[0]:
        beyond = "above" if known.min() > sigma.edges[-1] else "below"
        return rf"{_LABEL} {beyond} the $\sigma$ shown{at and f', {at}'}"
    return f"{_LABEL}, at {at}" if len(onsets) == 1 else _LABEL
