"""Several processes, on one host or many, that run one drift together.

They are those that jax.distributed has joined. Each holds and moves its own
tokens on its own devices; all take the same decisions in the same order, since
what they count is shared before anything follows from it. The first process alone
writes the store.

Before anything is shared the processes tell one another that all is well, so one
that failed is heard at the next meeting, and all end with its error. One that
was killed, or interrupted, is noticed by JAX: the others' meeting fails, or JAX
ends them, at once or within the 100 seconds after which it takes a silent process
for dead.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from sim import meeting
from sim.errors import BadInput

_MESSAGE = 2048
"""Bytes of an error that the others are told."""
_BAD, _FAILED = b"b", b"f"


class Elsewhere(RuntimeError):
    """Another process failed."""


class BadElsewhere(BadInput):
    """Another process was given what can't be done."""


def count() -> int:
    """How many processes there are."""
    return jax.process_count() if jax.distributed.is_initialized() else 1


def index() -> int:
    """Which one this is."""
    return jax.process_index() if count() > 1 else 0


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return index() == 0


def bounds(tokens: int) -> list[int]:
    """Process p holds tokens bounds[p] ... bounds[p + 1] - 1; BadInput for fewer than processes."""
    processes = count()
    if tokens < processes:
        raise BadInput(f"tokens is {tokens}; {processes} processes need {processes} or more")
    return [p * tokens // processes for p in range(processes + 1)]


def share(tokens: int) -> tuple[int, int]:
    """The first token of this process, and the one after its last."""
    ends = bounds(tokens)
    return ends[index()], ends[index() + 1]


@contextmanager
def together() -> Iterator[None]:
    """Let an error in the block, here or in any other process, end the block in all."""
    if count() == 1:
        yield
        return
    try:
        yield
    except (Elsewhere, BadElsewhere):
        raise
    except meeting.Parted:
        meeting.leave_at_once()
        raise
    except Exception as error:
        _meet("error", 0, error)
        raise
    except BaseException:
        meeting.leave_at_once()
        raise


def gather(array: np.ndarray) -> np.ndarray:
    """What every process brings, (processes, …); all bring the same shape."""
    if count() == 1:
        return array[None]
    _meet("gather", array.nbytes)
    return meeting.gather(array)


def merge(array: np.ndarray) -> np.ndarray:
    """One array from all: each element comes from one process, the others bring 0 there."""
    if count() == 1:
        return array
    _meet("merge", array.nbytes)
    return meeting.merge(array)


def from_first(tell: Callable[[], Any]) -> Any:
    """What `tell` returns in the first process, a JSON value, in all."""
    if count() == 1:
        return tell()
    said = json.dumps(tell()).encode() if is_first() else b""
    size = int(gather(np.array([len(said)]))[0, 0])
    text = np.zeros(size, np.uint8)
    text[: len(said)] = np.frombuffer(said, np.uint8)
    return json.loads(merge(text).tobytes())


def agree(options: dict[str, Any]) -> None:
    """Raise BadInput where this process was given other options than the first."""
    for name, theirs in from_first(lambda: options).items():
        if json.loads(json.dumps(options[name])) != theirs:
            raise BadInput(f"process {index()} has {name} {options[name]}, process 0 has {theirs}")


def _meet(what: str, size: int, error: Exception | None = None) -> None:
    """Meet the others; raises what another one brings."""
    mine = np.array([error is not None, zlib.crc32(what.encode()), size], np.int64)
    everyone = meeting.gather(mine)
    failed = np.flatnonzero(everyone[:, 0])
    if not len(failed):
        if (everyone != mine).any():
            raise meeting.Parted(f"the processes are out of step at {what}: {everyone.tolist()}")
        return
    report = np.zeros(_MESSAGE, np.uint8)
    said = f"{error}" or type(error).__name__
    text = (_BAD if isinstance(error, BadInput) else _FAILED) + said.encode()[: _MESSAGE - 1]
    report[: len(text)] = np.frombuffer(text, np.uint8)
    reports = meeting.gather(report)
    if error is None:
        text = reports[failed[0]].tobytes().rstrip(b"\0")
        said = text[1:].decode(errors="ignore")
        if text[:1] == _BAD:
            raise BadElsewhere(said)
        raise Elsewhere(f"process {failed[0]} failed: {said}")
