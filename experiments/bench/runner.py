"""Contenders timed side by side: a warm-up apart, interleaved rounds, medians.

contender  one way to do a piece of work; its result is checked before its time counts
case       contenders for the same work, of which the first is ours
round      every contender once; each round begins with another one
limit      what the machine can do at best: a copy, a read
process    a command from its start to its end, where whole processes are timed
"""

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drift.experiments.bench import script
from drift.experiments.bench.rivals import Missing
from drift.experiments.bench.setting import Setting

SLOW, SLOW_ROUNDS = 2.0, 3
"""A contender that takes longer, in seconds, takes part in fewer rounds."""
ENDLESS = 20.0
"""One that takes longer than this, and is not ours, takes part in none: its warm-up counts."""


def _nothing(*_: Any) -> Any:
    return None


def _no_notes(result: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Contender:
    """One way to do the work."""

    name: str
    """name in tables"""
    run: Callable[[], Any]
    """what is timed"""
    wrong: Callable[[Any], str | None] = _nothing
    """what is wrong with a result of `run`; None if nothing is"""
    ready: Callable[[], None] = _nothing
    """called before each `run`, not timed"""
    work: float = 1.0
    """units of work in one `run`"""
    steps: int | None = None
    """drift steps in one `run`, where it takes any"""
    traffic: int = 0
    """bytes that one `run` must read and write"""
    notes: Callable[[Any], dict[str, Any]] = _no_notes
    """what else the result of the warm-up says"""
    parts: Callable[[Any], dict[str, float]] = _no_notes
    """seconds of the parts of one `run`, by its result"""


@dataclass
class Case:
    """One piece of work and those who do it."""

    group: str
    """whole-job, step, leap, count, neighbours or sweep"""
    name: str
    """name within the group"""
    unit: str
    """what costs are given in: "ns per …" of a unit of work, or a contender's name"""
    facts: dict[str, Any]
    """size of the work, as JSON values"""
    contenders: list[Contender] = field(default_factory=list)
    """contenders, ours first"""
    absent: dict[str, str] = field(default_factory=dict)
    """who is not there, and why"""

    def enter(self, name: str, make: Callable[[], Contender]) -> None:
        """Add what `make` makes, or note why `name` is Missing."""
        try:
            self.contenders.append(make())
        except Missing as why:
            self.absent[name] = str(why)


class WrongResult(RuntimeError):
    """A contender computes something else."""


def measure(case: Case, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Time the contenders of a case; the result as plain JSON values.

    Raises WrongResult for a contender whose result is wrong.
    """
    say(f"{case.group}, {case.name}: {len(case.contenders)} contenders, {rounds} rounds")
    there, rows = [], {}
    parts: dict[str, list[dict[str, float]]] = {one.name: [] for one in case.contenders}
    for one in case.contenders:
        taken, result = _timed(one)
        endless = taken > ENDLESS and one is not case.contenders[0]
        there.append((one, 0 if endless else _rounds(taken, rounds)))
        rows[one.name] = _row(one, one.notes(result))
        if endless:
            rows[one.name]["seconds"].append(taken)
            parts[one.name].append(one.parts(result))
    for turn in range(rounds):
        first = turn % max(1, len(there))
        for one, its_rounds in there[first:] + there[:first]:
            if turn < its_rounds:
                seconds, result = _timed(one)
                rows[one.name]["seconds"].append(seconds)
                parts[one.name].append(one.parts(result))
    found = [_summary(one, rows[one.name], parts[one.name]) for one, _ in there]
    return {
        "group": case.group,
        "case": case.name,
        **case.facts,
        "unit": case.unit,
        "contenders": _with_costs(found, case.unit),
        "absent": case.absent,
    }


def _timed(one: Contender) -> tuple[float, Any]:
    """The seconds that it takes, and its result, which is right."""
    one.ready()
    began = time.perf_counter()
    result = one.run()
    seconds = time.perf_counter() - began
    if (wrong := one.wrong(result)) is not None:
        raise WrongResult(f"{one.name} computes something else: {wrong}")
    return seconds, result


def _rounds(seconds: float, rounds: int) -> int:
    if seconds > ENDLESS:
        return 1
    return min(rounds, SLOW_ROUNDS) if seconds > SLOW else rounds


def _row(one: Contender, notes: dict[str, Any]) -> dict[str, Any]:
    return {"name": one.name, "steps": one.steps, "work": one.work, **notes, "seconds": []}


def _summary(one: Contender, row: dict[str, Any], parts: list[dict[str, float]]) -> dict[str, Any]:
    seconds = row["seconds"]
    median = statistics.median(seconds)
    row |= {"median": median, "min": min(seconds), "max": max(seconds)}
    if one.traffic:
        row["bytes_per_second"] = one.traffic / median
    if parts[0]:
        row["parts"] = {name: statistics.median(each[name] for each in parts) for name in parts[0]}
    return row


def _with_costs(rows: list[dict[str, Any]], unit: str) -> list[dict[str, Any]]:
    """Each row's cost: nanoseconds per unit of work, or multiples of a contender's time."""
    base = {row["name"]: row["median"] for row in rows}.get(unit)
    for row in rows:
        row["cost"] = row["median"] / base if base else row["median"] / row["work"] * 1e9
    return rows


class Done(NamedTuple):
    """A process that has ended well."""

    seconds: float
    """seconds from its start to its end"""
    found: dict[str, Any]
    """the document that it wrote"""


def process(command: list[str], setting: Setting, **variables: str) -> tuple[float, str]:
    """Run a command to its end; return its seconds, and what it printed.

    Environment variables are those of this process, with as many threads as the setting has, no
    cache of JAX's own, and `variables`. Raises RuntimeError where the command fails.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(setting.threads))
    environment = {**os.environ, **threads, **variables}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    began = time.perf_counter()
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd=setting.scratch,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        said = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        what = " ".join(command[1:4]).replace(script.__file__, "the script")
        raise RuntimeError(f"{what} exited with status {done.returncode}: {said}")
    return seconds, done.stdout
