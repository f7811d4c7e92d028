"""A note on object storage that says which process writes a store.

age     since it was written, by the storage's own clock: other machines' may be wrong
free    old enough: who wrote it has not written it again

Storage that knows writes with conditions, as S3 does, lets one alone of several replace
a note. Elsewhere all that helps is to look before a write and after it.
"""

import json
import os
import platform
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from drift.sim.legible import legible
from drift.sim.trouble import code

LAPSE = 60.0
"""Seconds after which a note that was not written again is free."""
_ABSENT = ("NoSuchKey", "404")
_MISSED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", *_ABSENT)
"""What the storage says where a condition does not hold."""


@dataclass(frozen=True)
class Note:
    """One that was found."""

    says: dict[str, Any]
    """who wrote it, if it can be read"""
    age: float
    """seconds"""
    tag: str
    """what a condition knows it by"""

    def is_free(self, lapse: float = LAPSE) -> bool:
        """Whether anybody may replace it."""
        return self.age >= lapse

    @property
    def who(self) -> str:
        """The process, for a message."""
        pid, host = (self.says.get(name, "?") for name in ("pid", "host"))
        return legible(f"process {pid} on {host}")


def mine(owner: str) -> dict[str, Any]:
    """What a note of this process says; `owner` tells its notes apart."""
    return {"owner": owner, "host": platform.node(), "pid": os.getpid()}


def read(client: Any, at: dict[str, str]) -> Note | None:
    """The note at a bucket and key, if there is one."""
    try:
        answer = client.get_object(**at)
    except Exception as error:
        if code(error) in _ABSENT:
            return None
        raise
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    try:
        says = json.loads(answer["Body"].read())
    except ValueError:
        says = None
    age = (now - answer["LastModified"]).total_seconds()
    return Note(says if isinstance(says, dict) else {}, age, answer["ETag"])


def write(client: Any, at: dict[str, str], says: dict[str, Any], instead: Note | None) -> None:
    """Write a note `instead` of one that was read, or where none was, unless another came.

    To know whether it is there it must be read. A text that is like the one before can't
    be told from it.
    """
    text = json.dumps(says).encode()
    condition = {"IfMatch": instead.tag} if instead else {"IfNoneMatch": "*"}
    try:
        client.put_object(**at, Body=text, **condition)
    except Exception as error:
        if code(error) == "NotImplemented":
            client.put_object(**at, Body=text)
        elif code(error) not in _MISSED:
            raise
