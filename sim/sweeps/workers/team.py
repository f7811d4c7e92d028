"""The workers of a sweep and their batches: whoever dies, every batch is counted.

hold     a worker holds up to two batches, the one it counts and the next, so that what is
         under way stays small however many cells there are
lost     a batch whose worker died while it counted it, or whose counts never arrived;
         it is counted again, by whoever is free

A batch that was lost too often is counted cell by cell; a cell that was has failed.
"""

import itertools
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from drift.sim import interrupts
from drift.sim.errors import BadInput, Unfinished
from drift.sim.sweeps.local import BatchResult, PointResult
from drift.sim.sweeps.workers import worker
from drift.sim.sweeps.workers.line import GO_ON, Answer, Failed, Heard, Line, Present
from drift.sim.sweeps.workers.roster import Member, Roster
from drift.sim.sweeps.workers.worker import Met, Orders

_HOLD = 2
_MOST_LOST = 3
_HEAR_SECONDS = 0.2
_GATHER_SECONDS = 30.0
"""For the others to be ready, once one is."""
_ALONE_SECONDS = 60.0
"""Without any worker."""


class Batch(NamedTuple):
    """Cells that are counted together."""

    cells: np.ndarray
    lost: int = 0
    """how often"""


class Team:
    """The workers at the other end of `line`, and the orders that each is to meet.

    `threads` are the cores each of them may use; by default as many as Dask lets it.
    """

    def __init__(self, line: Line, orders: Orders, threads: int | None = None):
        self._line, self._sweep = line, orders.sweep
        self._tickets = itertools.count()
        self.roster = Roster(line, orders, self._tickets, threads)
        self._out: dict[int, tuple[Member, Batch]] = {}
        """the batches that are with the workers, by ticket"""
        self._again: deque[Batch] = deque()
        self._seen = time.monotonic()

    def meet(self, seconds: float) -> list[Met]:
        """What the workers say of themselves, once they are ready; within `seconds` one is there.

        Raises BadInput where none is, or where one can't do as it is told.
        """
        began, ready, said = time.monotonic(), None, False
        while True:
            self._take(self._line.hear(_HEAR_SECONDS))
            now = time.monotonic()
            met = [member.met for member in self.roster.members if member.met]
            if met:
                ready = ready or now
                if len(met) == len(self.roster.members) or now - ready > _GATHER_SECONDS:
                    self.roster.opened = True
                    return met
            elif now - began > seconds:
                if not self.roster.members:
                    raise BadInput("the scheduler has no workers; dask worker ADDRESS starts one")
                if not said:
                    print("drift: waiting for a worker that is ready", file=sys.stderr)
                said = True

    def count(self, batches: Iterable[np.ndarray]) -> Iterator[BatchResult]:
        """Count `batches`, in no order; when a signal is pending, only what was begun.

        Raises Unfinished where no worker is left.
        """
        source = map(Batch, batches)
        more = True
        while more or self._out or self._again:
            if interrupts.pending():
                yield self._last()
                continue
            more = self._hand_out(source)
            yield from self._take(self._line.hear(_HEAR_SECONDS))
            self._look()

    def _hand_out(self, source: Iterator[Batch]) -> bool:
        """Let every worker hold something; whether there may be more to hand out."""
        ready = [member for member in self.roster.members if member.met]
        for held in range(_HOLD):
            for member in ready:
                if len(member.holds) > held:
                    continue
                batch = self._again.popleft() if self._again else next(source, None)
                if batch is None:
                    self._share(ready)
                    return False
                self._give(member, batch)
        return True

    def _give(self, member: Member, batch: Batch) -> None:
        ticket = next(self._tickets)
        member.holds.append(ticket)
        self._out[ticket] = member, batch
        self._line.ask(ticket, member.address, worker.count, self._sweep, batch.cells)

    def _share(self, ready: list[Member]) -> None:
        """Let those who have nothing take over what others have not begun."""
        waiting = (member for member in ready if len(member.holds) == _HOLD)
        idle = (member for member in ready if not member.holds)
        for rich, poor in zip(waiting, idle, strict=False):
            self._give(poor, self._recall(rich.holds.pop()))

    def _recall(self, ticket: int) -> Batch:
        self._line.forget(ticket)
        return self._out.pop(ticket)[1]

    def _take(self, heard: Heard | None) -> list[BatchResult]:
        """What was counted, or has failed."""
        if isinstance(heard, Present):
            gone = self.roster.update(heard.threads)
            return [counted for member in gone for counted in self._bury(member)]
        if heard is not None and heard.ticket in self._out:
            member, batch = self._out.pop(heard.ticket)
            member.holds.remove(heard.ticket)
            if isinstance(heard, Failed):
                raise Unfinished(f"worker {member.address}: {heard.error}; {GO_ON}")
            return [heard.value] if isinstance(heard, Answer) else self._lost(batch)
        if heard is not None:
            self.roster.greeted(heard)
        return []

    def _bury(self, member: Member) -> list[BatchResult]:
        """Take back what a worker held that is gone."""
        batches = [self._recall(ticket) for ticket in member.holds]
        self._again.extend(batches[1:])
        return self._lost(batches[0]) if batches else []

    def _lost(self, batch: Batch) -> list[BatchResult]:
        """See that a batch is counted again; what is left is a cell that has failed."""
        if batch.lost + 1 < _MOST_LOST:
            self._again.append(batch._replace(lost=batch.lost + 1))
        elif len(batch.cells) > 1:
            self._again.extend(Batch(cell) for cell in np.split(batch.cells, len(batch.cells)))
        else:
            reason = f"{_MOST_LOST} workers died counting it; it may need more memory"
            return [BatchResult(batch.cells, [reason], 0.0, 0.0)]
        return []

    def _last(self) -> BatchResult:
        """What comes of the batches that have been begun, together."""
        for member in self.roster.members:
            while len(member.holds) > 1:
                self._again.append(self._recall(member.holds.pop()))
        found: list[BatchResult] = []
        while self._out:
            found += self._take(self._line.hear(_HEAR_SECONDS))
        none = np.zeros(0, np.int64)
        outcomes: list[PointResult] = [outcome for each in found for outcome in each.outcomes]
        return BatchResult(
            np.concatenate([none, *(each.cells for each in found)]),
            outcomes,
            sum(each.seconds for each in found),
            sum(each.compiling for each in found),
        )

    def _look(self) -> None:
        """Raise Unfinished where nobody has been there for long."""
        now = time.monotonic()
        if self.roster.members:
            self._seen = now
        elif now - self._seen > _ALONE_SECONDS:
            raise Unfinished(f"no worker is left; {GO_ON}")
