"""A Dask cluster to count on: one of this machine, or one whose scheduler runs somewhere.

A scheduler must be trusted: Dask pickles what it carries, so that whoever reaches its port can
have its workers, and those who are connected to it, run any code. The one that is started here
listens on the loopback alone, which other users of the same machine reach too. Dask's own
settings for TLS apply, and tls:// addresses.
"""

import asyncio
import logging
import os
import resource
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from multiprocessing import resource_tracker
from types import ModuleType
from typing import Any

from drift.sim.batches import sizing
from drift.sim.devices import device, host_memory
from drift.sim.errors import BadInput, Unfinished
from drift.sim.source_digest import programs
from drift.sim.sweeps import plan
from drift.sim.sweeps.dask import DaskExecutor
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.local import Executor, OpenExecutor
from drift.sim.sweeps.point_order import PointGroups

ANSWER_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_START_SECONDS = 60.0
_FILES, _WORKER_FILES = 80, 24
"""Files that this process has open at most with a cluster, and more for each worker."""
_WORKER_BYTES = 384 << 20
"""Memory that libraries and programs take in each worker."""
_LOOPBACK = "127.0.0.1"
_SAFE_PATH = "PYTHONSAFEPATH"
_DEATHS = 3
"""Workers of this machine that die counting a batch before it is counted point by point."""


def new_workers(count: int) -> OpenExecutor:
    """Return an executor of `count` worker processes on this machine, which share its cores.

    Raises BadInput for none, and for more than memory is free for.
    """
    most = max(1, host_memory.free_memory() // _WORKER_BYTES)
    if not 1 <= count <= most:
        raise BadInput(f"workers is {count}; it must be 1 or more, and there is memory for {most}")
    threads = max(1, device.cores() // count)
    return partial(_connected, partial(local_cluster, count), count, threads)


def workers_at(address: str) -> OpenExecutor:
    """Return an executor of the workers of the Dask scheduler at `address`."""
    return partial(_connected, partial(running_scheduler, address), None, None)


@contextmanager
def _connected(
    connect: Callable[[], AbstractContextManager[Any]],
    count: int | None,
    threads: int | None,
    grid: Grid,
    on: str,
    engine: str,
    devices: int,
    memory: int | None,
) -> Iterator[Executor]:
    """The workers of a cluster, `count` where it was started for them."""
    inputs = plan.check_grid(grid)
    with connect() as client:
        from drift.sim.sweeps.dask_worker import SweepSetup  # Dask is there

        options = (grid, inputs, on, engine, devices, memory, threads)
        setup = SweepSetup(f"drift-{uuid.uuid4().hex}", programs(), *options)
        refill = None if count is None else partial(_refill, client.cluster, count)
        workers = DaskExecutor(client, setup, refill)
        try:
            about = workers.gather(count)
            platform = about["about"]["device"]["platform"]
            together = partial(
                sizing.batch_size,
                platform=platform,
                devices=devices,
                threads=about["threads"],
                engine=engine,
            )
            kinds = PointGroups(grid, platform, engine)
            ready = len(workers.ready)
            yield Executor(inputs, kinds, about["about"], ready, together, workers.count)
        finally:
            workers.close()


@contextmanager
def local_cluster(count: int) -> Iterator[Any]:
    """A distributed.Client of a cluster that starts `count` worker processes on this machine.

    Raises BadInput where the system lets so few files be open that they would wait for ever,
    Unfinished where no cluster can be started.
    """
    distributed = _library()
    _allow_files(count)
    from dask import config

    quiet: dict[str, list[str]] = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with config.set(quiet), _safe_path():
        try:
            _start_tracker()
            cluster = _within_a_minute(
                distributed.LocalCluster,
                n_workers=0,
                threads_per_worker=1,
                host=_LOOPBACK,
                dashboard_address=None,
                scheduler_kwargs={
                    "dashboard_address": f"{_LOOPBACK}:0",
                    "allowed_failures": _DEATHS - 1,
                },
                silence_logs=logging.CRITICAL,
                memory_limit=0,  # sim.runs.memory knows what fits; Dask would end those who take it
                preload=["drift.sim.sweeps.dask_worker"],
            )
        except Exception as error:
            why = f"{error}; the same command without --workers needs none"
            raise Unfinished(f"{count} workers can't be started here: {why}") from error
        try:
            with running_scheduler(cluster.scheduler_address) as client:
                client.cluster = cluster
                cluster.scale(count)  # returns at once: how long they may take is for us to say
                yield client
        finally:
            with suppress(Exception):
                cluster.close(timeout=_CLOSE_SECONDS)


def _refill(cluster: Any, count: int) -> int:
    """Start workers for those that could not start; return how many could not."""
    lost = sum(worker.status.name in ("failed", "closed") for worker in cluster.workers.values())
    if len(cluster.worker_spec) < count + lost:
        cluster.scale(count + lost)
    return lost


def _allow_files(count: int) -> None:
    """Let this process have the files open that `count` workers need. Raises BadInput."""
    needed = _FILES + _WORKER_FILES * count
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    if needed > most:
        raise BadInput(
            f"only {most} files may be open at a time, and {count} workers need {needed};"
            f" ulimit -n {needed} allows them"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _within_a_minute(make: Callable[..., Any], **options: Any) -> Any:
    """Return what `make` returns. Raises TimeoutError where it does not for a minute."""
    made: Future[Any] = Future()

    def work() -> None:
        try:
            made.set_result(make(**options))
        except BaseException as error:
            made.set_exception(error)

    # No pool, whose threads are waited for at the end of the process.
    threading.Thread(target=work, daemon=True).start()
    try:
        return made.result(_START_SECONDS)
    except FutureTimeout:
        raise TimeoutError(f"no scheduler within {_START_SECONDS:g} s") from None


@contextmanager
def running_scheduler(address: str) -> Iterator[Any]:
    """A distributed.Client of the scheduler at `address`. Raises BadInput where none answers."""
    distributed = _library()
    _knock(address)
    client = distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSE_SECONDS)


def _knock(address: str) -> None:
    """Raise BadInput where no scheduler answers; a Client would insist on something that does."""
    if "@" in address:  # what stands before it may be a password, and Dask has none
        raise BadInput("scheduler is an address with an @ in it; tcp://HOST:PORT is accepted")
    from distributed.core import rpc
    from distributed.security import Security
    from distributed.utils import LoopRunner

    async def answer() -> Any:
        async with rpc(address, connection_args=Security().get_connection_args("client")) as there:
            return await there.identity()

    runner = LoopRunner()
    runner.start()
    try:
        waiting = asyncio.wait_for(answer(), ANSWER_SECONDS)
        found = asyncio.run_coroutine_threadsafe(waiting, runner.loop.asyncio_loop).result()["type"]
    except TimeoutError:
        found = f"nothing within {ANSWER_SECONDS:g} s"
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    finally:
        runner.stop()
    if found != "Scheduler":
        raise BadInput(f"no Dask scheduler answers at {address!r} ({found}); use tcp://HOST:PORT")


@contextmanager
def _safe_path() -> Iterator[None]:
    """Keep processes that are started meanwhile from importing what the working directory has."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]


def _start_tracker() -> None:
    """Start what cleans up after processes, such that it does so without a word.

    Else it speaks of semaphores when a sweep is stopped at once.
    """
    sys.warnoptions.append("ignore:resource_tracker")
    resource_tracker.ensure_running()
    sys.warnoptions.pop()


def _library() -> ModuleType:
    """Return Dask distributed, made quiet: the executor says what matters of what it notices."""
    try:
        import distributed
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise BadInput(
            f"Dask distributed is not installed ({error}); pip install 'bf16-drift[dask]' brings it"
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # A worker compares what matters itself: sim.sweeps.dask_worker.
    warnings.filterwarnings("ignore", category=VersionMismatchWarning)
    return distributed
