"""The progress of a sweep: what one process did of it, and how long the rest will take.

work       what points cost together, roughly: sim.sweeps.point_order
compute    seconds spent counting, without compiling
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift.sim.sweeps.local import BatchResult


@dataclass
class SweepProgress:
    """One process at work on a sweep of `points`; `done`, `failed` and `left` are the store's.

    It `started` at a time of time.monotonic, and spent `computing` seconds in all workers.
    """

    points: int
    done: int
    failed: int
    left: float
    """what the points that are still to be counted cost"""
    before: dict[str, Any]
    """the attributes of the store as this session finds them"""
    about: dict[str, Any]
    """what its attributes say of this session's machine"""
    workers: int = 1
    """who count side by side"""
    started: float = field(default_factory=time.monotonic)
    counted: int = 0
    """points that were counted in this session, those that failed too"""
    work: float = 0.0
    """what they cost"""
    compiling: float = 0.0
    """seconds of all workers"""
    computing: float = 0.0
    _begun: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def add(self, found: "BatchResult", cost: float) -> None:
        """Note that a batch that costs `cost` was counted."""
        self.counted += len(found.points)
        self.work += cost
        self.left -= cost
        self.compiling += found.compiling
        self.computing += found.seconds - found.compiling

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock time of the session, and what of it each worker spent how, on average."""
        return {
            "total": time.monotonic() - self.started,
            "compile": self.compiling / self.workers,
            "compute": self.computing / self.workers,
        }

    @property
    def share(self) -> float:
        """The share of the workers' time that was spent computing."""
        seconds = self.seconds
        return seconds["compute"] / seconds["total"]

    @property
    def seconds_left(self) -> float | None:
        """The time the rest takes at the rate so far; None where that is not known."""
        return seconds_left(self.left, self.work, self.seconds["total"])

    def attributes(self) -> dict[str, Any]:
        """Return what the attributes of the store say of all sessions, and of this one."""
        mine, earlier = self.seconds, self.before.get("seconds", {})
        return {
            "sessions": self.before.get("sessions", 0) + 1,
            "seconds": {name: mine[name] + earlier.get(name, 0.0) for name in mine},
            "session": {
                "began": self._begun,
                "cells": self.counted,
                "work": self.work,
                "seconds": mine,
                "workers": self.workers,
                **self.about,
            },
        }


def seconds_left(left: float, work: float, seconds: float) -> float | None:
    """The time that `left` takes where `work` took `seconds`; None where there was none."""
    if left <= 0:
        return 0.0
    return left * seconds / work if work > 0 else None
