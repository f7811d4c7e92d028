"""A sweep of a thousand small drifts beside loops over grid points in NumPy and PyTorch.

grid point  a small drift, counted at a few records
loop        the usual script: each grid point is moved step by step and counted at its records,
            from given clouds and displacements. It does some grid points; the sweep does all,
            and it also draws clouds and writes its store
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from drift.experiments.bench import rivals, script
from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import Setting
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.devices import compilation
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements
from drift.sim.sweeps.grid import Axis, Grid
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep

OURS, NUMPY, TORCH = "drift sweep", "NumPy loop", "PyTorch loop"
STEPS, COUNTS = 100, 20
_SIGMAS, _SEEDS = 25, 40
_SAMPLE = 20
"""Grid points that the loops do, spread over the grid."""


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
    """The one case."""
    tokens, dims = setting.size("sweep")
    share = 4 if setting.quick else 1
    sigmas = np.geomspace(1e-10, 1e-6, _SIGMAS).tolist()
    base = Drift(sigma=1.0, tokens=tokens, dims=dims, steps=STEPS, records=COUNTS).as_json()
    for name in ("sigma", "seed", "at", "snapshots"):
        del base[name]
    seeds = Axis("seed", tuple(range(_SEEDS // share)))
    grid = Grid(base, (Axis("sigma", tuple(sigmas)), seeds))
    facts = {"tokens": tokens, "dims": dims, "cells": len(grid), "steps": STEPS}
    case = Case("sweep", f"{len(grid):,} grid points, {COUNTS} counts", "ns per grid point", facts)
    found: dict[int, list[int]] = {}
    case.contenders.append(_ours(setting, grid, found))
    cells = {k: loop_input(grid.drift(k)) for k in range(0, len(grid), len(grid) // _SAMPLE)}
    case.contenders.append(_loop(NUMPY, numpy_loop, cells, found))
    case.enter(TORCH, partial(_torch, setting, cells, found))
    return iter([case])


def _ours(setting: Setting, grid: Grid, found: dict[int, list[int]]) -> Contender:
    out = setting.scratch / "sweep.zarr"
    compiled = [0]

    def ready() -> None:
        shutil.rmtree(out, ignore_errors=True)
        compiled[0] = compilation.compiled() + compilation.fetched()

    def wrong(result: dict[str, Any]) -> str | None:
        if result["done"] != len(grid):
            return f"{result['done']:,} of {len(grid):,} grid points are done"
        distinct = SweepStore(out).read("distinct").reshape(len(grid), -1)
        found.update(enumerate(distinct.tolist()))
        return None

    def notes(result: dict[str, Any]) -> dict[str, Any]:
        programs = compilation.compiled() + compilation.fetched() - compiled[0]
        seconds = result["seconds"]
        return {"computing": seconds["compute"] / seconds["total"], "programs": programs}

    run = partial(sweep, grid, out, on=setting.device.platform)
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
