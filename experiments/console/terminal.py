"""What people read: lines and tables on stdout, remarks on stderr, on whatever streams there are.

Texts out of files, stores and paths may hold anything. They are shown as they are, never
taken for markup, and what does not print is escaped: nothing in them steers a terminal.

closed      a stream that is neither terminal nor file: what is written there is dropped
left        whoever read stdout is gone, `drift … | head`: the verb ends as a program that the
            pipe's signal killed would, with 141, and says nothing. What it writes is written
            before it prints, and stays
plain       what an encoding lacks is spelled in ASCII: σ as sigma, the rest as \\u2603

Remarks on stderr are never worth more than the work: once nobody can be told, it goes on
without them.
"""

import codecs
import io
import logging
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from drift.sim.errors import Unfinished, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

LINE = 10_000
"""Characters of a line that are printed."""
_NARROWEST = 80
"""Columns that tables have; a narrower terminal folds them, and cuts no number off."""


def say(text: str) -> None:
    """Print a line on stdout."""
    print(printable(text, LINE))


def remark(text: str) -> None:
    """Print a line on stderr."""
    print("drift:", printable(" ".join(text.split()), LINE), file=sys.stderr)


def is_interactive(stream: TextIO) -> bool:
    """Whether it is a terminal whose cursor can be moved."""
    return stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown")


def new_console() -> "Console":
    """Where tables are printed, and lines in bold."""
    from rich.console import Console

    class Screen(Console):
        def render_str(self, text: str, **how: Any) -> "Text":
            # Spelled before it is laid out: what stands for a letter may be longer.
            return super().render_str(
                text.encode(self.encoding, ASCII_SPELLING).decode(self.encoding), **how
            )

    console = Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.width = max(console.width, _NARROWEST)
    return console


_NARROWEST_HELP = 40
"""Columns of a help page, whatever the terminal says: none at all would leave it empty."""
ASCII_SPELLING = "drift-plain"
"""How that is called where text is encoded."""
_SPELLINGS = {
    **{"σ": "sigma", "×": "x", "±": "+-", "…": "...", "–": "-", "—": "--", "−": "-"},
    **{"→": "->", "·": "*", "≤": "<=", "≥": ">=", "√": "sqrt", "µ": "u"},
}


class ReaderGone(BaseException):
    """Nobody reads stdout any more."""


def prepare_streams() -> None:
    """Make stdin, stdout, stderr and what is known of the terminal ready, before all else."""
    for number in (0, 1, 2):
        _fill(number)
    sys.stdout, sys.stderr = _opened(sys.stdout, 1, _Output), _opened(sys.stderr, 2, _Remarks)
    os.environ.setdefault("TERM", "dumb")  # of a terminal without a name nothing is known
    if shutil.get_terminal_size().columns < _NARROWEST_HELP or os.environ.get("COLUMNS") == "0":
        os.environ.setdefault("TERMINAL_WIDTH", str(_NARROWEST_HELP))  # which help pages heed
    # It speaks of directories that it can't write to, and goes on without.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _fill(number: int) -> None:
    """Lead a closed descriptor nowhere: else the next file opened, a store's, would be it."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _opened(stream: Any, number: int, kind: "type[io.TextIOWrapper]") -> io.TextIOWrapper:
    """A stream of that kind in the place of Python's own, which is None where it was closed."""
    if stream is None:
        return kind(
            io.BufferedWriter(io.FileIO(number, "w", closefd=False)), "utf-8", ASCII_SPELLING
        )
    how = {name: getattr(stream, name) for name in ("encoding", "line_buffering", "write_through")}
    return kind(stream.detach(), errors=ASCII_SPELLING, **how)


class _Output(io.TextIOWrapper):
    """Stdout: raises Left where its reader is gone, and Unfinished where it can't be written."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _lost(error, self.fileno()) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _lost(error, self.fileno()) from error


class _Remarks(io.TextIOWrapper):
    """Stderr: silent where it can't be written."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            _lost(error, self.fileno())
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            _lost(error, self.fileno())


def _lost(error: OSError, number: int) -> BaseException:
    """What to raise; what is still to be written goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return Unfinished(f"the output can't be written: {error.strerror}")


def _spell(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelled = (_SPELLINGS.get(c) or c.encode("unicode_escape").decode("ascii") for c in lacking)
    return "".join(spelled), error.end


codecs.register_error(ASCII_SPELLING, _spell)
