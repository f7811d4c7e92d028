"""Who works on a sweep: workers that come, meet their orders, take a seat, and leave.

member   a worker that met its orders, or is about to
seat     its number among those of its machine, which its share of it follows from: the
         lowest that is free
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from drift.sim.errors import BadInput, Unfinished, printable
from drift.sim.sweeps.workers import worker
from drift.sim.sweeps.workers.line import Answer, Failed, Line, Lost
from drift.sim.sweeps.workers.worker import Met, Orders, Seat

_MOST_LOST = 5


@dataclass(eq=False)
class Member:
    """A worker."""

    address: str
    seat: Seat
    greeting: int
    """the ticket of it"""
    met: Met | None = None
    holds: deque[int] = field(default_factory=deque)
    """tickets of batches, the oldest first: that is the one it counts"""


class Roster:
    """The workers at the other end of `line`; Team says what the arguments are."""

    def __init__(self, line: Line, orders: Orders, tickets: Iterator[int], threads: int | None):
        self._line, self._orders, self._tickets, self._threads = line, orders, tickets, threads
        self.opened = False
        """whether the sweep goes on without those who can't do as they are told"""
        self._members: dict[str, Member] = {}
        self._refused: set[str] = set()
        self._lost = 0

    @property
    def members(self) -> list[Member]:
        """Who is there now."""
        return list(self._members.values())

    def update(self, threads: dict[str, int]) -> list[Member]:
        """Greet those who came, and return those who are gone."""
        gone = [self._members.pop(address) for address in self._members.keys() - threads.keys()]
        for member in gone:
            if member.met is None:
                self._line.forget(member.greeting)
                self._stumbled()
        for address in sorted(threads.keys() - self._members.keys() - self._refused):
            host = _host(address)
            seat = Seat(
                index=self._free(host),
                neighbours=sum(_host(other) == host for other in threads),
                threads=self._threads or threads[address],
            )
            member = Member(address, seat, next(self._tickets))
            self._members[address] = member
            self._line.greet(member.greeting, address, worker.meet, self._orders, seat)
        return gone

    def greeted(self, heard: Answer | Failed | Lost) -> None:
        """Note how a worker answered. Raises BadInput where it can't do as it is told."""
        member = next(each for each in self.members if each.greeting == heard.ticket)
        if isinstance(heard, Answer):
            member.met, self._lost = heard.value, 0
            return
        self._refused.add(self._members.pop(member.address).address)
        if isinstance(heard, Lost):
            self._stumbled()
            return
        said = f"worker {member.address}: {heard.error}"
        if self.opened:
            print(f"drift: left out: {printable(said, 500)}", file=sys.stderr)
            return
        raise BadInput(said) if isinstance(heard.error, BadInput) else Unfinished(said)

    def _free(self, host: str) -> int:
        """The lowest seat of a machine that is free."""
        taken = {each.seat.index for each in self.members if _host(each.address) == host}
        return next(index for index in range(len(taken) + 1) if index not in taken)

    def _stumbled(self) -> None:
        """Raise Unfinished where one worker after another dies before it is ready."""
        self._lost += 1
        if self._lost == _MOST_LOST:
            raise Unfinished(f"{_MOST_LOST} workers in a row died before they were ready")


def _host(address: str) -> str:
    return address.partition("://")[2].rpartition(":")[0]
