"""A process that becomes Dask schedulers and workers by forking, for tests.

Forking saves the seconds that each would take to import Dask, JAX and drift: nothing here has
a thread, or has touched a JAX device, either of which no fork would survive. Each line on stdin is
a JSON list: ["start", role, arguments, environment, directory] is answered with the number of
a new process, ["poll", pid] with its exit status, or null as long as it lives, and ["wait", pid]
with its status once it has one.
"""

import json
import os
import subprocess
import sys
import warnings
from importlib import import_module

PRELOADED = (
    "distributed.cli.dask_scheduler",
    "distributed.cli.dask_worker",
    "drift.sim.device_check",
    "drift.sim.sweeps.dask_worker",
    "drift.sim.sweeps.local",
)


class Forker:
    """The process, as tests see it."""

    def __init__(self):
        pipe, command = subprocess.PIPE, [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def ask(self, *words):
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, role, arguments, environment, directory):
        """A Dask process of a role, scheduler or worker, that was forked."""
        return Forked(self, self.ask("start", role, arguments, environment, str(directory)))

    def close(self):
        self._process.communicate(timeout=60)


class Forked:
    """A grandchild of the tests, which is used as a subprocess.Popen is."""

    def __init__(self, forker, pid):
        self._forker, self.pid, self.returncode = forker, pid, None

    def send_signal(self, number):
        if self.poll() is None:  # until its status is asked for its number is its own
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(9)

    def poll(self):
        return self._ended("poll")

    def wait(self):
        return self._ended("wait")

    def _ended(self, how):
        if self.returncode is None:
            self.returncode = self._forker.ask(how, self.pid)
        return self.returncode


def become(role, arguments, environment, directory):
    """Be what `python -m distributed.cli.dask_ROLE` would be."""
    from dask import config

    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    config.refresh()
    name = f"distributed.cli.dask_{role}"
    sys.argv = [name, *arguments]
    import_module(name).main()


def start(*given):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        become(*given)
        status = 0
    except SystemExit as end:
        status = end.code or 0
    finally:
        os._exit(status if isinstance(status, int) else 1)


def status(pid, options):
    found, how = os.waitpid(pid, options)
    return os.waitstatus_to_exitcode(how) if found else None


def main():
    warnings.filterwarnings("ignore", "os.fork")  # JAX's, which has no thread here yet
    for name in PRELOADED:
        import_module(name)
    for line in sys.stdin:
        match json.loads(line):
            case ["start", *given]:
                answer = start(*given)
            case ["poll", pid]:
                answer = status(pid, os.WNOHANG)
            case ["wait", pid]:
                answer = status(pid, 0)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
