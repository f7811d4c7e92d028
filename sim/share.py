"""Which part of its machine a worker takes: some of the cores, some of the accelerators.

index       a worker's number among those of its machine, from 0
accelerator what CUDA_VISIBLE_DEVICES names; each worker takes its own where there are enough

Both are chosen before JAX first looks at the machine. The cores are those of the thread
that asks, and of the threads that it starts from then on, JAX's among them: a process
that others use too keeps its own.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

_CUDA = "CUDA_VISIBLE_DEVICES"
_FRACTION = "XLA_PYTHON_CLIENT_MEM_FRACTION"
_USUAL_FRACTION = 0.75
"""Of an accelerator's memory, which JAX takes at once."""

_Each = TypeVar("_Each")


def share(index: int, among: Sequence[_Each], size: int = 1) -> list[_Each]:
    """The `size` of `among` that worker `index` takes; all of them where there are no more.

    No one is taken twice before there is no group of `size` left that nobody took.
    """
    groups = max(1, len(among) // size)
    start = index % groups * size
    return list(among[start : start + size])


def take_cores(index: int, count: int) -> None:
    """Let this thread, and those it starts, use `count` cores; where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, share(index, usable, min(count, len(usable))))


def take_accelerators(index: int, workers: int, count: int) -> None:
    """Let this process see `count` accelerators alone, of those of its machine."""
    os.environ.update(environment(index, workers, count, _accelerators()))


def environment(index: int, workers: int, count: int, names: Sequence[str]) -> dict[str, str]:
    """The variables that say so, where accelerators are called `names`.

    Where there are more `workers` than that they share an accelerator's memory.
    """
    if not names:
        return {}
    found = {_CUDA: ",".join(share(index, names, count))}
    sharing = -(-workers // max(1, len(names) // count))
    if sharing > 1 and _FRACTION not in os.environ:
        found[_FRACTION] = f"{_USUAL_FRACTION / sharing:.3f}"
    return found


@cache
def _accelerators() -> list[str]:
    """The names of those that CUDA showed this process first; the driver is left alone."""
    if _CUDA in os.environ:
        return [name.strip() for name in os.environ[_CUDA].split(",") if name.strip()]
    return [str(number) for number in range(len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))]
