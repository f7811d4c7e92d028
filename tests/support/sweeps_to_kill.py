"""A process that sweeps in children and kills them, for tests.

Its first argument is a file with what the points of tests.support.builders.life count
(tests.support.counted_before). Each line on stdin is a stage, a number of seconds, and the
path of a store into which a child sweeps life. Its life begins, with stage 0, when
everything is loaded; a stage ends with each batch that is done. It is killed so many seconds
into that stage. Its status is printed, and how long each stage was that it saw the end
of. Forking saves the seconds that imports take: nothing here has touched a JAX device,
which no fork would survive.
"""

import itertools
import os
import pickle
import signal
import sys
import time
import warnings
from pathlib import Path

from drift.sim.sweeps.sweep import sweep
from tests.support.builders import life


def child(path, ready, counted):
    os.write(ready, b".")
    each_batch = {"progress": lambda session: os.write(ready, b"."), "flush_seconds": 0.0}
    sweep(life(), path, on="cpu", by=counted.telling, **each_batch)


def lived(path, last, seconds, counted):
    """The status of a child, and the seconds of its stages."""
    heard, ready = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            child(path, ready, counted)
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
    counted = pickle.loads(Path(sys.argv[1]).read_bytes())
    for line in sys.stdin:
        last, seconds, path = line.strip().split(maxsplit=2)
        status, stages = lived(Path(path), int(last), float(seconds), counted)
        print(status, *stages, flush=True)


if __name__ == "__main__":
    main()
