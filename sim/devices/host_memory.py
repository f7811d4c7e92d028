"""Memory of the host that is free, asked for before work that may need much of it.

free       what the system has without swapping, less where a control group, or the limit on the
           process's address space (ulimit -v), allows less
reclaimed  of a control group: memory that holds files, which it gives back when it needs room
"""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drift.sim.errors import BadInput

_GROUPS = {
    "": ("", "memory.max", "memory.current", "inactive_file"),
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Folder, file of the limit, file of the use, and entry of memory.stat for what can be reclaimed,
by the controller that /proc/self/cgroup names: version 2 of control groups names none."""


def free_memory() -> int:
    """Return the bytes of host memory that can be had without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(0, min(free, *_free_in_groups(), free_address_space() or free))


def free_address_space() -> int | None:
    """Return the bytes that the process can still map; None where nothing limits it."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    used = 0
    with suppress(OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0])
    return max(1, limit - used * os.sysconf("SC_PAGE_SIZE"))


def check_memory(needed: float, what: str) -> None:
    """Raise BadInput, which begins with `what`, where so many bytes are not free."""
    if needed > (free := free_memory()):
        raise BadInput(f"{what} needs {gib(needed)} of memory; {gib(free)} are free")


def gib(size: float) -> str:
    """Return the text of a number of bytes."""
    size /= 2**30
    return f"{size:.3g} GiB" if size < 1000 else f"{size:,.0f} GiB"


def _free_in_groups(system: Path = Path("/")) -> Iterator[int]:
    """Yield what is free in each control group that the process is in, if it has a limit."""
    with suppress(OSError):
        for line in (system / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in set(controllers.split(",")) & set(_GROUPS):
                folder, *names = _GROUPS[controller]
                root = system / "sys/fs/cgroup" / folder
                here = root / path.lstrip("/")
                # In a container the path may be the host's, but the root is its own group.
                for group in (here, *here.parents):
                    if group.is_relative_to(root):
                        yield from _free_in_group(group, *names)


def _free_in_group(group: Path, limit: str, used: str, reclaimed: str) -> Iterator[int]:
    """Yield what is free in one control group, if it has a limit."""
    with suppress(OSError, ValueError):  # it is not there, or its limit is "max"
        free = int((group / limit).read_text()) - int((group / used).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        yield free + int(stat.get(reclaimed, 0))
