"""A process that sweeps in children and kills them, for tests.

Each line on stdin is a stage, a number of seconds, and the path of a store into which a
child sweeps tests.support.builders.life. Its life begins, with stage 0, when everything is loaded
and compiled; a stage ends with each batch that is done. It is killed so many seconds
into that stage. Its status is printed, and how long each stage was that it saw the end
of. Forking saves the seconds that imports take: nothing here has touched a JAX device,
which no fork would survive, and compiled programs come from a cache.
"""

import itertools
import os
import signal
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drift.sim.batches import batch
from drift.sim.devices import cache, device
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import life


def child(path, ready):
    cache.turn_on()
    device.only_cpu()
    on = device.find_device("cpu")
    with ThreadPoolExecutor(device.worker_count(on)) as pool:
        batch.count_batch([life().drift(0)], on, pool)
    os.write(ready, b".")
    each_batch = {"progress": lambda session: os.write(ready, b"."), "flush_seconds": 0.0}
    sweep(life(), path, on="cpu", **each_batch)


def lived(path, last, seconds):
    """The status of a child, and the seconds of its stages."""
    heard, ready = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            child(path, ready)
            status = 0
        finally:
            os._exit(status)
    os.close(ready)
    os.read(heard, 1)
    times = [time.monotonic()]
    while len(times) <= last and os.read(heard, 1):
        times.append(time.monotonic())
    if len(times) > last:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)  # it has its number until it is waited for
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(heard)
    times.append(time.monotonic())
    return status, [after - before for before, after in itertools.pairwise(times)]


def main():
    warnings.filterwarnings("ignore", "os.fork")  # JAX's, which has no thread here yet
    for line in sys.stdin:
        last, seconds, path = line.strip().split(maxsplit=2)
        status, stages = lived(Path(path), int(last), float(seconds))
        print(status, *stages, flush=True)


if __name__ == "__main__":
    main()
