"""`drift info`: versions, devices, the compilation cache, and where things are."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLE = "Example: drift info --json"

_PACKAGES = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "zarr", "matplotlib", "typer")


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Show versions, devices, the compilation cache, and where things are."""
    found = gather()
    if as_json:
        print(json.dumps(found))
        return
    from rich.table import Table

    from experiments.screen import readable, screen

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in found["versions"].items():
        table.add_row(name, text)
    for device in found["devices"]:
        table.add_row("device", f"{device['platform']}: {device['kind']} × {device['count']}")
    table.add_row("cache", readable(_cache_line(found["cache"])))
    for name in ("results", "package"):
        table.add_row(name, readable(found[name]))
    screen().print(table)


def gather() -> dict[str, Any]:
    """What is shown, as plain values."""
    import jax

    devices: dict[tuple[str, str], int] = {}
    for device in jax.devices():
        key = (device.platform, device.device_kind)
        devices[key] = devices.get(key, 0) + 1
    return {
        "versions": {"python": platform.python_version(), **versions()},
        "devices": [
            {"platform": name, "kind": kind, "count": count}
            for (name, kind), count in devices.items()
        ],
        "cores": os.cpu_count(),
        "cache": _cache(),
        "results": str(Path("results").absolute()),
        "package": str(Path(__file__).resolve().parent.parent),
    }


def _cache() -> dict[str, Any]:
    """The compilation cache as the verbs that compute will find it."""
    from sim import cache

    place = cache.place()
    entries, size = place.size()
    directory = None if place.directory is None else str(place.directory)
    return {"directory": directory, "off": place.off or None, "entries": entries, "bytes": size}


def _cache_line(found: dict[str, Any]) -> str:
    if found["off"]:
        return ": ".join(part for part in ("off", found["directory"], found["off"]) if part)
    return f"{found['directory']}: {found['entries']:,} programs, {found['bytes'] / 1e3:,.0f} kB"


def versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """The installed version of each package, or "not installed"."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
