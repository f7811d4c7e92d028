"""The devices a drift runs on, and how much memory is free.

A device that was asked for and is not there is an error, never a silent fall to
the CPU. JAX is imported here late, and told to look at the CPU alone where only
the CPU is wanted, so that a GPU's memory is left alone. A CPU is as many virtual
devices as are asked for, if that is before JAX first looks at it.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from drift.sim.errors import BadInput
from drift.sim.share import share

if TYPE_CHECKING:
    import jax

Device = Literal["auto", "cpu", "gpu", "tpu"]
_MOST = 1024
"""More virtual devices are a slip of the finger, and would take all memory."""


def prepare(count: int) -> None:
    """Ask for `count` virtual devices, should the device be the CPU; before `several`.

    Raises BadInput for more than make sense.
    """
    import jax

    if count > _MOST:
        raise BadInput(f"devices is {count}; it must be in 1 ... {_MOST}")

    name = "jax_num_cpu_devices"
    if count > max(1, getattr(jax.config, name)):
        with suppress(RuntimeError):  # JAX has looked already, and has what it has
            jax.config.update(name, count)


def several(name: str, count: int, worker: int = 0) -> "tuple[jax.Device, ...]":
    """The first `count` devices called `name` of this process; BadInput where there are fewer.

    Of several workers on a machine each takes its own: sim.share.
    """
    if count < 1:
        raise BadInput(f"devices is {count}; it must be 1 or more")
    devices = _all(name)
    if len(devices) < count:
        kind = devices[0].platform
        late = "; ask for more before JAX is used" if kind == "cpu" else ""
        raise BadInput(f"devices is {count}; JAX finds {len(devices)} of {kind}{late}")
    return tuple(share(worker, devices, count))


def find(name: str = "auto") -> "jax.Device":
    """The first device called `name`; raises BadInput where there is none."""
    return _all(name)[0]


def _all(name: str) -> "list[jax.Device]":
    """The devices called `name` of this process."""
    if name not in get_args(Device):
        raise BadInput(f"device is {name!r}; it must be one of {', '.join(get_args(Device))}")
    import jax

    try:
        return jax.local_devices(backend=None if name == "auto" else name)
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
    return cores() if device.platform == "cpu" else 1


def cores() -> int:
    """The cores that this thread may use."""
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
