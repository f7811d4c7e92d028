"""What a page tells of the prediction: expected pairs beside those that were counted.

error   of the mean over clouds: the standard deviation of one cloud's pairs over the root of
        how many there are
apart   counted minus expected, in errors
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.report.blocks import Block, Note, Picture, Table
from experiments.report.counted import brief, evenly, whole
from experiments.report.pairs import pairs
from experiments.report.svg import fitted
from experiments.report.turning import Turning
from experiments.section import Section
from sim.errors import BadInput
from sim.grid import drift_of
from sim.prediction import Expected, obstacle, predict
from sim.spec import Drift

_ROWS, _DRAWN = 12, 51
_NO_ERROR = "–"
_LARGE = 100.0
_ROUNDING = 1e-9
"""Of expected pairs: where chance is smaller than that, all clouds have the same."""
_COLUMNS = ("pairs counted", "pairs expected", "standard error", "standard errors apart")
_MEANING = (
    "Expected are coalesced pairs over clouds drawn anew with the same direction, computed"
    " exactly and without simulation; the standard error is how far the count, or the mean of"
    " counts over so many clouds, may well be from it by chance."
)


def of_run(drift: Drift, counted: Sequence[dict[str, Any]]) -> list[Block]:
    """Expected and counted pairs at some records. Raises BadInput where nothing is predicted."""
    shown = evenly(counted, _DRAWN)
    [expected] = predict(drift, [counts["step"] for counts in shown], [_sigma(drift)])
    rows = [
        [whole(counts["step"]), *_beside(counts["pairs"], each, 1)]
        for counts, each in zip(shown, expected, strict=True)
    ]
    title = "Coalesced pairs, expected and counted, against steps"
    text = f"The line is what is expected, the dots are what was counted. {_farthest(rows)}"
    return [
        Note(_MEANING),
        Picture(fitted(pairs(shown, expected)), title, text),
        Table("Coalesced pairs", ("step", *_COLUMNS), evenly(rows, _ROWS)),
    ]


def _farthest(rows: Sequence[Sequence[str]]) -> str:
    """How far counted and expected pairs are apart at most."""
    apart = [abs(float(row[-1])) for row in rows if row[-1] != _NO_ERROR]
    return f"They are {max(apart):.2f} standard errors apart at most." if apart else ""


def of_sweep(turning: Turning) -> list[Block]:
    """The same at the end of the cells along the plane's first axis. Raises BadInput likewise."""
    section = turning.around(*turning.family.names, averaged=("seed",))
    found = section.read("pairs", turning.last).reshape(-1, section.shape[-1])
    clouds = section.done.reshape(found.shape).sum(axis=-1)
    places = np.flatnonzero(clouds).tolist()
    drifts = {k: _drift(turning, section, k) for k in evenly(places, _ROWS)}
    rows = []
    for k, each in zip(drifts, _ends(list(drifts.values())), strict=True):
        value = brief(section.shown[0].values[k]) if section.names else "the cell"
        mean = float(found[k].mean())
        rows.append([value, whole(int(clouds[k])), *_beside(mean, each, int(clouds[k]))])
    name = section.names[0] if section.names else "cell"
    caption = "Coalesced pairs at the end, the mean over clouds"
    return [Note(_MEANING), Table(caption, (name, "clouds", *_COLUMNS), rows)]


def _drift(turning: Turning, section: Section, place: int) -> Drift:
    """That of the turning cell but for the axis that is shown."""
    own = {axis.name: axis.values[place] for axis in section.shown}
    grid = turning.store.grid
    return drift_of({**grid.base, **grid.values(turning.cell), **own})


def _ends(drifts: Sequence[Drift]) -> list[Expected]:
    """What is expected of each at its end; one motion serves all that differ in sigma alone."""
    sigmas = [_sigma(each) for each in drifts]
    first = drifts[0]
    if all(replace(each, sigma=first.sigma) == first for each in drifts):
        return [each for [each] in predict(first, [first.steps], sigmas)]
    return [
        predict(each, [each.steps], [sigma])[0][0]
        for each, sigma in zip(drifts, sigmas, strict=True)
    ]


def _sigma(drift: Drift) -> float:
    """Raises BadInput where the cloud is not drawn."""
    if drift.sigma is None:
        raise BadInput(f"no exact form is implemented for {obstacle(drift)}")
    return drift.sigma


def _beside(pairs: float, expected: Expected, clouds: int) -> list[str]:
    """The mean pairs of so many clouds, those expected, their error, how far apart these are."""
    error = expected.pairs_error / math.sqrt(clouds)
    certain = error <= _ROUNDING * max(1, expected.pairs)
    apart = _NO_ERROR if certain else f"{(pairs - expected.pairs) / error:+.2f}"
    counted = whole(pairs) if isinstance(pairs, int) else _real(pairs)
    return [counted, _real(expected.pairs), _real(error), apart]


def _real(value: float) -> str:
    """Three digits at least of a small number, and one after the point of a large one."""
    return f"{value:,.1f}" if value >= _LARGE else f"{value:.3g}"
