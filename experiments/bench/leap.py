"""The leap engine at growing numbers of steps, beside stepping until nothing moves.

With a constant displacement every coordinate stalls within some hundred steps,
and then no number of further ones moves it. The step engine notices, and stops:
that, and not a million naive steps, is the honest rival of a leap.

Timed is everything from the drift to its counts: drawn, moved, counted. In the
last case it is a whole process of `drift run`, from its start to its exit.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import SIGMA, Setting, difference, sample
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.engines import reference
from drift.sim.engines.choose import Engine
from drift.sim.engines.simulation import State
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

OURS, STEPPING, WHOLE = "leap engine", "stepping until nothing moves", "drift run, start to exit"
UNIT = "ns per coordinate"
_RUN = """
import atexit, pathlib, resource, sys
from drift.experiments.cli.main import main

@atexit.register
def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # what wait4 tells there counts the process that started this one
        line = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        print(int(line.split()[1]) * 1024)
    else:
        unit = 1 if sys.platform == "darwin" else 1024
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)

main()
"""


def cases(setting: Setting) -> Iterator[Case]:
    """One for each number of steps, with the rival at the most."""
    tokens, dims = setting.size("leap")
    all_steps = setting.steps("leap")
    for steps in all_steps:
        drift = Drift(sigma=SIGMA, tokens=tokens, dims=dims, steps=steps, snapshots="none")
        facts = {"tokens": tokens, "dims": dims, "steps": steps}
        case = Case("leap", f"{steps:,} steps", UNIT, facts)
        expected = _expected(drift)
        case.contenders.append(_contender(setting, OURS, drift, "leap", expected))
        if steps == all_steps[-1]:
            case.contenders.append(_contender(setting, STEPPING, drift, "step", expected))
        yield case
    if not setting.quick:
        case = Case("leap", f"{steps:,} steps, a process of its own", UNIT, facts)
        case.contenders.append(_process(setting, drift))
        yield case


def _contender(
    setting: Setting, name: str, drift: Drift, engine: Engine, expected: np.ndarray
) -> Contender:
    def run() -> State:
        return next(setting.simulation(drift, engine).states([drift.steps]))

    def wrong(state: State) -> str | None:
        tokens = sample(drift.tokens)
        found = np.concatenate([state.rows.span(token, token + 1) for token in tokens])
        return difference(found, expected, tokens, drift.steps)

    work = drift.tokens * drift.dims
    return Contender(name, run, wrong, work=work, steps=drift.steps, notes=_counted)


def _counted(state: State) -> dict[str, Any]:
    return {"distinct": state.counts.distinct, "radius": state.counts.radius}


def _expected(drift: Drift) -> np.ndarray:
    """The sampled tokens at the end, by the reference; the displacement is constant."""
    codes = np.concatenate([draw_cloud(drift, token, token + 1) for token in sample(drift.tokens)])
    c = displacements(drift, direction(drift.direction, drift.dims), 1, 1)[0]
    for _ in range(drift.steps):
        moved = reference.step(codes, c, BFLOAT16, "nearest")
        if np.array_equal(moved, codes):
            break
        codes = moved
    return codes


def _process(setting: Setting, drift: Drift) -> Contender:
    arguments = ["--engine", "leap", "--sigma", f"{drift.sigma}", "--steps", f"{drift.steps}"]
    arguments += ["--tokens", f"{drift.tokens}", "--dims", f"{drift.dims}", "--records", "1"]
    arguments += ["--snapshots", "none", "--device", "cpu", "--overwrite", "--json"]
    arguments += ["--out", str(setting.scratch / "whole.zarr")]
    run = partial(process, arguments)
    return Contender(WHOLE, run, work=drift.tokens * drift.dims, steps=drift.steps, notes=_peak)


def process(arguments: list[str]) -> dict[str, Any]:
    """Run `drift run` in a process of its own: its JSON, its peak memory in bytes.

    Raises RuntimeError where that fails.
    """
    command = [sys.executable, "-c", _RUN, "run", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"drift run exited with status {done.returncode}")
    document, peak = done.stdout.splitlines()
    return {"result": json.loads(document), "peak_bytes": int(peak)}


def _peak(done: dict[str, Any]) -> dict[str, Any]:
    final = done["result"]["final"]
    return {"peak_bytes": done["peak_bytes"], "distinct": final["distinct"]}
