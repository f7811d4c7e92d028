"""Ratios of what was measured, beside what the project holds itself to.

A ratio is taken between medians of one case of one run, or between costs per unit
of work where a rival took fewer steps. Absolute figures are judged only where
there is a target for the machine at hand.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from drift.experiments.bench import counting, leap, neighbours, stepping, sweeping, whole_job
from drift.experiments.bench.setting import DIARY, VOCABULARY

Result = dict[str, Any]

_LEAST_COORDINATES = 20_000 * 2_560
"""Smaller clouds are no measure of a step: starting it costs as much."""
_FUSED_RATE = 4e12
"""Element-steps a second, of an H200."""
_FEW, _MANY = 1_000, 1_000_000
"""Steps that a leap is to take at nearly the same cost."""
_MOST_READS = {"distinct": 0.5, "few": 3.0, "adversarial": 6.0}
_LEAST_TIMES = {
    counting.NUMPY: {"distinct": 50.0, "few": 10.0},
    counting.TORCH: {"distinct": 10.0, "few": 10.0},
}
"""Least time of each rival as a multiple of the counter's."""


_LEAST_TIMES_OF_SCRIPT = {1e-9: 4.0, 1e-7: 2.5, 1e-6: 1.5, 0.02: 1.4}
"""Least time of the PyTorch script as a multiple of the command's, for each sigma."""
_ENGINE = tuple(name for name in whole_job.PARTS if name != "start")


@dataclass(frozen=True)
class Verdict:
    """One figure and its target."""

    what: str
    """what is measured, in words"""
    value: float
    """measured value, in `unit`"""
    unit: str
    """unit of the value"""
    target: str = ""
    """target in words; empty without one"""
    met: bool | None = None
    """True where the target is met; None without one"""


def verdicts(results: list[Result], platform: str) -> list[dict[str, Any]]:
    """Every ratio that the results allow, as plain JSON values."""
    found: list[Verdict] = []
    for result in results:
        verdicts_of = _BY_GROUP[result["group"]]
        there = {row["name"]: row for row in result["contenders"]}
        found += verdicts_of(result, there, platform)
    return [
        asdict(verdict) for verdict in [*found, *_growth(results), *_records(results, platform)]
    ]


def at_least(what: str, value: float, least: float | None, unit: str = "×") -> Verdict:
    """A figure that must not be below `least`."""
    if least is None:
        return Verdict(what, value, unit)
    return Verdict(what, value, unit, f"at least {least:g} {unit}", value >= least)


def at_most(what: str, value: float, most: float | None, unit: str = "×") -> Verdict:
    """A figure that must not be above `most`."""
    if most is None:
        return Verdict(what, value, unit)
    return Verdict(what, value, unit, f"at most {most:g} {unit}", value <= most)


def _step(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    if result["steps"] != stepping.MAIN:
        return
    ours = there[stepping.MOVING if stepping.MOVING in there else stepping.OURS]["cost"]
    judged = result["tokens"] * result["dims"] >= _LEAST_COORDINATES
    cpu, accelerator = judged and platform == "cpu", judged and platform != "cpu"
    for name in (stepping.EAGER, stepping.COMPILED, stepping.NUMPY):
        if name in there:
            least = 30.0 if cpu and name == stepping.EAGER else None
            yield at_least(f"step: {name} beside ours", there[name]["cost"] / ours, least)
    if stepping.C in there:
        text = "step: ours beside the C loop"
        yield at_most(text, ours / there[stepping.C]["cost"], 2.0 if cpu else None)
    for name in (stepping.OURS, stepping.MOVING, stepping.PLAIN, stepping.FUSED):
        if name in there:
            rate, least = 1e9 / there[name]["cost"], _FUSED_RATE if accelerator else None
            least = least if name == stepping.FUSED else None
            yield at_least(f"step: element-steps by {name}", rate, least, "/s")
    if stepping.PLAIN in there and stepping.COPY in there:
        share = there[stepping.PLAIN]["bytes_per_second"] / there[stepping.COPY]["bytes_per_second"]
        least = 0.8 if accelerator else None
        yield at_least("step: bandwidth of plain XLA beside a copy's", share, least)


def _leap(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    steps = result["steps"]
    if leap.OURS in there and leap.STEPPING in there:
        times = there[leap.STEPPING]["median"] / there[leap.OURS]["median"]
        yield at_least(f"leap, {steps:,} steps: stepping beside it", times, None)
    if leap.WHOLE in there:
        seconds, gib = there[leap.WHOLE]["median"], there[leap.WHOLE]["peak_bytes"] / 2**30
        most = (15.0, 2.5) if _is_vocabulary(result) and steps == _MANY else (None, None)
        text = f"leap, {steps:,} steps: start to exit"
        yield at_most(text, seconds, most[0], "s")
        yield at_most(f"{text}, memory", gib, most[1], "GiB")


def _growth(results: list[Result]) -> Iterator[Verdict]:
    """Yield the cost of the most steps relative to the fewest, for constant steps."""
    leaps = [result for result in results if result["group"] == "leap"]
    took = {
        result["steps"]: row["median"]
        for result in leaps
        for row in result["contenders"]
        if row["name"] == leap.OURS
    }
    if len(took) > 1:
        few, many = min(took), max(took)
        judged = _is_vocabulary(leaps[0]) and (few, many) == (_FEW, _MANY)
        text = f"leap: {many:,} steps beside {few:,}"
        yield at_most(text, took[many] / took[few], 1.2 if judged else None)


def _is_vocabulary(result: Result) -> bool:
    return (result["tokens"], result["dims"]) == VOCABULARY


def _count(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    kind, ours = result["kind"], there[counting.OURS]
    judged = _is_vocabulary(result)
    most = _MOST_READS[kind] if judged else None
    yield at_most(f"count: {result['case']}", ours["cost"], most, "reads")
    for name in (counting.NUMPY, counting.TORCH):
        if name in there:
            least = _LEAST_TIMES[name].get(kind) if judged else None
            text = f"count: the same, {name} beside ours"
            yield at_least(text, there[name]["median"] / ours["median"], least)


def _neighbours(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    join, every = there[neighbours.OURS], there[neighbours.ALL_PAIRS]
    text = f"neighbours: {result['case']}"
    yield at_most(text, join["median"], 10.0 if _is_vocabulary(result) else None, "s")
    yield at_least(f"{text}, comparing a pair beside it", every["cost"] / join["cost"], None)


def _sweep(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    ours, text = there[sweeping.OURS], f"sweep, {result['case']}"
    judged = (result["tokens"], result["dims"], result["cells"]) == (400, 256, 1_000)
    for name, least in ((sweeping.TORCH, 12.0), (sweeping.NUMPY, None)):
        if name in there:
            times = there[name]["cost"] / ours["cost"]
            yield at_least(f"{text}: {name} beside ours", times, least if judged else None)
    yield at_least(f"{text}: share of the process computing", ours["computing"], None, "")


def _whole_job(result: Result, there: dict[str, Result], platform: str) -> Iterator[Verdict]:
    judged, text = _is_diary(result, platform), f"whole job, {result['case']}"
    ours, usual = there[whole_job.OURS], result["records"] == whole_job.RECORDS
    for name in (whole_job.TORCH, whole_job.NUMPY):
        if name in there:
            script, least = there[name], _LEAST_TIMES_OF_SCRIPT.get(result["sigma"])
            least = least if judged and usual and name == whole_job.TORCH else None
            yield at_least(f"{text}: {name} beside ours", script["median"] / ours["median"], least)
            working = script["median"] - script["parts"]["import"]
            yield at_least(f"{text}: the same less its import", working / ours["median"], None)
    if whole_job.COLD in there:
        cold = there[whole_job.COLD]["median"] / ours["median"]
        yield at_most(f"{text}: empty cache beside warm", cold, 1.5 if judged else None)
    writing = ours["parts"]["write"] / ours["median"]
    yield at_most(f"{text}: share of writing", writing, 0.1 if judged else None, "")


def _records(results: list[Result], platform: str) -> Iterator[Verdict]:
    """Yield the seconds in the engine with the usual records relative to those with one."""
    jobs = [
        result
        for result in results
        if result["group"] == "whole-job" and result["sigma"] == whole_job.NARROW
    ]
    took = {
        (result["tokens"], result["dims"], result["records"]): sum(row["parts"][p] for p in _ENGINE)
        for result in jobs
        for row in result["contenders"]
        if row["name"] == whole_job.OURS
    }
    for (tokens, dims, records), many in took.items():
        few = took.get((tokens, dims, 1))
        if few is not None and records == whole_job.RECORDS:
            judged = _is_diary(jobs[0], platform)
            text = f"whole job, σ = {whole_job.NARROW:g}: {records} records beside 1, in the engine"
            yield at_most(text, many / few, 1.5 if judged else None)


def _is_diary(result: Result, platform: str) -> bool:
    return platform == "cpu" and (result["tokens"], result["dims"]) == DIARY


_BY_GROUP = {
    "whole-job": _whole_job,
    "step": _step,
    "leap": _leap,
    "count": _count,
    "neighbours": _neighbours,
    "sweep": _sweep,
}
