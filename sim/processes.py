"""Which process something was left by, and whether that one is no more.

identity    its number, the running system and name space in which that is its number, and
            when it began, since numbers come again. Known on Linux alone: elsewhere, and
            from another machine, no process is known to be gone
"""

import os
from pathlib import Path
from typing import Any


def identity(pid: int | None = None) -> dict[str, Any]:
    """The identity of a process of this machine, this one by default; plain JSON."""
    pid = os.getpid() if pid is None else pid
    return {"pid": pid, "where": _where(), "began": _began(pid)}


def gone(known: dict[str, Any]) -> bool:
    """Whether a process, whose identity may be wrong in any way, is known to be no more."""
    pid, where, began = (known.get(name) for name in ("pid", "where", "began"))
    if not isinstance(pid, int) or not 0 < pid < 2**31 or not where or where != _where():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    return bool(began) and began != _began(pid)


def _where() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When it began, in the system's own ticks; nothing of one that has ended, or is not to see."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]
