"""JSON from files that may hold anything: a document, or one line on what is wrong.

The reader is stricter than Python's: UTF-8 alone, no name twice in an object, no NaN or infinity,
no text that UTF-8 cannot hold.
"""

import json
import stat
from pathlib import Path
from typing import Any, BinaryIO

from drift.sim.errors import BadInput, printable

MOST_BYTES = 100_000_000
"""The most bytes of JSON that are read: the limit that safetensors sets its headers."""


def read_document(path: Path) -> Any:
    """Return the JSON in a file. Raises BadInput where there is none."""
    with open_regular(path) as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise BadInput(f"{path} is longer than {MOST_BYTES:,} bytes; at most that many are read")
    return parse(raw, str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises BadInput where there is none."""
    try:
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path} is not a regular file")
        return path.open("rb")
    except FileNotFoundError as error:
        raise BadInput(f"{path}: there is no such file") from error
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}") from error


def parse(raw: bytes, where: str) -> Any:
    """Return the JSON that `raw` is. Raises BadInput, which begins with `where`, if it is none."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where} is not UTF-8, from byte {error.start}") from error
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError as error:
        raise BadInput(f"{where} is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{where} is not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:
        what = str(error) if isinstance(error, _Unfit) else "a number is too long"
        raise BadInput(f"{where} is not JSON that can be trusted: {what}") from error


class _Unfit(ValueError):
    """JSON that Python would read, but that says nothing, or two things."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Unfit(f"{printable(repr(name))} stands there twice")
        for text in (name, value):
            if isinstance(text, str) and not _encodes(text):
                raise _Unfit(f"{printable(repr(text))} is not Unicode")
        found[name] = value
    return found


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(constant: str) -> None:
    raise _Unfit(f"{constant} is no number")
