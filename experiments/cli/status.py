"""`drift status`: how far a sweep is, from any shell."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, store
from drift.experiments.console.terminal import say
from drift.experiments.console.values import format_duration
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.sweeps.store import SweepStore

EXAMPLE = "drift status grid.zarr"

_MOST = 1000
"""Failed grid points in the JSON."""


def command(
    sweep: Annotated[
        StoreLocation, typer.Argument(parser=store, metavar="STORE", help="The store of a sweep.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show how many grid points of a sweep are done, failed and left, and the time left.

    The time is estimated from the rate of the session that wrote last.
    """
    from drift.sim.sweeps.store import SweepStore

    found = SweepStore(sweep)
    status = gather(found)
    if as_json:
        print(json.dumps(status))
        return
    say(f"{found.grid}: {status['cells']:,} grid points")
    print(f"{status['done']:,} done, {status['failed']:,} failed, {status['left']:,} left")
    print(_state(status))
    for line in found.failures():
        say(line)


def gather(found: "SweepStore") -> dict[str, Any]:
    """Return the values to show."""
    import numpy as np

    from drift.sim.stores import lock
    from drift.sim.sweeps.point_order import PointGroups, to_count
    from drift.sim.sweeps.progress import seconds_left

    grid, done, failed, attrs = found.grid, found.done, found.failed, found.attrs
    left = to_count(done, list(failed), retry_failed=False)
    session = attrs.get("session", {"work": 0.0, "seconds": {"total": 0.0}})
    work = PointGroups(grid, attrs["device"]["platform"], attrs["engine"]).cost(left)
    return {
        "store": str(found.address),
        "cells": len(grid),
        "done": int(np.count_nonzero(done)),
        "failed": len(failed),
        "left": len(left),
        "running": lock.is_held(found.address),
        "complete": found.complete,
        "seconds_left": seconds_left(work, session["work"], session["seconds"]["total"]),
        "seconds": attrs.get("seconds"),
        "failures": [
            {"cell": point, "values": grid.values(point), "reason": reason}
            for point, reason in list(failed.items())[:_MOST]
        ],
    }


def _state(status: dict[str, Any]) -> str:
    if status["complete"]:
        return "complete"
    if not status["left"]:
        return "all other grid points have failed; drift sweep --retry-failed tries them again"
    left = status["seconds_left"]
    time = "time left not known yet" if left is None else f"about {format_duration(left)} left"
    return f"running, {time}" if status["running"] else f"not running; {time}"
