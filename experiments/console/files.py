"""Atomic writes of files, and tables in Markdown."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from drift.sim.errors import BadInput, unwritten


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file, or replace it. Raises BadInput and Unfinished as `atomic_write` does."""
    with atomic_write(path) as new, new.open("w", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the block an empty temporary file to write; it replaces `path` when the block ends.

    Files of writers that were killed go first. Raises BadInput where nothing can be written
    there, Unfinished where the disk is full.
    """
    target = Path(os.path.realpath(path))  # a link stays a link to the new file
    if not target.name:
        raise BadInput(f"{path} is a directory without a name of its own; PATH/NAME is needed")
    new = target.with_name(f"{_beginning(target)}{os.getpid()}")
    try:
        if target.exists() and not target.is_file():
            raise BadInput(f"{path} is not a regular file; name a file to write")
        with contextlib.suppress(OSError):
            _clean(target)
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            # Who cleans up there takes what nobody has locked for what a dead process left.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield new
            new.replace(target)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritten(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _beginning(target: Path) -> str:
    """The beginning of the names of temporary files, which the number of a process ends."""
    return f".{target.name}.drift-"


def _clean(target: Path) -> None:
    """Remove the temporary files that killed processes left beside `target`."""
    beginning = _beginning(target)
    for each in target.parent.iterdir():
        number = each.name.removeprefix(beginning)
        if not (each.name.startswith(beginning) and number.isdecimal()):
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(each, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if int(number) == os.getpid() or not _is_running(int(number)):
                    each.unlink()
            finally:
                os.close(descriptor)


def _is_running(process: int) -> bool:
    """Return whether a process of that number is on this machine; it may be in the making."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column holds names; texts hold no pipes or newlines."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
