"""The CPU without JAX, where a drift needs none of its kernels."""

import importlib.util
import os
import sys
from importlib.metadata import entry_points

_PLUGINS = ("jax_plugins", "libtpu")
"""Packages by which JAX finds accelerators; without them it has the CPU alone."""


class Host:
    """The CPU where JAX is not loaded; else sim.devices.shards.Shards stands for it."""

    platform, kind, on_host = "cpu", "cpu", True
    devices = ()

    def __len__(self) -> int:
        return 1


def is_cpu(name: str) -> bool:
    """Return whether a device called `name` is the CPU; JAX is not loaded to find out."""
    if name != "auto":
        return name == "cpu"
    if "jax" in sys.modules:
        from drift.sim.devices.device import find_device

        return find_device(name).platform == "cpu"
    for variable in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"):
        if os.environ.get(variable):
            return os.environ[variable] == "cpu"
    there = any(importlib.util.find_spec(package) for package in _PLUGINS)
    return not there and not entry_points(group="jax_plugins")
