"""The command beside the script that does the same job, as whole processes from prompt to prompt.

whole job  a cloud drawn, moved by all steps, counted at every record; the counts written
script     what one would write in a notebook (experiments.bench.script): PyTorch where it is
           installed, else NumPy. It draws a cloud of its own; its loop, fed with the cloud of
           the command, must count what the command counts, at every record
warm, cold  the command after it has been used before, and with an empty cache
parts      where the time of a process goes. What it does not tell itself is `start`, the start of
           Python and all imports among it
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from drift.experiments.bench import rivals, script, sweeping
from drift.experiments.bench.rivals import Missing
from drift.experiments.bench.runner import Case, Contender, Done, process
from drift.experiments.bench.setting import Setting
from drift.sim.spec.drift import Drift

OURS, COLD = "drift run", "drift run, empty cache"
TORCH, NUMPY = "PyTorch script", "NumPy script"
STEPS, RECORDS = 100, 50
NARROW = 1e-9
"""The sigma of clouds that nearly all settle, which are also recorded once and at every step."""
SMALL = (400, 256)
"""A cloud so small that nearly all of its time goes into the start."""
PARTS = ("start", "draw", "move", "count", "write")
_SIGMAS, _QUICK_SIGMAS = (NARROW, 1e-7, 1e-6, 0.02), (NARROW, 0.02)

Loop = Callable[[sweeping.LoopInput], list[int]]


class Script(NamedTuple):
    """The script on this machine."""

    name: str
    """name in tables"""
    kind: str
    """one of script.KINDS"""
    on: str
    """the device of its tensors"""
    loop: Loop
    """its loop, for a given cloud"""


def cases(setting: Setting) -> Iterator[Case]:
    """Yield a case for each sigma, for other numbers of records, and for a small cloud."""
    tokens, dims = setting.size("whole-job")
    make = lambda sigma, records: Drift(  # noqa: E731
        sigma=sigma, tokens=tokens, dims=dims, steps=STEPS, records=records
    )
    for sigma in _QUICK_SIGMAS if setting.quick else _SIGMAS:
        cold = (COLD,) if sigma == NARROW or not setting.quick else ()
        yield _case(setting, make(sigma, RECORDS), (OURS, *cold))
    for records in (1,) if setting.quick else (1, STEPS):
        yield _case(setting, make(NARROW, records))
    if not setting.quick and setting.tokens is setting.dims is None:
        small = Drift(sigma=NARROW, tokens=SMALL[0], dims=SMALL[1], steps=STEPS, records=RECORDS)
        yield _case(setting, small)


def _case(setting: Setting, drift: Drift, ours: tuple[str, ...] = (OURS,)) -> Case:
    rival, absent = _script(setting)
    facts = {name: getattr(drift, name) for name in ("tokens", "dims", "steps", "sigma", "records")}
    shape = f"{drift.tokens} × {drift.dims}, " if (drift.tokens, drift.dims) == SMALL else ""
    name = f"{shape}σ = {drift.sigma:g}, {drift.records} record{'s' * (drift.records > 1)}"
    case = Case("whole-job", name, "ns per coordinate", facts, absent=absent)
    expected = _Expected(drift, rival.loop)
    case.contenders += [_ours(setting, each, drift, expected) for each in ours]
    case.contenders.append(_theirs(setting, rival, drift))
    return case


def _script(setting: Setting) -> tuple[Script, dict[str, str]]:
    """Return the script, and who is absent, with the reason."""
    try:
        _, on = rivals.torch(setting.device.platform, setting.threads)
    except Missing as why:
        return Script(NUMPY, "numpy", "cpu", sweeping.numpy_loop), {TORCH: str(why)}
    return Script(TORCH, "torch", str(on), sweeping.torch_loop(setting)), {}


class _Expected:
    """The distinct cells of `drift` at its records, as `loop` counts them, once."""

    def __init__(self, drift: Drift, loop: Loop):
        self._drift, self._loop = drift, loop
        self._counts: list[int] = []

    def wrong(self, done: Done) -> str | None:
        self._counts = self._counts or self._loop(sweeping.loop_input(self._drift))
        found = [counts["distinct"] for counts in done.found["records"]]
        return None if found == self._counts else f"it counts {found}, the loop {self._counts}"


def _ours(setting: Setting, name: str, drift: Drift, expected: _Expected) -> Contender:
    out, cache = setting.scratch / "whole-job.zarr", setting.scratch / name.replace(" ", "-")
    command = [sys.executable, "-m", "drift", "run", "--json", "--out", str(out)]
    command += ["--sigma", f"{drift.sigma}", "--steps", f"{drift.steps}"]
    command += ["--tokens", f"{drift.tokens}", "--dims", f"{drift.dims}"]
    command += ["--records", f"{drift.records}", "--device", setting.device.platform]

    def ready() -> None:
        for each in (out, cache) if name == COLD else (out,):
            shutil.rmtree(each, ignore_errors=True)

    def run() -> Done:
        seconds, printed = process(command, setting, DRIFT_CACHE=str(cache))
        return Done(seconds, json.loads(printed))

    work = drift.tokens * drift.dims
    return Contender(name, run, expected.wrong, ready, work, drift.steps, parts=_parts, notes=_told)


def _parts(done: Done) -> dict[str, float]:
    """Return the seconds of each part of `drift run`, which are those of the whole process."""
    told = {name: done.found["seconds"][name] for name in PARTS[1:]}
    return {"start": done.seconds - sum(told.values()), **told}


def _told(done: Done) -> dict[str, Any]:
    return {"distinct": done.found["final"]["distinct"], "engine": done.found["engine_reason"]}


def _theirs(setting: Setting, rival: Script, drift: Drift) -> Contender:
    out = setting.scratch / "script.json"
    command = [sys.executable, "-P", script.__file__, rival.kind, str(drift.tokens)]
    command += [str(drift.dims), f"{drift.sigma}", f"{drift.radius}", str(drift.steps)]
    command += [str(drift.records), rival.on, str(out)]

    def run() -> Done:
        seconds, _ = process(command, setting)
        return Done(seconds, json.loads(out.read_text()))

    def wrong(done: Done) -> str | None:
        steps, distinct = (done.found[name] for name in ("step", "distinct"))
        if steps != list(drift.record_steps):
            return f"it counts at the steps {steps}"
        if distinct[0] != drift.tokens or distinct != sorted(distinct, reverse=True):
            return f"it counts {distinct}, of {drift.tokens} tokens that can only meet"
        return None

    work = drift.tokens * drift.dims
    ready = lambda: out.unlink(missing_ok=True)  # noqa: E731
    return Contender(rival.name, run, wrong, ready, work, drift.steps, parts=_imported)


def _imported(done: Done) -> dict[str, float]:
    return {"import": done.found["import"]}
