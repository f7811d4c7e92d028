"""Sweeps of a thousand small drifts beside loops over grid points in NumPy and PyTorch.

grid point  a small drift, counted at a few records
sweep       `drift sweep` as a whole process, from its start to its store
loop        the usual script: each grid point is moved step by step and counted at its records,
            from given clouds and displacements. It does some grid points, and neither its start
            nor its draws are timed; the sweep does all
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from drift.experiments.bench import rivals, script
from drift.experiments.bench.runner import Case, Contender, Done, process
from drift.experiments.bench.setting import Setting
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

OURS, NUMPY, TORCH = "drift sweep", "NumPy loop", "PyTorch loop"
STEPS, COUNTS = 100, 20
_SAMPLE = 20
"""Grid points that the loops do, spread over the grid."""


def grids(share: int = 1) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return the axes of each grid by its name; a `share` of them all in a quick bench."""

    def sigmas(count: int) -> tuple[float, ...]:
        return tuple(np.geomspace(1e-10, 1e-6, count).tolist())

    radii = tuple(np.linspace(0.05, 0.5, 10).tolist())
    steps = tuple(range(STEPS // 2, STEPS // 2 + 100, 10))
    ten, forty = (tuple(range(count // share)) for count in (10, 40))
    return {
        "σ × R × seeds": {"sigma": sigmas(10), "radius": radii, "seed": ten},
        "σ × X × seeds": {"sigma": sigmas(10), "steps": steps, "seed": ten},
        "σ × seeds": {"sigma": sigmas(25), "seed": forty},
    }


@dataclass(frozen=True)
class LoopInput:
    """The input of a loop for one grid point."""

    codes: np.ndarray
    """bfloat16 codes at step 0, uint16 (tokens, dims)"""
    displacements: np.ndarray
    """displacements, float32 (steps, dims)"""
    records: tuple[int, ...]
    """steps after which distinct cells are counted"""


def cases(setting: Setting) -> Iterator[Case]:
    """Yield a case for each grid."""
    for name, axes in grids(10 if setting.quick else 1).items():
        yield _case(setting, name, axes)


def _case(setting: Setting, name: str, axes: dict[str, tuple[float, ...]]) -> Case:
    tokens, dims = setting.size("sweep")
    fixed = {"tokens": tokens, "dims": dims, "records": COUNTS, "steps": STEPS}
    options = {**{field: (value,) for field, value in fixed.items()}, **axes}
    grid = Grid.given(options)
    facts = {"tokens": tokens, "dims": dims, "cells": len(grid), "steps": STEPS}
    text = f"{name}: {len(grid):,} grid points, {COUNTS} counts"
    case = Case("sweep", text, "ns per grid point", facts)
    found: dict[int, list[int]] = {}
    case.contenders.append(_ours(setting, grid, options, found))
    sample = range(0, len(grid), max(1, len(grid) // _SAMPLE))
    cells = {k: loop_input(grid.drift(k)) for k in sample}
    case.contenders.append(_loop(NUMPY, numpy_loop, cells, found))
    case.enter(TORCH, partial(_torch, setting, cells, found))
    return case


def _ours(
    setting: Setting, grid: Grid, options: dict[str, tuple[float, ...]], found: dict[int, list[int]]
) -> Contender:
    out, cache = setting.scratch / "sweep.zarr", setting.scratch / "sweep-cache"
    command = [sys.executable, "-m", "drift", "sweep", "--json", "--out", str(out)]
    command += ["--device", setting.device.platform]
    for name, values in options.items():
        command += [f"--{name}", ",".join(str(value) for value in values)]

    def run() -> Done:
        seconds, printed = process(command, setting, DRIFT_CACHE=str(cache))
        return Done(seconds, json.loads(printed))

    def wrong(done: Done) -> str | None:
        if done.found["done"] != len(grid):
            return f"{done.found['done']:,} of {len(grid):,} grid points are done"
        distinct = SweepStore(out).read("distinct").reshape(len(grid), -1)
        found.update(enumerate(distinct.tolist()))
        return None

    def notes(done: Done) -> dict[str, Any]:
        return {"computing": done.found["seconds"]["compute"] / done.seconds}

    ready = lambda: shutil.rmtree(out, ignore_errors=True)  # noqa: E731
    return Contender(OURS, run, wrong, ready, work=len(grid), notes=notes)


def loop_input(drift: Drift) -> LoopInput:
    """Return the cloud, the displacements and the records of `drift`, for a loop."""
    u = direction(drift.direction, drift.dims, drift.direction_seed)
    steps = displacements(drift, u, 1, drift.steps)
    return LoopInput(draw_cloud(drift, 0, drift.tokens), steps, drift.record_steps)


def _loop(
    name: str,
    loop: Callable[[LoopInput], list[int]],
    cells: dict[int, LoopInput],
    found: dict[int, list[int]],
) -> Contender:
    def wrong(counts: list[list[int]]) -> str | None:
        for (k, _), mine in zip(cells.items(), counts, strict=True):
            if found and mine != found[k]:
                return f"it counts {mine} at grid point {k}, the sweep {found[k]}"
        return None

    run = lambda: [loop(cell) for cell in cells.values()]  # noqa: E731
    return Contender(name, run, wrong, work=len(cells))


def numpy_loop(cell: LoopInput) -> list[int]:
    """Return the distinct rows of a grid point at each record, by NumPy."""
    return script.numpy_loop(cell.codes, cell.displacements, cell.records)


def torch_loop(setting: Setting) -> Callable[[LoopInput], list[int]]:
    """Return the loop in PyTorch; raises Missing where there is none."""
    torch, _ = rivals.torch("cpu", setting.threads)

    def loop(cell: LoopInput) -> list[int]:
        x = torch.from_numpy(cell.codes.view(np.int16)).view(torch.bfloat16)
        return script.torch_loop(x, torch.from_numpy(cell.displacements), cell.records)

    return loop


def _torch(setting: Setting, cells: dict[int, LoopInput], found: dict[int, list[int]]) -> Contender:
    return _loop(TORCH, torch_loop(setting), cells, found)
