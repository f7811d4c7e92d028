"""Work shared among forks of this process, which see all its arrays and are sent none.

Threads that make many short calls of NumPy mostly wait for the interpreter's lock: two of them do
the work of 1.2. Forks do not, and what they answer is little.

fork   a copy of this process that does its share of the tasks, answers, and ends
share  some of the tasks; one whose fork does not answer is done here, and fails here if it must

Only the command forks. A fork has none of the other threads, and waits for ever for a lock that one
of them held: those of the command hold none that counting needs, of other programs nobody knows.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, TypeVar

from drift.sim.devices import device

_Task = TypeVar("_Task")
_Found = TypeVar("_Found")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_allowed: list[bool] = []
_MOST = 16
"""To fork takes some 10 ms: of two seconds' work more processes would do less each than that."""


def allow() -> None:
    """Let this process fork from now on: it is the command's."""
    _allowed[:] = [True]


def processes() -> int:
    """Return how many processes share work: one where this one may not fork.

    It may not where JAX and its threads are loaded.
    """
    may = _allowed and sys.platform == "linux" and "jax" not in sys.modules
    return min(device.cores(), _MOST) if may else 1


def shared(
    work: Callable[[_Task], _Found], tasks: list[_Task], processes: int
) -> Iterator[tuple[_Task, _Found]]:
    """Give each of `tasks`, in no order, with what `work` returns for it, which is pickled.

    So many `processes` work on them, of which this one is the first.
    """
    shares = [tasks[k::processes] for k in range(min(processes, len(tasks)))]
    forks: list[_Fork] = []
    try:
        forks += (_Fork(work, share) for share in shares[1:])
        for fork, share in zip([None, *forks], shares, strict=bool(shares)):
            found = fork.answer() if fork else None
            for k, task in enumerate(share):
                yield task, work(task) if found is None else found[k]
    finally:
        for fork in forks:
            fork.end()


class _Fork:
    """A fork that does `work` on a share of the tasks."""

    def __init__(self, work: Callable[[Any], Any], share: list[Any]):
        self._heard, told = Pipe(duplex=False)
        self._number: int | None = None
        # A signal that came before the fork's own handlers are there would be heard twice.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        with suppress(OSError):  # where no process more may be, the share is done here
            self._number = os.fork()
        if self._number == 0:
            _answer(work, share, told)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        told.close()

    def answer(self) -> list[Any] | None:
        """Return the results, once they are all there; None where the fork ended without them."""
        with suppress(EOFError, OSError):
            found: list[Any] = self._heard.recv()
            return found
        return None

    def end(self) -> None:
        """Leave nothing of the fork, whatever it does."""
        self._heard.close()
        if self._number is not None:
            os.kill(self._number, signal.SIGKILL)
            os.waitpid(self._number, 0)


def _answer(work: Callable[[Any], Any], share: list[Any], told: Connection) -> NoReturn:
    """Do a fork's part: its share, and nothing else that this process is in the middle of."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to forks too
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # Else locks on files would outlive the process that holds them, were that killed.
        os.closerange(3, told.fileno())
        os.closerange(told.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        told.send([work(task) for task in share])
        status = 0
    finally:
        os._exit(status)
