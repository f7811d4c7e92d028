"""Whole processes, timed from their start to their end."""

import os
import subprocess
import time
from typing import Any, NamedTuple

from drift.experiments.bench import script
from drift.experiments.bench.setting import Setting


class Done(NamedTuple):
    """A process that has ended well."""

    seconds: float
    """seconds from its start to its end"""
    found: dict[str, Any]
    """the document that it wrote"""


def process(command: list[str], setting: Setting, **variables: str) -> tuple[float, str]:
    """Run a command to its end; return its seconds, and what it printed.

    Environment variables are those of this process, with as many threads as the setting has, no
    cache of JAX's own, and `variables`. Raises RuntimeError where the command fails.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(setting.threads))
    environment = {**os.environ, **threads, **variables}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    began = time.perf_counter()
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd=setting.scratch,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        said = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        what = " ".join(command[1:4]).replace(script.__file__, "the script")
        raise RuntimeError(f"{what} exited with status {done.returncode}: {said}")
    return seconds, done.stdout
