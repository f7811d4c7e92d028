"""Errors with messages of one line, and the escaping of text in them.

printable   of text from files or libraries: nothing in it can steer a terminal
blank       of a name: there is nothing to see of it
"""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Answers of a disk that is full, or fails; other answers say that the path is wrong."""


class BadInput(ValueError):
    """A request that can't be met as it is; nothing was written. Exit status 2.

    >>> import drift
    >>> try:
    ...     drift.Drift(sigma=1e-9, rounding="up")
    ... except drift.BadInput as error:
    ...     print(error)
    rounding is 'up'; it must be one of nearest, toward-zero, stochastic
    """


class NotBegun(BadInput):
    """A store that was being created when its writer was stopped: less than an empty one."""


class Damaged(BadInput):
    """A store does not hold what was written to it."""


class MissingData(Damaged):
    """A store lacks something that was written to it; the rest may be whole."""


class Unfinished(RuntimeError):
    """The work can't go on as things are; what is done is kept. Exit status 1."""


class StorageError(OSError):
    """Object storage is at fault, or how it is meant to be reached: where, and what is said."""

    def __init__(self, where: str, said: str):
        super().__init__(errno.EIO, said)
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.strerror}"


def ran_out(error: BaseException) -> bool:
    """Return whether an error says that memory ran out: the host's or, through JAX, a device's."""
    names = {each.__name__ for each in type(error).__mro__}
    of_jax = names & {"JaxRuntimeError", "XlaRuntimeError"}
    return isinstance(error, MemoryError) or (bool(of_jax) and "RESOURCE_EXHAUSTED" in str(error))


def unwritten(what: object, error: OSError, then: str = "") -> BadInput | Unfinished:
    """Return the error for `what` that can't be written: Unfinished where a disk is full, or fails.

    `then` says how to go on.
    """
    line = f"{what} can't be written: {error.strerror or error}"
    return Unfinished(line + then) if error.errno in FULL else BadInput(line)


_MOST = 120


def printable(text: str, most: int = _MOST) -> str:
    """Return `text` with its unprintable characters escaped, cut after `most` characters."""
    start = "".join(each if each.isprintable() else _escaped(each) for each in text[: most + 1])
    return start if len(text) <= most and len(start) <= most else start[: most - 1] + "…"


def printable_name(name: str) -> str:
    """Return a name from a file as `printable` does, in quotes where it is blank."""
    return printable(name) if name.strip() else printable(repr(name))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
