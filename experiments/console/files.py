"""Files that are written whole or not at all, and tables in Markdown."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from drift.sim.errors import BadInput, unwritten


def write_text_atomically(path: Path, text: str) -> None:
    """Write a file, or replace the one that is there. Raises as `atomic_write` does."""
    with atomic_write(path) as new, new.open("x", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Another name for the block to write to, which takes the place of `path` at its end.

    Raises BadInput where nothing can be written there, Unfinished where the disk is full.
    """
    place = Path(os.path.realpath(path))  # of a link, what it leads to
    new = place.with_name(f".{place.name}.drift-{os.getpid()}")
    try:
        if place.exists() and not place.is_file():
            raise BadInput(f"{path} is not a regular file; name a file to write")
        yield new
        new.replace(place)
    except OSError as error:
        raise unwritten(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is of names; no text may hold a pipe or a line's end."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
