"""Dask's part of a sweep: a cluster of this machine, or a scheduler that runs somewhere.

A scheduler must be trusted: Dask pickles what it carries, so that whoever reaches its
port can have its workers, and those who are connected to it, run any code. The one that
is started here listens on the loopback alone, which other users of the same machine
reach too. Dask's own settings for TLS apply, and tls:// addresses.
"""

import asyncio
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import ModuleType
from typing import Any

from drift.sim.errors import BadInput, Unfinished

ANSWER_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_LOOPBACK = "127.0.0.1"


@contextmanager
def local_cluster(count: int) -> Iterator[Any]:
    """A distributed.Client of `count` new worker processes on this machine.

    Raises Unfinished where they can't be started.
    """
    distributed = _library()
    from dask import config

    with config.set(
        {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    ):
        try:
            _start_tracker()
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host=_LOOPBACK,
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": f"{_LOOPBACK}:0"},
                silence_logs=logging.CRITICAL,
                memory_limit=0,  # sim.runs.memory knows what fits; Dask would end those who take it
                preload=["drift.sim.sweeps.workers.worker"],
            )
        except Exception as error:
            raise Unfinished(f"{count} workers can't be started here: {error}") from error
        try:
            with running_scheduler(cluster.scheduler_address) as client:
                yield client
        finally:
            with suppress(Exception):
                cluster.close(timeout=_CLOSE_SECONDS)


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
        raise BadInput(
            f"no Dask scheduler answers at {address!r}, but {found}; tcp://HOST:PORT names one"
        )


def _start_tracker() -> None:
    """Start what cleans up after processes, such that it does so without a word.

    Else it speaks of semaphores when a sweep is stopped at once.
    """
    sys.warnoptions.append("ignore:resource_tracker")
    resource_tracker.ensure_running()
    sys.warnoptions.pop()


def _library() -> ModuleType:
    """Dask distributed, made quiet: what matters of what it notices is told by the team."""
    try:
        import distributed
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise BadInput(
            f"Dask distributed is not there ({error}); pip install 'bf16-drift[dask]' brings it"
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings(
        "ignore", category=VersionMismatchWarning
    )  # sim.sweeps.workers.line compares them
    return distributed
