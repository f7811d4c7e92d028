"""Atomic writes of files, and tables in Markdown."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from drift.sim.errors import BadInput, unwritten


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file, or replace it. Raises BadInput and Unfinished as `atomic_write` does."""
    with atomic_write(path) as new, new.open("x", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the block a temporary path to write; the file replaces `path` when the block ends.

    Raises BadInput where nothing can be written there, Unfinished where the disk is full.
    """
    target = Path(os.path.realpath(path))  # a link stays a link to the new file
    if not target.name:
        raise BadInput(f"{path} is a directory without a name of its own; PATH/NAME is needed")
    new = target.with_name(f".{target.name}.drift-{os.getpid()}")
    try:
        if target.exists() and not target.is_file():
            raise BadInput(f"{path} is not a regular file; name a file to write")
        yield new
        new.replace(target)
    except OSError as error:
        raise unwritten(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column holds names; texts hold no pipes or newlines."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
