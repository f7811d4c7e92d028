"""The devices a drift runs on, and a worker's share of its machine.

A device that was asked for and is not there is an error, never a silent fall to
the CPU. JAX is imported here late, and told to look at the CPU alone where only
the CPU is wanted, so that a GPU's memory is left alone. A CPU is as many virtual
devices as are asked for, if that is before JAX first looks at it.

index        a worker's number among those of its machine, from 0
accelerator  what CUDA_VISIBLE_DEVICES names; each worker takes its own where there are enough

A worker's cores and accelerators are chosen before JAX first looks at the machine. The cores are
those of the calling thread, and of the threads that it starts from then on, JAX's among them: a
process that others use too keeps its own.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from drift.sim.errors import BadInput

if TYPE_CHECKING:
    import jax

    from drift.sim.devices.host import Host
    from drift.sim.devices.shards import Shards

_CUDA = "CUDA_VISIBLE_DEVICES"
_FRACTION = "XLA_PYTHON_CLIENT_MEM_FRACTION"
_USUAL_FRACTION = 0.75
"""The share of an accelerator's memory that JAX takes at once."""

_Each = TypeVar("_Each")


def share(index: int, among: Sequence[_Each], size: int = 1) -> list[_Each]:
    """Return the `size` of `among` that worker `index` takes; all of them where there are no more.

    A second worker gets the same ones only after every group of `size` has a worker.
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
    os.environ.update(accelerator_environment(index, workers, count, _accelerators()))


def accelerator_environment(
    index: int, workers: int, count: int, names: Sequence[str]
) -> dict[str, str]:
    """Return the variables that show a process `count` of the accelerators called `names`.

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
    """Return the accelerators that CUDA showed this process first; leave the driver alone."""
    if _CUDA in os.environ:
        return [name.strip() for name in os.environ[_CUDA].split(",") if name.strip()]
    return [str(number) for number in range(len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))]


Device = Literal["auto", "cpu", "gpu", "tpu"]
_MOST = 1024
"""More virtual devices are a slip of the finger, and would take all memory."""


def configure(name: str, count: int = 1) -> None:
    """Tell JAX of our settings, its cache and `count` devices called `name`, before it is used.

    JAX is told when it is first asked for devices, and not loaded before. For the command line:
    importers of the library configure JAX themselves. Raises BadInput for more devices than make
    sense; a device is not found where JAX can't meet its settings.
    """
    _check_count(count)
    _wanted[:] = [(name, count)]


_wanted: list[tuple[str, int]] = []
"""The names and numbers of devices that JAX is still to be told of."""


def tell_jax() -> None:
    """Tell JAX what `configure` was told, once; before what needs JAX and asks for no device.

    Raises BadInput for settings that it can't meet.
    """
    from drift.sim.devices import cache, settings

    while _wanted:
        name, count = _wanted.pop()
        settings.use_ours()
        cache.turn_on()
        if name == "cpu":
            only_cpu()
        request_devices(count)


def _check_count(count: int) -> None:
    if count > _MOST:
        raise BadInput(f"devices is {count}; it must be in 1 ... {_MOST}")


def request_devices(count: int) -> None:
    """Ask for `count` virtual devices, should the device be the CPU; before `find_devices`.

    Raises BadInput for more than make sense.
    """
    _check_count(count)
    if count <= 1:
        return
    import jax

    name = "jax_num_cpu_devices"
    if count > max(1, getattr(jax.config, name)):
        with suppress(RuntimeError):  # JAX has looked already, and has what it has
            jax.config.update(name, count)


def find_devices(name: str, count: int, worker: int = 0) -> "tuple[jax.Device, ...]":
    """Return the first `count` devices called `name` of this process.

    Of several workers on a machine each takes its own. Raises BadInput where there are
    fewer.
    """
    if count < 1:
        raise BadInput(f"devices is {count}; it must be 1 or more")
    devices = _all(name)
    if len(devices) < count:
        kind = devices[0].platform
        late = "; ask for more before JAX is used" if kind == "cpu" else ""
        raise BadInput(f"devices is {count}; JAX finds {len(devices)} of {kind}{late}")
    return tuple(share(worker, devices, count))


def find_device(name: str = "auto") -> "jax.Device":
    """Return the first device called `name`; raise BadInput where there is none."""
    return _all(name)[0]


def _all(name: str) -> "list[jax.Device]":
    """Return the devices called `name` of this process."""
    tell_jax()
    if name not in get_args(Device):
        raise BadInput(f"device is {name!r}; it must be one of {', '.join(get_args(Device))}")
    import jax

    from drift.sim.devices import settings

    config: Any = jax.config  # which does not name its options to the type checker
    if config.jax_disable_jit:
        raise BadInput("JAX compiles nothing, and steps would take minutes; unset JAX_DISABLE_JIT")
    try:
        return jax.local_devices(backend=None if name == "auto" else name)
    except (RuntimeError, AssertionError) as error:
        where = settings.unset("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
        why = f"; {where}" if where else ""
        raise BadInput(f"device {name} is not available; JAX finds {_found()}{why}") from error


def _found() -> str:
    """Return the platforms that JAX finds."""
    import jax

    try:
        return ", ".join(sorted({device.platform for device in jax.devices()}))
    except (RuntimeError, AssertionError):
        return "none"


def only_cpu() -> None:
    """Keep JAX from touching accelerators in this process; call before it is used."""
    import jax

    jax.config.update("jax_platforms", "cpu")


def threads(on: "Shards | Host") -> int:
    """Return how many chunks to work on side by side: a CPU's usable cores, one elsewhere."""
    return cores() if on.on_host else 1


def cores() -> int:
    """Return the number of cores that this thread may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
