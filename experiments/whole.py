"""Files that are written whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sim.errors import BadInput


def write_whole(path: Path, text: str) -> None:
    """Write a file, or replace the one that is there. Raises BadInput where that cannot be."""
    with whole(path) as file:
        file.write(text)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A file to be written, which takes its place when all is there. Raises BadInput likewise."""
    place = Path(os.path.realpath(path))  # of a link, what it leads to
    new = place.with_name(f".{place.name}.drift-{os.getpid()}")
    try:
        if place.exists() and not place.is_file():
            raise BadInput(f"{path} is no regular file; a file is written")
        with new.open("x", encoding="utf-8") as file:
            yield file
        new.replace(place)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
