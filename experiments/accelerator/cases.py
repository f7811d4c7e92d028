"""A short bench of an accelerator: steps beside a copy of the cloud, and records beside none.

record   the cloud counted, with what of its steps comes before it. What a record costs is what the
         same drift takes longer with many of them than with one, over their number
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import (
    DIARY,
    VOCABULARY,
    Setting,
    Start,
    difference,
    reference_steps,
    sample,
)
from drift.experiments.bench.stepping import COPY, FUSED, PLAIN, UNIT, at_once, copy
from drift.kernels.stepping.fused import fused_path
from drift.sim.engines.simulation import Simulation, State
from drift.sim.spec.drift import Drift

STEPS, RECORDS = 100, 50
SIGMAS = (1e-9, 1e-7, 0.02)
"""Clouds of which most dimensions settle at once, some do, and none do."""
MANY, ONE = f"{RECORDS} records", "1 record"


def cases(
    setting: Setting, small: tuple[int, int] = DIARY, large: tuple[int, int] = VOCABULARY
) -> Iterator[Case]:
    """Give the cases: steps of a cloud, and records of a small and a large one."""
    yield _steps(setting)
    for sigma in SIGMAS:
        yield _records(setting, sigma, small)
    for sigma in (SIGMAS[0], SIGMAS[-1]):
        yield _records(setting, sigma, large)


def _steps(setting: Setting) -> Case:
    start = Start.of(setting, STEPS)
    tokens, dims = start.codes.shape
    facts = {"tokens": tokens, "dims": dims, "steps": STEPS}
    case = Case("step", f"{STEPS} steps", UNIT, facts)
    if fused := fused_path(setting.device.platform):
        case.contenders.append(at_once(setting, start, FUSED, fused))
    case.contenders += [at_once(setting, start, PLAIN, "memory"), copy(setting, start, COPY)]
    return case


def _records(setting: Setting, sigma: float, size: tuple[int, int]) -> Case:
    tokens, dims = size
    drift = Drift(sigma=sigma, tokens=tokens, dims=dims, steps=STEPS, records=RECORDS)
    facts = {"tokens": tokens, "dims": dims, "steps": STEPS, "sigma": sigma}
    case = Case("record", f"σ = {sigma:g}", "ns per run", facts)
    for name, steps in ((MANY, drift.record_steps), (ONE, (STEPS,))):
        case.contenders.append(_run(setting, drift, name, steps))
    return case


def _run(setting: Setting, drift: Drift, name: str, steps: tuple[int, ...]) -> Contender:
    made: list[Simulation] = []
    some = sample(drift.tokens)

    def ready() -> None:
        made[:] = []  # its cloud leaves the device before the next one comes
        made.append(setting.simulation(drift, "step"))

    def run() -> State:
        state = None
        for found in made[0].states_and_pauses(steps):
            state = found if isinstance(found, State) else None
        assert state is not None, "the last step is counted"
        return state

    def wrong(state: State) -> str | None:
        codes = np.concatenate([made[0].initial.codes(k, k + 1) for k in some])
        moved = reference_steps(codes, made[0].motion.displacements(1, STEPS))
        found = np.concatenate([state.rows.span(k, k + 1) for k in some])
        return difference(found, moved, some, STEPS)

    return Contender(name, run, wrong, ready=ready, steps=STEPS, notes=partial(_notes, made))


def _notes(made: list[Simulation], state: State) -> dict[str, object]:
    """Return what a run says beside its time: the way of its kernels, and cells at its end."""
    path = getattr(made[0].engine, "path", "")
    return {"path": path, "distinct": state.counts.distinct}


def record_seconds(result: dict) -> float:
    """Return the seconds of a record, by the result of a case of records."""
    median = {row["name"]: row["median"] for row in result["contenders"]}
    return (median[MANY] - median[ONE]) / (RECORDS - 1)
