"""The device a drift runs on, and how much memory is free.

A device that was asked for and is not there is an error, never a silent fall to
the CPU. JAX is imported here late, and told to look at the CPU alone where only
the CPU is wanted, so that a GPU's memory is left alone.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from sim.errors import BadInput

if TYPE_CHECKING:
    import jax

Device = Literal["auto", "cpu", "gpu", "tpu"]


def find(name: str = "auto") -> "jax.Device":
    """The first device called `name`; raises BadInput where there is none."""
    if name not in get_args(Device):
        raise BadInput(f"device is {name!r}; it must be one of {', '.join(get_args(Device))}")
    import jax

    try:
        return jax.devices(None if name == "auto" else name)[0]
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"device {name} is not there; JAX finds {_found()}") from error


def _found() -> str:
    """The platforms that JAX finds, or why it finds none."""
    import jax

    try:
        return ", ".join(sorted({device.platform for device in jax.devices()}))
    except (RuntimeError, AssertionError):
        return f"none (JAX_PLATFORMS is {os.environ.get('JAX_PLATFORMS', 'not set')})"


def only_cpu() -> None:
    """Keep JAX from touching accelerators in this process; call before it is used."""
    import jax

    jax.config.update("jax_platforms", "cpu")


def workers(device: "jax.Device") -> int:
    """Chunks to work on side by side: the usable cores of a CPU, one elsewhere."""
    if device.platform != "cpu":
        return 1
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def free_memory() -> int:
    """Bytes of host memory that can be had without swapping.

    Linux's MemAvailable, less where a control group allows less; elsewhere all
    physical memory.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no control group, or no limit ("max")
    return free
