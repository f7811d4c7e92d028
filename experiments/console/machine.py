"""The processor of this machine, and the installed versions of packages that drift uses."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    *("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "scipy"),
    *("zarr", "numcodecs", "matplotlib", "rich", "typer"),
)
_EXTRAS = (
    *("jax-cuda12-plugin", "jax-cuda13-plugin", "libtpu"),
    *(
        "xarray",
        "pandas",
        "ipython",
        "ipykernel",
        "jupyterlab",
        "s3fs",
        "distributed",
        "tokenizers",
        "h5py",
    ),
)
"""Optional packages, reported where they are installed."""
_VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd", "sse4_2")
"""Instruction sets, the widest first."""
_MISSING = "not installed"


def versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """Return the installed version of each package, or "not installed"."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = _MISSING
    return found


def extras() -> dict[str, str]:
    """Return the versions of the optional packages that are installed."""
    return {name: found for name, found in versions(_EXTRAS).items() if found != _MISSING}


def processor() -> str:
    """Return the name of the processor."""
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


def vectors() -> str | None:
    """Return the widest known vector instruction set of the processor, or None."""
    lines = (line for line in _cpuinfo() if line.startswith(("flags", "Features")))
    flags = {flag for line in lines for flag in line.split(":", 1)[1].split()}
    return next((name for name in _VECTORS if name in flags), None)
