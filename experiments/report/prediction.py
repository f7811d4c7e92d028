"""Tables of expected pairs beside counted ones.

error       of the mean over n clouds: the standard deviation of one cloud's pairs over sqrt(n)
difference  counted minus expected, in errors
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drift.experiments.figures.curves import request_of_run
from drift.experiments.figures.expected import ExpectedPairs, PairsRequest
from drift.experiments.figures.sweeps.expected import request_for_point
from drift.experiments.report.document import DataTable, PageBlock, Paragraph
from drift.experiments.report.tables import every_nth, format_axis_value, format_count
from drift.experiments.report.turning_point import TurningPoint
from drift.sim.errors import BadInput
from drift.sim.stores.run_store import RunStore

if TYPE_CHECKING:
    from drift.sim.prediction.expected import Expected

_ROWS = 12
_NO_ERROR = "–"
_LARGE = 100.0
_ROUNDING = 1e-9
"""Error as a fraction of expected pairs, below which all clouds have the same pairs."""
_COLUMNS = ("counted pairs", "expected pairs", "standard error", "difference / error")
_MEANING = (
    "The expected number of coalesced pairs is the exact expectation over random clouds with the"
    " same direction, computed without simulation. The standard error is the standard deviation"
    " of the count, or of its mean over the clouds."
)


def of_run(
    store: RunStore, counted: Sequence[dict[str, Any]], expected_pairs: ExpectedPairs
) -> list[PageBlock]:
    """Return a run's table, at some records. Raises BadInput where nothing is predicted."""
    shown, left = every_nth(counted, "records", _ROWS)
    [found] = _answers(
        [request_of_run(store, [counts["step"] for counts in shown])], expected_pairs
    )
    rows = [
        [format_count(counts["step"]), *_beside(counts["pairs"], each, 1)]
        for counts, each in zip(shown, found, strict=True)
    ]
    table = DataTable("Coalesced pairs", ("step", *_COLUMNS), rows, note=left)
    return [Paragraph(_MEANING), table]


def of_sweep(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[PageBlock]:
    """Return a sweep's table, at the end of the grid points along the plane's first axis.

    Raises BadInput where nothing is predicted.
    """
    sweep_slice = turning.around(*turning.family.names, averaged=("seed",))
    pairs = sweep_slice.read("pairs", turning.last).reshape(-1, sweep_slice.shape[-1])
    clouds = sweep_slice.done.reshape(pairs.shape).sum(axis=-1)
    rows_shown, left = every_nth(np.flatnonzero(clouds).tolist(), "grid points", _ROWS)
    values = [{axis.name: axis.values[k] for axis in sweep_slice.shown_axes} for k in rows_shown]
    found = _answers(
        [request_for_point(sweep_slice, each, [turning.last]) for each in values], expected_pairs
    )
    rows = []
    for k, own, each in zip(rows_shown, values, found, strict=True):
        if each:
            name = ", ".join(map(format_axis_value, own.values())) or "the grid point"
            mean, count = float(pairs[k].mean()), int(clouds[k])
            rows.append([name, format_count(count), *_beside(mean, each[0], count)])
    caption = "Coalesced pairs at the end, mean over clouds"
    columns = (sweep_slice.names or ("grid point",))[0], "clouds", *_COLUMNS
    return [Paragraph(_MEANING), DataTable(caption, columns, rows, note=left)]


def _answers(of: Sequence[PairsRequest], expected_pairs: ExpectedPairs) -> "list[list[Expected]]":
    """Return the expectation of each request. Raises BadInput where none is predicted."""
    if expected_pairs.wanted is False:
        raise BadInput("--no-prediction was given")
    found, whys = expected_pairs.at_steps(of)
    if not any(found):
        raise BadInput("; ".join(whys))
    return found


def _beside(pairs: float, expected: "Expected", clouds: int) -> list[str]:
    """Return a row: the mean pairs of `clouds` clouds, expected pairs, error and difference."""
    error = expected.pairs_error / math.sqrt(clouds)
    counted = format_count(pairs) if isinstance(pairs, int) else _real(pairs)
    if error <= _ROUNDING * max(1, expected.pairs):
        return [counted, _real(expected.pairs), _NO_ERROR, _NO_ERROR]
    difference = f"{(pairs - expected.pairs) / error:+.2f}"
    return [counted, _real(expected.pairs), _real(error), difference]


def _real(value: float) -> str:
    """Return a number with three digits, or one after the point where it is large."""
    return f"{value:,.1f}" if value >= _LARGE else f"{value:.3g}"
