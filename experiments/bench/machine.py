"""The machine a measurement was made on, in words that fit into a page."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from drift.experiments.bench import c_loop
from drift.experiments.versions import versions

_PACKAGES = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "torch")
_VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd", "sse4_2")
"""Instruction sets, the widest first."""


def describe(device: Any, workers: int) -> dict[str, Any]:
    """Processor, memory, versions; `device` is JAX's, `workers` the threads everyone gets."""
    return {
        "processor": processor(),
        "vectors": next((name for name in _VECTORS if name in _cpuinfo_flags()), None),
        "cores": os.cpu_count(),
        "threads": workers,
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "device": {"platform": device.platform, "kind": device.device_kind},
        "python": platform.python_version(),
        "compiler": _compiler(),
        "versions": versions(_PACKAGES),
    }


def processor() -> str:
    """The processor's name."""
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        named = subprocess.run(command, capture_output=True, text=True, check=False)
        if named.returncode == 0:
            return named.stdout.strip()
    return platform.processor() or platform.machine()


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return []


def _cpuinfo_flags() -> set[str]:
    lines = (line for line in _cpuinfo() if line.startswith(("flags", "Features")))
    return {flag for line in lines for flag in line.split(":", 1)[1].split()}


def _compiler() -> str | None:
    try:
        return c_loop.version()
    except c_loop.Missing:
        return None
