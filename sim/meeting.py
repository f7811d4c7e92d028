"""How processes that jax.distributed has joined pass arrays to one another.

Arrays travel as 32-bit words, which every backend adds and gathers alike, filled
up to a power of two so that few shapes are compiled. All processes call the same
functions in the same order, from one thread.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from sim.errors import BadInput


class Parted(RuntimeError):
    """The other processes can't be reached any more."""


def join(where: str) -> None:
    """Join the other processes; before anything else uses JAX.

    `where` is auto, for JAX to find them, or HOST:PORT,COUNT,INDEX: where the
    first process listens, how many there are, and which one this is, from 0. JAX
    waits five minutes for those that are missing. Raises BadInput for what is neither,
    and where JAX finds none.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if where == "auto":
        try:
            jax.distributed.initialize()
        except ValueError as error:
            raise BadInput(
                "distributed is auto, and JAX finds no TPU pod, Slurm, Open MPI or Kubernetes;"
                " say HOST:PORT,COUNT,INDEX"
            ) from error
    else:
        address, count, index = _parsed(where)
        jax.distributed.initialize(address, count, index)
    if handler is not None:  # JAX takes it, and does not end on it
        signal.signal(signal.SIGTERM, handler)


def _parsed(where: str) -> tuple[str, int, int]:
    address, *numbers = where.split(",")
    if len(numbers) == 2 and all(n.isdecimal() for n in numbers):
        count, index = map(int, numbers)
        host, _, port = address.rpartition(":")
        if host and port.isdecimal() and 0 <= index < count:
            return address, count, index
    raise BadInput(
        f"distributed is {where!r}; it must be auto or HOST:PORT,COUNT,INDEX with INDEX from 0"
    )


def gather(array: np.ndarray) -> np.ndarray:
    """What every process brings, (processes, …)."""
    return _sent(array, _everyones)


def merge(array: np.ndarray) -> np.ndarray:
    """One array, of which each process brings some elements and zeros for the others'."""
    return _sent(array, _summed)[0]


def leave_at_once() -> None:
    """End this process, when it ends, without waiting for the others, as JAX would."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    atexit.register(leave)


def _sent(array: np.ndarray, share: Callable[[jax.Array], jax.Array]) -> np.ndarray:
    """The arrays that `share` makes of all that are brought, (arrays, …)."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = np.zeros((1, 1 << max(0, -(-len(flat) // 4) - 1).bit_length()), np.uint32)
    words.view(np.uint8)[0, : len(flat)] = flat
    mesh = _mesh()
    try:
        with _quietly():
            brought = multihost_utils.host_local_array_to_global_array(
                words, mesh, PartitionSpec("process")
            )
            whole = NamedSharding(mesh, PartitionSpec())
            shared = jax.block_until_ready(jax.jit(share, out_shardings=whole)(brought))
            answer = np.asarray(shared.addressable_data(0))
    except Exception as error:  # JAX has several for this; either way the others are ahead
        raise Parted(f"the other processes are lost: {error}") from error
    found = np.ascontiguousarray(answer).view(np.uint8)[:, : len(flat)]
    return np.ascontiguousarray(found).view(array.dtype).reshape(-1, *array.shape)


def _everyones(words: jax.Array) -> jax.Array:
    return words


def _summed(words: jax.Array) -> jax.Array:
    return jnp.sum(words, axis=0, keepdims=True, dtype=jnp.uint32)


@cache
def _mesh() -> Mesh:
    """All devices, those of a process in a row."""
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    return Mesh(np.array(devices).reshape(jax.process_count(), -1), ("process", "device"))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep off stdout what the CPU's transport prints when it connects, which is once."""
    if _connected:
        yield
        return
    sys.stdout.flush()
    out, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(out, 1)
        os.close(out)
        os.close(nowhere)
    _connected.append(True)


_connected: list[bool] = []
