"""The executor of a sweep on a Dask cluster: its workers count the grid points (sim.sweeps.local).

batch      grid points that are counted together: a task of Dask's. So few are submitted at a time
           that memory does not grow with the grid, and so many that no worker waits
overdue    a batch that takes much longer than all before it, as where its worker was stopped: a
           worker that is idle counts it too, and the first answer is taken
killed     a batch whose workers died, one after another: its points are counted one by one, and
           those whose workers died again are counted alone; a point that kills them then has failed

Dask decides which worker counts what, and sends the batches of a worker that dies to others.
"""

import asyncio
import queue
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drift.sim import interrupts
from drift.sim.errors import BadInput, Unfinished, printable
from drift.sim.sweeps.local import BatchResult

if TYPE_CHECKING:
    from drift.sim.sweeps.dask_worker import SweepSetup

GO_ON = "the same command goes on with the grid points that are left"
_WINDOW = 2
"""Batches for each worker that are submitted: the one it counts, and the next."""
_RETRIES = 1
_TICK_SECONDS, _ASK_SECONDS, _FAREWELL_SECONDS = 0.01, 0.5, 2.0
_STOP_SECONDS = 20.0
"""Seconds for workers to end what they have begun, once a signal waits."""
_PATIENCE_SECONDS, _ALONE_SECONDS = 30.0, 60.0
"""Seconds without an answer of the scheduler, and without a worker, after which there is none."""
_ANSWER_SECONDS, _START_SECONDS, _GATHER_SECONDS = 10.0, 300.0, 30.0
"""Seconds for a scheduler to have a worker, for one to be ready, and then for the others."""
_OVERDUE_SECONDS, _OVERDUE_TIMES = 5.0, 1.5 * _WINDOW
"""A batch is overdue after so long, and so many times what any took before, without compiling."""
_MOST_STILLBORN = 5


class Batch(NamedTuple):
    """Grid `points` that are counted together."""

    points: np.ndarray
    alone: bool = False
    """True where nothing else is counted meanwhile, so that nothing else can kill its workers"""


@dataclass(eq=False)
class Task:
    """A `batch` that was submitted."""

    batch: Batch
    futures: list[Any] = field(default_factory=list)
    """more than one where it was overdue"""
    submitted: float = 0.0
    """when that was last done"""


class DaskExecutor:
    """The workers of the cluster of `client`, each of which makes ready as `setup` says.

    `refill` replaces those of this machine that could not start, and returns how many could not.
    """

    def __init__(self, client: Any, setup: "SweepSetup", refill: Callable[[], int] | None = None):
        from distributed import as_completed

        self._client, self._setup, self._refill = client, setup, refill
        self._go_on = GO_ON + (", and without --workers in this process" if refill else "")
        self.ready: dict[str, dict[str, Any]] = {}
        """what each worker that is ready said of itself, by its address"""
        self._refused: set[str] = set()
        self._processing: dict[str, list[str]] = {}
        """the tasks of each worker that is there, by its address"""
        self._opened, self._stillborn, self._longest = False, 0, 0.0
        self._tasks: list[Task] = []
        self._again: deque[Batch] = deque()
        self._suspects: deque[Batch] = deque()
        self._completed = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self._heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answered = self._seen = time.monotonic()
        self._asked = self._run(self._ask(0.0))
        self._registered = self._run(self._register())

    def gather(self, count: int | None) -> dict[str, Any]:
        """Wait for the workers, `count` where so many were started; return what one says of itself.

        Raises BadInput where there is none, or where one can't take part; Unfinished where none
        is ready in time.
        """
        began, first, said = time.monotonic(), None, False
        while True:
            self._attend()
            time.sleep(_TICK_SECONDS)
            now, there = time.monotonic(), self._processing.keys()
            if self.ready:
                first = first or now
                all_there = len(self.ready) >= (count or 1) and there <= self.ready.keys()
                if all_there or now - first > _GATHER_SECONDS:
                    self._opened, self._seen = True, now
                    return next(iter(self.ready.values()))
            elif now - began > _START_SECONDS:
                raise Unfinished(f"no worker was ready in {_START_SECONDS:g} s; {self._go_on}")
            elif count is None and not said and now - began > _ANSWER_SECONDS:
                if not there:
                    raise BadInput("the scheduler has no workers; dask worker ADDRESS starts one")
                print("drift: waiting for a worker that is ready", file=sys.stderr)
                said = True

    def count(self, batches: Iterable[np.ndarray]) -> Iterator[BatchResult]:
        """Count `batches`, in no order; when a signal is pending, only what was begun.

        Raises Unfinished where the scheduler is gone, or no worker is left, or one can't count.
        """
        source, more = map(Batch, batches), True
        while more or self._tasks or self._again or self._suspects:
            if interrupts.pending():
                yield self._stop()
            else:
                more = self._fill(source)
                yield from self._wait()

    def close(self) -> None:
        """Forget all, here and in the workers that can be reached at once."""
        self._asked.cancel()
        self._registered.cancel()
        with suppress(Exception):
            self._client.cancel([future for task in self._tasks for future in task.futures])
            self._run(self._unregister()).result(_FAREWELL_SECONDS)

    def _fill(self, source: Iterator[Batch]) -> bool:
        """Submit what keeps the workers busy; return whether there may be more to submit."""
        while sum(len(task.futures) == 1 for task in self._tasks) < _WINDOW * len(self.ready):
            batch = self._again.popleft() if self._again else next(source, None)
            if batch is None:
                if self._suspects and not self._tasks:
                    self._submit(Task(self._suspects.popleft()))
                return False
            self._submit(Task(batch))
        return True

    def _submit(self, task: Task, worker: str | None = None) -> None:
        """Let a task be counted by whom Dask chooses, or by the worker at an address."""
        from drift.sim.sweeps.dask_worker import count_batch

        if not task.futures:
            self._tasks.append(task)
        name, there = self._setup.name, {"workers": [worker]} if worker else {}
        options = {"pure": False, "retries": _RETRIES, "resources": {name: 1}, **there}
        task.futures.append(self._client.submit(count_batch, name, task.batch.points, **options))
        self._completed.add(task.futures[-1])
        task.submitted = time.monotonic()

    def _wait(self) -> list[BatchResult]:
        """Return what was counted, or has failed, a moment later."""
        if not self._completed.has_ready():
            time.sleep(_TICK_SECONDS)
        self._attend()
        self._submit_overdue()
        done = self._completed.next_batch(block=False)
        return [result for each in done for result in self._take(*each)]

    def _take(self, future: Any, result: Any) -> list[BatchResult]:
        """Return the result of a future."""
        task = next((task for task in self._tasks if future in task.futures), None)
        if task is None:
            return []  # another one answered before
        self._tasks.remove(task)
        if len(task.futures) > 1:
            self._client.cancel([other for other in task.futures if other is not future])
        if isinstance(result, BatchResult):  # whatever has become of the worker that had it since
            self._longest = max(self._longest, result.seconds - result.compiling)
            return [result]
        if future.status == "error":
            return self._failed(task.batch, result[1])
        if future.status != "finished":
            raise Unfinished(f"the scheduler is gone; {GO_ON}")
        self._again.append(task.batch)  # it was not begun
        return []

    def _failed(self, batch: Batch, error: Exception) -> list[BatchResult]:
        """See that a batch that killed its workers is counted otherwise, or has failed."""
        from distributed import KilledWorker

        if not isinstance(error, KilledWorker):
            raise Unfinished(f"{error}; {GO_ON}")
        if len(batch.points) > 1:
            self._again.extend(Batch(point) for point in np.split(batch.points, len(batch.points)))
        elif not batch.alone:
            # It may have waited at workers that another batch killed.
            self._suspects.append(batch._replace(alone=True))
        else:
            reason = f"{error.allowed_failures + 1} workers died counting it"
            return [BatchResult(batch.points, [f"{reason}; it may need more memory"], 0.0, 0.0)]
        return []

    def _submit_overdue(self) -> None:
        """Submit batches that are overdue again, to workers that have nothing to do."""
        limit = time.monotonic() - max(_OVERDUE_SECONDS, _OVERDUE_TIMES * self._longest)
        late = (task for task in self._tasks if task.submitted < limit)
        idle = [worker for worker in self.ready if not self._processing.get(worker, [""])]
        for worker, task in zip(idle, late, strict=False):
            self._submit(task, worker)
            self._processing[worker] = [task.futures[-1].key]

    def _stop(self) -> BatchResult:
        """Return the results of the batches that have been begun, together."""
        self._tell_stop(True)
        found, limit = list[BatchResult](), time.monotonic() + _STOP_SECONDS
        # What a worker has that never comes back is counted again.
        while self._tasks and time.monotonic() < limit:
            found += self._wait()
        self._tell_stop(False)
        return BatchResult(
            np.concatenate([np.zeros(0, np.int64), *(each.points for each in found)]),
            [outcome for each in found for outcome in each.outcomes],
            sum(each.seconds for each in found),
            sum(each.compiling for each in found),
        )

    def _tell_stop(self, stopping: bool) -> None:
        """Let workers begin no other batch, or begin them again."""
        from drift.sim.sweeps.dask_worker import stop

        options = {"on_error": "ignore", "asynchronous": True}
        self._run(self._client.run(stop, self._setup.name, stopping, **options))

    def _attend(self) -> None:
        """Note which workers come, are ready, can't take part, and go.

        Raises Unfinished where the scheduler is gone, or no worker is ready any more.
        """
        while not self._heard.empty():
            self._note(self._heard.get())
        now = time.monotonic()
        if self._asked.done():
            with suppress(Exception, CancelledError):
                known, found = self._asked.result()
                for gone in (known | self._processing.keys()) - found.keys():
                    was_ready = self.ready.pop(gone, None) is not None
                    self._stillborn += not was_ready and gone not in self._refused
                self._processing, self._answered = found, now
            self._asked = self._run(self._ask(_ASK_SECONDS))
        if now - self._answered > _PATIENCE_SECONDS or self._client.status == "closed":
            raise Unfinished(f"the scheduler is gone; {GO_ON}")
        died = self._stillborn + (self._refill() if self._refill else 0)
        if self.ready:
            self._seen = now
        elif self._opened and now - self._seen > _ALONE_SECONDS:
            raise Unfinished(f"no worker is left; {self._go_on}")
        elif died >= _MOST_STILLBORN:
            raise Unfinished(f"{died} workers died before they were ready; {self._go_on}")

    def _note(self, said: dict[str, Any]) -> None:
        """Note what a worker says of itself. Raises BadInput or Unfinished where it can't begin."""
        worker = said["worker"]
        if "refused" not in said:
            self.ready[worker], self._stillborn = said, 0
            return
        self._refused.add(worker)
        why = f"worker {worker}: {said['refused']}"
        if not self._opened:
            raise BadInput(why) if said["bad"] else Unfinished(why)
        print(f"drift: left out: {printable(why, 500)}", file=sys.stderr)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future:
        """Let `work` be done by the thread of the client."""
        return asyncio.run_coroutine_threadsafe(work, self._client.loop.asyncio_loop)

    async def _register(self) -> None:
        """Let the workers make ready, and those that come later, and hear of it."""
        listening = asyncio.Event()

        def hear(event: tuple[float, Any]) -> None:
            (self._heard.put if event[1] else lambda _: listening.set())(event[1])

        self._client.subscribe_topic(self._setup.name, hear)
        while not listening.is_set():  # what is said before that is not heard
            await self._client.log_event(self._setup.name, None)
            await asyncio.sleep(_TICK_SECONDS)
        await self._client.register_plugin(self._setup, self._setup.name)

    async def _ask(self, seconds: float) -> tuple[set[str], dict[str, list[str]]]:
        """Return the workers that were ready, and `seconds` later the tasks of those there are."""
        known = set(self.ready)
        await asyncio.sleep(seconds)
        asking = self._client.scheduler.processing(workers=None)
        return known, await asyncio.wait_for(asking, _PATIENCE_SECONDS)

    async def _unregister(self) -> None:
        await self._client.unregister_worker_plugin(self._setup.name)  # here it does not block
