"""Expectations of a drift, exact and without simulating it: derivation.md says why.

Expectations are over random clouds, all seeds, with the drift's direction.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from drift.sim.prediction.cells.occupancy import Occupancy
from drift.sim.prediction.expected import Expected, expect
from drift.sim.prediction.onset import enough, onsets, transport_in_range
from drift.sim.prediction.stalling import stall_steps
from drift.sim.prediction.supported import check_supported
from drift.sim.prediction.transport import Transport
from drift.sim.results.frames import pandas_for
from drift.sim.results.page import ShownAsTable
from drift.sim.spec.drift import Drift

_SHOWN = ("distinct", "distinct_error", "black_holes", "largest", "expected_pairs", "pairs_error")
"""The expectations that a table in a notebook shows."""


@dataclass(frozen=True, kw_only=True)
class Record(Occupancy):
    """Expectations after `step`, over clouds drawn anew."""

    step: int
    """after so many steps"""
    alive: int
    """tokens that are present then"""
    expected_pairs: float
    """coalesced pairs among them"""
    pairs_error: float
    """the standard deviation of their number"""
    pair_probability: float
    """the chance that two given tokens share a cell; 0 where a float can't hold it"""
    log_pair_probability: float
    """its natural logarithm"""
    radius: float | None
    """the component along u of the tokens' mean, in the units of sigma; None where the motion leads
    nowhere, and there is no u"""
    stalled: float
    """the share of coordinates that the last step left where they were: sim.counting.cells"""
    spectrum: list[tuple[int, int, float]] = field(repr=False)
    """[k_first, k_last, cells]: the expected cells of k_first ... k_last tokens, from 1 to all"""


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """Expectations after the last step, where the cloud is drawn from N(0, `sigma`)."""

    sigma: float
    """the standard deviation of the drawn cloud"""
    records: list[Record] = field(repr=False)
    """the expectations after each of the steps that were asked for"""


@dataclass(frozen=True, kw_only=True, repr=False)
class Predicted(Point, ShownAsTable):
    """Expectations of a drift after its last step, whose own sigma is `sigma`."""

    onset_sigma: float | None
    """where one coalesced pair is expected; None where there is no such sigma"""
    stall_steps: list[int | None]
    """by dimension, the first step that leaves the image of 0 where it was; None for none"""
    curve: list[Point]
    """one for each sigma that was asked for"""

    __repr__ = ShownAsTable.__repr__

    def title(self) -> str:
        """Return the counts that are expected after the last step."""
        return (
            f"σ = {self.sigma:g}: {self.distinct:.4g} ± {self.distinct_error:.2g} distinct cells,"
            f" {self.expected_pairs:.4g} ± {self.pairs_error:.2g} pairs, largest {self.largest:,}"
        )

    def head(self) -> tuple[str, ...]:
        """Return the columns: of the records, or of the curve over sigma."""
        return ("step" if self._rows() is self.records else "sigma", *_SHOWN)

    def body(self) -> list[tuple[Any, ...]]:
        """Return a row for each record, or for each sigma."""
        rows, name = self._rows(), self.head()[0]
        return [tuple(getattr(each, known) for known in (name, *_SHOWN)) for each in rows]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the expected distinct cells over the records, or over sigma."""
        rows = self._rows()
        return {"expected distinct cells": [each.distinct for each in rows]} if rows[1:] else {}

    def _rows(self) -> Sequence[Record]:
        return self.records if self.records and len(self.curve) == 1 else self.curve

    def to_pandas(self) -> Any:
        """Return the records, or without them the curve, as a DataFrame.

        Raises BadInput where pandas is not installed.
        """
        rows = [
            {
                "sigma": point.sigma,
                **{each.name: getattr(row, each.name) for each in fields(Record)},
            }
            for point in self.curve
            for row in point.records or [point]
        ]
        return pandas_for("to_pandas").DataFrame(rows)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; without `records` where none were asked for."""
        found = asdict(self)
        for each in (found, *found["curve"]):
            for record in (each, *each["records"]):
                record["spectrum"] = [list(entry) for entry in record["spectrum"]]
            if not each["records"]:
                del each["records"]
        return found


def predict(drift: Drift, sigmas: Sequence[float] = (), steps: Sequence[int] = ()) -> Predicted:
    """Return what is to be expected of `drift` after its last step, without simulating it.

    The `curve` is that of `sigmas`, or of the drift's own one where none are given, and its
    `records` are those after `steps`; one transport serves all, so many cost little more than
    one. sim/prediction/derivation.md derives the formulas. Raises BadInput where no exact form is
    implemented (stochastic rounding, jitter, float32, a checkpoint's rows), for a sigma of which
    a drift would more likely than not leave the format's range, and for a step that it has not.
    """
    check_supported(drift)
    assert drift.sigma is not None, "drifts of a checkpoint's rows have no exact form"
    asked = [replace(drift, sigma=sigma).sigma or 0.0 for sigma in sigmas] or [drift.sigma]
    recorded, last = _steps(drift, steps), drift.steps
    every, at = sorted({drift.sigma, *asked}), sorted({*recorded, last})
    transport = _transport(drift, every[-1])
    points = {}
    for sigma, row in zip(every, expect(drift, at, every, True, transport), strict=True):
        records = {step: record_of(found) for step, found in zip(at, row, strict=True)}
        point = {each.name: getattr(records[last], each.name) for each in fields(Record)}
        points[sigma] = Point(**point, sigma=sigma, records=[records[step] for step in recorded])
    mine = points[drift.sigma]
    return Predicted(
        **{each.name: getattr(mine, each.name) for each in fields(Point)},
        onset_sigma=onsets(drift, [last], transport)[0],
        stall_steps=stall_steps(drift),
        curve=[points[sigma] for sigma in asked],
    )


def _transport(drift: Drift, sigma: float) -> Transport:
    """Return a transport that serves `sigma`, and likely the onset too."""
    narrow = Transport(replace(drift, sigma=sigma))  # refused before anything large is made
    wanted = enough(drift, [drift.steps])
    wider = transport_in_range(drift, sigma, wanted) if wanted > sigma else None
    return wider or narrow


def _steps(drift: Drift, steps: Sequence[int]) -> tuple[int, ...]:
    """Return the steps that are asked for, as the drift has them."""
    if not len(steps):
        return ()
    found = replace(drift, at=tuple(steps)).at
    assert found is not None, "steps were given"
    return found


def record_of(found: Expected) -> Record:
    """Return the record of an expectation."""
    known = asdict(found)
    known["radius"] = None if math.isnan(found.radius) else found.radius
    return Record(
        **{each.name: known[each.name] for each in fields(Record) if each.name in known},
        expected_pairs=found.pairs,
        pair_probability=math.exp(found.log_pair_probability),
    )
