"""The points of a predicted grid on the screen, or as JSON; over directions where it is asked."""

import json
from dataclasses import asdict
from typing import Any

from drift.experiments.console.terminal import remark
from drift.sim.errors import BadInput
from drift.sim.predicted.directions import over_directions
from drift.sim.predicted.points import PointRecords, axis_values, listed, predicted_points
from drift.sim.prediction.expected import Expected
from drift.sim.prediction.predict import record_of
from drift.sim.sweeps.grid import Grid

_MOST = 1000
"""Points that are listed."""
_SEED = "direction_seed"


def show_points(grid: Grid, averaged: bool, with_records: bool, as_json: bool) -> int:
    """Predict and print the points; return how many failed.

    Directions are `averaged`, or points of their own; `with_records` all records are shown.
    Raises BadInput for more points than are listed.
    """
    seeds = next((len(axis.values) for axis in grid.axes if axis.name == _SEED), 1)
    shown = len(grid) // (seeds if averaged else 1)
    if shown > _MOST:
        raise BadInput(
            f"the grid has {shown:,} points; at most {_MOST:,} are listed; --out STORE keeps more"
        )
    # Of many directions nobody reads each spectrum.
    found = listed(grid, predicted_points(grid, spectra=as_json and not averaged))
    failed = sum(bool(each.reason) for each in found)
    for reason in dict.fromkeys(each.reason for each in found if each.reason):
        remark(f"not predicted: {reason}")
    points = _averaged(grid, found) if averaged else _each(grid, found, with_records)
    if as_json:
        said: dict[str, Any] = {"cells": len(grid), "failed": failed}
        said |= {"direction_seeds": seeds} if averaged else {}
        print(json.dumps({**said, "points": points}))
    else:
        from drift.experiments.tables.predict import show_grid

        axes = ["sigma", *(each.name for each in grid.axes if each.name != "sigma")]
        axes = [name for name in axes if not (averaged and name == _SEED)]
        show_grid(axes, points, seeds if averaged else 0, with_records)
    return failed


def _each(grid: Grid, found: list[PointRecords], with_records: bool) -> list[dict[str, Any]]:
    points = []
    for values, each in zip(axis_values(grid), found, strict=True):
        known: dict[str, Any] = {**_of_sigma(grid), **values}
        if each.records:
            known |= _plain(each.records[-1])
        if each.records and with_records:
            known["records"] = [_plain(record) for record in each.records]
        points.append(known | ({"reason": each.reason} if each.reason else {}))
    return points


def _averaged(grid: Grid, found: list[PointRecords]) -> list[dict[str, Any]]:
    """Return a point for all directions of the same other values."""
    together: dict[tuple[Any, ...], list[tuple[int, Expected]]] = {}
    for values, each in zip(axis_values(grid), found, strict=True):
        seed = values.pop(_SEED, 0)
        those = together.setdefault(tuple(values.items()), [])
        if each.records:
            those.append((seed, each.records[-1]))
    points = []
    for place, directions in together.items():
        point: dict[str, Any] = {**_of_sigma(grid), **dict(place)}
        if directions:
            spread = over_directions([each for _, each in directions])
            spread["expected_pairs"] = spread.pop("pairs")
            point |= {name: each["mean"] for name, each in spread.items()}
            point["over_directions"] = spread
        kept = [{_SEED: seed, **_plain(each)} for seed, each in directions]
        for own in kept:
            del own["spectrum"]
        points.append({**point, "directions": kept})
    return points


def _of_sigma(grid: Grid) -> dict[str, Any]:
    """Return the sigma of all points, where it is one."""
    return {"sigma": grid.base["sigma"]} if "sigma" in grid.base else {}


def _plain(found: Expected) -> dict[str, Any]:
    record = asdict(record_of(found))
    record["spectrum"] = [list(entry) for entry in record["spectrum"]]
    return record
