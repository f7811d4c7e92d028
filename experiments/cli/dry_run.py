"""`drift sweep --dry-run`: what a sweep would take, and what that is known from."""

import json
from typing import TYPE_CHECKING, Any

from drift.experiments.cli.execution import ExecutionOptions
from drift.experiments.cli.sources import say_facts
from drift.experiments.console.terminal import say
from drift.experiments.console.values import format_bytes, format_duration
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.sweeps.estimate import Estimate, Probe
    from drift.sim.sweeps.grid import Grid


def dry(
    grid: "Grid",
    execution: ExecutionOptions,
    out: StoreLocation,
    overwrite: bool,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """Print the grid points, memory, disk and time of a sweep; write nothing."""
    from drift.sim.devices.device import configure
    from drift.sim.sweeps.estimate import estimate
    from drift.sim.sweeps.plan import plan
    from drift.sim.sweeps.point_order import to_count

    configure(execution.device, execution.devices)
    made = plan(grid, execution.device, execution.engine, execution.devices, execution.memory)
    done, failed = made.standing(out, overwrite)
    left = to_count(done, failed, retry_failed)
    found = estimate(grid, made.kinds, left, made.shards, execution.engine)
    told: dict[str, Any] = {
        "store": str(out),
        "cells": len(grid),
        "done": int(done.sum()),
        "failed": len(failed),
        "to_count": len(left),
        "axes": {axis.name: len(axis.values) for axis in grid.axes},
        "memory": made.memory,
        "disk": made.disk,
        "seconds": found.seconds,
        "probes": [_probe(each) for each in found.probes],
    }
    if len(grid):
        say_facts(grid.drift(0))
    if as_json:
        print(json.dumps(told))
    else:
        for line in _lines(grid, told, found):
            say(line)


def _probe(probe: "Probe") -> dict[str, Any]:
    drift, meant = probe.counted, probe.meant
    return {
        "cells": probe.points,
        "tokens": drift.tokens,
        "dims": drift.dims,
        "steps": drift.steps,
        "of_steps": meant.steps,
        "records": drift.records,
        "seconds": probe.seconds,
        "compile": probe.compiling,
        "failed": probe.failed or None,
    }


def _lines(grid: "Grid", told: dict[str, Any], found: "Estimate") -> list[str]:
    counted = told["cells"] - told["to_count"]
    lines = [f"{told['cells']:,} grid points, {grid.records + 1:,} records each"]
    lines += [_axis(axis.name, axis.meanings) for axis in grid.axes]
    if counted:
        lines.append(f"of them {told['done']:,} are done and {told['failed']:,} failed before")
    lines += [
        f"memory  about {format_bytes(told['memory'])}",
        f"disk    at most {format_bytes(told['disk'])}, before compression: {told['store']}",
    ]
    if found.seconds is None:
        lines.append("time    not known: no probe could be counted")
    else:
        lines.append(f"time    about {format_duration(found.seconds)}, by a probe on this machine:")
    return lines + [f"        {_said(each)}" for each in found.probes]


def _axis(name: str, words: list[str]) -> str:
    if len(words) > 6:
        words = [*words[:3], "…", *words[-1:]]
    return f"  {name}: {', '.join(words)}"


def _said(probe: "Probe") -> str:
    drift, meant = probe.counted, probe.meant
    points = "1 grid point" if probe.points == 1 else f"{probe.points:,} grid points"
    steps = f"{drift.steps:,}"
    if drift.steps < meant.steps:
        steps += f" of {meant.steps:,}"
    what = f"{points} of {drift.tokens:,} × {drift.dims:,}, {steps} steps"
    if probe.failed:
        return f"{what}: {probe.failed}"
    return f"{what}: {probe.seconds:.3g} s, and {probe.compiling:.2g} s compiling"
