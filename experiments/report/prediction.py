"""What a page tells of the prediction: expected pairs beside those that were counted.

error   of the mean over clouds: the standard deviation of one cloud's pairs over the root of
        how many there are
apart   counted minus expected, in errors
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drift.experiments.figures.curves import request_of_run
from drift.experiments.figures.expected import ExpectedPairs, PairsRequest
from drift.experiments.figures.sweeps.expected import request_for_point
from drift.experiments.report.document import Block, Note, Table
from drift.experiments.report.tables import format_axis_value, format_count, spread_evenly
from drift.experiments.report.turning_point import TurningPoint
from drift.sim.errors import BadInput
from drift.sim.stores.run_store import RunStore

if TYPE_CHECKING:
    from drift.sim.prediction.predict import Expected

_ROWS = 12
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


def of_run(
    store: RunStore, counted: Sequence[dict[str, Any]], expected_pairs: ExpectedPairs
) -> list[Block]:
    """Expected and counted pairs at some records. Raises BadInput where nothing is predicted."""
    shown = spread_evenly(counted, _ROWS)
    [found] = _answers(
        [request_of_run(store, [counts["step"] for counts in shown])], expected_pairs
    )
    rows = [
        [format_count(counts["step"]), *_beside(counts["pairs"], each, 1)]
        for counts, each in zip(shown, found, strict=True)
    ]
    return [Note(_MEANING), Table("Coalesced pairs", ("step", *_COLUMNS), rows)]


def of_sweep(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[Block]:
    """The same at the end of the cells along the plane's first axis."""
    sweep_slice = turning.around(*turning.family.names, averaged=("seed",))
    pairs = sweep_slice.read("pairs", turning.last).reshape(-1, sweep_slice.shape[-1])
    clouds = sweep_slice.done.reshape(pairs.shape).sum(axis=-1)
    places = spread_evenly(np.flatnonzero(clouds).tolist(), _ROWS)
    values = [{axis.name: axis.values[k] for axis in sweep_slice.shown_axes} for k in places]
    found = _answers(
        [request_for_point(sweep_slice, each, [turning.last]) for each in values], expected_pairs
    )
    rows = []
    for k, own, each in zip(places, values, found, strict=True):
        if each:
            name = ", ".join(map(format_axis_value, own.values())) or "the cell"
            mean, count = float(pairs[k].mean()), int(clouds[k])
            rows.append([name, format_count(count), *_beside(mean, each[0], count)])
    caption = "Coalesced pairs at the end, the mean over clouds"
    columns = (sweep_slice.names or ("cell",))[0], "clouds", *_COLUMNS
    return [Note(_MEANING), Table(caption, columns, rows)]


def _answers(of: Sequence[PairsRequest], expected_pairs: ExpectedPairs) -> "list[list[Expected]]":
    """What is expected of each that is asked. Raises BadInput, saying why, where nothing is."""
    if expected_pairs.wanted is False:
        raise BadInput("--no-prediction was given")
    found, whys = expected_pairs.at_steps(of)
    if not any(found):
        raise BadInput("; ".join(whys))
    return found


def _beside(pairs: float, expected: "Expected", clouds: int) -> list[str]:
    """The mean pairs of so many clouds, those expected, their error, how far apart these are."""
    error = expected.pairs_error / math.sqrt(clouds)
    counted = format_count(pairs) if isinstance(pairs, int) else _real(pairs)
    if error <= _ROUNDING * max(1, expected.pairs):
        return [counted, _real(expected.pairs), _NO_ERROR, _NO_ERROR]
    apart = f"{(pairs - expected.pairs) / error:+.2f}"
    return [counted, _real(expected.pairs), _real(error), apart]


def _real(value: float) -> str:
    """Three digits at least of a small number, and one after the point of a large one."""
    return f"{value:,.1f}" if value >= _LARGE else f"{value:.3g}"
