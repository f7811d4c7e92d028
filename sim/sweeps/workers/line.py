"""The line to the workers of a Dask scheduler: what is asked of them, and what is heard.

ticket   names what was asked; nothing is heard of a ticket that was forgotten
heard    an Answer, or that it Failed there, or was Lost, or who is Present

Dask carries messages and nothing more: who does what, and what follows when one dies,
sim.sweeps.workers.team decides. Asking returns at once; whoever wants to hear waits.
"""

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from drift.sim.errors import BadInput, Unfinished

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 30.0
"""With a scheduler that does not answer any more."""
_FAREWELL_SECONDS = 2.0
GO_ON = "the same command goes on with the cells that are left"
HERE = {name: version(name) for name in ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes")}
"""The versions of what makes a count, in this process."""


class Answer(NamedTuple):
    """What a worker returned."""

    ticket: int
    value: Any


class Failed(NamedTuple):
    """What a worker raised."""

    ticket: int
    error: Exception


class Lost(NamedTuple):
    """Nothing came back, and nothing will."""

    ticket: int


class Present(NamedTuple):
    """The workers that are there now: the threads Dask gives each, by its address."""

    threads: dict[str, int]


Heard = Answer | Failed | Lost | Present


class Line:
    """A line over a distributed.Client that is connected."""

    def __init__(self, client: Any):
        self._client = client
        self._heard: queue.SimpleQueue[Heard | Unfinished] = queue.SimpleQueue()
        self._asked: dict[int, Future] = {}
        self._looking = self._run(self._look())

    def ask(self, ticket: int, address: str, work: Callable[..., Any], *given: Any) -> None:
        """Let the worker at `address` call `work`, a function of a module."""
        self._asked[ticket] = self._run(self._told(ticket, self._ask(address, work, given)))

    def greet(self, ticket: int, address: str, work: Callable[..., Any], *given: Any) -> None:
        """The same, after a look at the versions there; fails with BadInput where they differ."""

        async def greeting() -> Any:
            await self._compare(address)
            return await self._ask(address, work, given)

        self._asked[ticket] = self._run(self._told(ticket, greeting()))

    def forget(self, ticket: int) -> None:
        """Let go of what was asked: it is not begun where that was still to come."""
        if ticket in self._asked:
            self._asked.pop(ticket).cancel()

    def hear(self, seconds: float) -> Heard | None:
        """What is heard next, within `seconds`. Raises Unfinished when the line is dead."""
        try:
            heard = self._heard.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(heard, Unfinished):
            raise heard
        if isinstance(heard, Present):
            return heard
        return heard if self._asked.pop(heard.ticket, None) is not None else None

    def hang_up(self, work: Callable[..., Any], *given: Any) -> None:
        """Forget all; those workers that can be reached at once call `work`."""
        self._looking.cancel()
        for ticket in list(self._asked):
            self.forget(ticket)
        with contextlib.suppress(Exception):
            farewell = self._client.run(work, *given, on_error="ignore", asynchronous=True)
            self._run(asyncio.wait_for(farewell, _FAREWELL_SECONDS)).result()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._client.loop.asyncio_loop)

    async def _told(self, ticket: int, work: Coroutine[Any, Any, Any]) -> None:
        """Put what becomes of `work` where it is heard."""
        try:
            self._heard.put(Answer(ticket, await work))
        except (Exception, asyncio.CancelledError) as error:
            theirs = isinstance(error, _Raised)
            self._heard.put(Failed(ticket, error.args[0]) if theirs else Lost(ticket))

    async def _ask(self, address: str, work: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        future = self._client.submit(work, *given, workers=[address], pure=False)
        # Shielded, since results travel together: whoever is forgotten takes no other along.
        value = asyncio.ensure_future(future)
        value.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(value)
        except Exception as error:
            by_dask = type(error).__module__.partition(".")[0] == "distributed"
            if future.status == "error" and not by_dask:
                raise _Raised(error) from error
            raise
        finally:
            future.release()

    async def _compare(self, address: str) -> None:
        """Raise where the worker at `address` has other versions than are here."""
        for name, mine in HERE.items():
            answer = await self._client.run(version, name, workers=[address], on_error="return")
            theirs = answer[address]
            if isinstance(theirs, PackageNotFoundError):
                theirs = "not there"
            elif isinstance(theirs, Exception):
                raise theirs
            if theirs != mine:
                raise _Raised(BadInput(f"{name} is {theirs} there, and {mine} here"))

    async def _look(self) -> None:
        """Tell who is present, whenever that changes."""
        before, answered = None, time.monotonic()
        while True:
            try:
                found = await asyncio.wait_for(self._client.nthreads(), _PATIENCE_SECONDS)
                if found != before:
                    self._heard.put(Present(dict(found)))
                before, answered = found, time.monotonic()
            except Exception:
                if time.monotonic() - answered > _PATIENCE_SECONDS:
                    self._heard.put(Unfinished(f"the scheduler is gone; {GO_ON}"))
                    return
            await asyncio.sleep(_LOOK_SECONDS)


class _Raised(Exception):
    """What a worker raised, and not the line to it."""
