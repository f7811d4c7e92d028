"""`drift info`: versions, devices, the compilation cache, and where things are.

It is what a report of a defect needs, so it is told where JAX finds no device too.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from drift.experiments.cli.options import AsJson

EXAMPLE = "drift info"

_VARIABLES = ("DRIFT_", "JAX_", "XLA_", "CUDA_", "TPU_")
"""Beginnings of the names that change what a device does; none of them holds a secret."""


def command(
    as_json: AsJson = False,
) -> None:
    """Show versions, devices, the cache and paths, in one block to paste into a report."""
    found = gather()
    if as_json:
        print(json.dumps(found))
        return
    from rich.table import Table

    from drift.experiments.console.terminal import LINE, new_console
    from drift.sim.errors import printable

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in found["versions"].items():
        table.add_row(name, text)
    table.add_row("sources", found["sources"])
    for device in found["devices"]:
        table.add_row("device", printable(_device_line(device), LINE))
    if found["no_device"]:
        table.add_row("device", printable(found["no_device"], LINE))
    usable, memory = found["usable_cores"], found["memory"]
    table.add_row("processor", f"{found['processor']}, {found['cores']} cores, {usable} usable")
    table.add_row("memory", f"{_gib(memory['total'])}, {_gib(memory['free'])} free")
    table.add_row("system", printable(found["system"], LINE))
    for name, value in found["environment"].items():
        table.add_row("set", printable(f"{name}={value}", LINE))
    table.add_row("cache", printable(_cache_line(found["cache"]), LINE))
    for name in ("results", "package", "executable"):
        table.add_row(name, printable(found[name], LINE))
    if found["commit"]:
        table.add_row("commit", printable(found["commit"], LINE))
    # Fences, so that it can be pasted into an issue as it is.
    print("```text")
    new_console().print(table)
    print("```")


def gather() -> dict[str, Any]:
    """Return the values to show."""
    from drift.experiments.console.machine import extras, processor, versions
    from drift.sim.devices import device, host_memory
    from drift.sim.source_digest import short_digest

    package = Path(__file__).resolve().parent.parent
    environment = {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
    }  # before JAX sets some
    devices, why = _devices()
    return {
        "versions": {"python": platform.python_version(), **versions(), **extras()},
        "sources": short_digest(),
        "devices": devices,
        "no_device": why,
        "processor": processor(),
        "cores": os.cpu_count(),
        "usable_cores": device.cores(),
        "memory": {
            "total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            "free": host_memory.free_memory(),
        },
        "system": platform.platform(),
        "environment": environment,
        "cache": _cache(),
        "results": str(Path("results").absolute()),
        "package": str(package),
        "executable": sys.executable,
        "commit": _commit(package),
    }


def _devices() -> tuple[list[dict[str, Any]], str | None]:
    """Return the devices that JAX finds, alike ones together, or why it finds none."""
    import jax

    from drift.sim.devices import device
    from drift.sim.errors import BadInput

    try:
        device.find_device()
    except BadInput as error:
        return [], str(error)
    found: dict[tuple[Any, ...], int] = {}
    for each in jax.devices():
        limit = (each.memory_stats() or {}).get("bytes_limit")
        key = each.platform, each.device_kind, limit, each.client.platform_version
        found[key] = found.get(key, 0) + 1
    names = "platform", "kind", "memory", "runtime"
    return [{**dict(zip(names, key, strict=True)), "count": n} for key, n in found.items()], None


def _device_line(found: dict[str, Any]) -> str:
    memory = f", {_gib(found['memory'])} each" if found["memory"] else ""
    runtime = "" if found["platform"] == "cpu" else f", {' '.join(found['runtime'].split())}"
    return f"{found['platform']}: {found['kind']} × {found['count']}{memory}{runtime}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _commit(package: Path) -> str | None:
    """Return the commit that is checked out, if the package is a checkout of its own."""
    if not (package / ".git").exists():
        return None
    command = ["git", "-C", str(package), "describe", "--always", "--dirty"]
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _cache() -> dict[str, Any]:
    """The compilation cache as the verbs that compute will find it."""
    from drift.sim.devices import cache

    place = cache.cache_location()
    entries, size = place.size()
    directory = None if place.directory is None else str(place.directory)
    return {"directory": directory, "off": place.off or None, "entries": entries, "bytes": size}


def _cache_line(found: dict[str, Any]) -> str:
    if found["off"]:
        return ": ".join(part for part in ("off", found["directory"], found["off"]) if part)
    return f"{found['directory']}: {found['entries']:,} programs, {found['bytes'] / 1e3:,.0f} kB"
