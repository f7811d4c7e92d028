"""Lines and tables on stdout, remarks on stderr, on any kind of stream.

Texts from files, stores and paths may hold anything. They are never read as markup, and
characters that do not print are escaped, so that no text can steer a terminal.

closed    of a stream: neither a terminal nor a file; whatever is written to it is dropped
gone      of stdout's reader, as in `drift … | head`: the verb ends silently with status 141, as a
          program does that SIGPIPE kills. Files are written before anything is printed, and stay
spelling  characters that an encoding lacks are spelled in ASCII: σ as sigma, others as \\u2603

A remark that cannot be written to stderr is dropped, and the work goes on.

`reconfigure(errors=…)` could set the spelling, but streams of our own are needed anyway: an error
of one of them must not be mistaken for that of a file or a socket.
"""

import codecs
import contextlib
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
_FILE = 1000
"""Least width of tables that go into a file or a pipe, columns: nothing is cut off there."""
_NARROWEST = 80
"""Least width of tables, columns; a narrower terminal wraps lines, and no number is cut off."""


def say(text: str) -> None:
    """Print a line on stdout."""
    print(printable(text, LINE))


def remark(text: str) -> None:
    """Print a line on stderr."""
    print("drift:", printable(" ".join(text.split()), LINE), file=sys.stderr)


def is_interactive(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose cursor can be moved."""
    return stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown")


def new_console() -> "Console":
    """Return a console for tables and bold lines."""
    from rich.console import Console

    class Screen(Console):
        def render_str(self, text: str, **how: Any) -> "Text":
            # Spelled before the layout, since spellings may be longer than the characters.
            return super().render_str(
                text.encode(self.encoding, ASCII_SPELLING).decode(self.encoding), **how
            )

    console = Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.width = max(console.width, _NARROWEST if sys.stdout.isatty() else _FILE)
    return console


_NARROWEST_HELP = 40
"""Least width of a help page, columns; at width 0, which some terminals report, it is empty."""
ASCII_SPELLING = "drift-ascii"
"""Name of the error handler that spells characters in ASCII."""
_SPELLINGS = {
    **{"σ": "sigma", "×": "x", "±": "+-", "…": "...", "–": "-", "—": "--", "−": "-"},
    **{"→": "->", "·": "*", "≤": "<=", "≥": ">=", "√": "sqrt", "µ": "u"},
}


class ReaderGone(BaseException):
    """The reader of stdout is gone."""


def prepare_streams() -> None:
    """Prepare stdin, stdout, stderr and the terminal's variables; called before anything else."""
    for number in (0, 1, 2):
        _fill(number)
    sys.stdout, sys.stderr = _opened(sys.stdout, 1, _Output), _opened(sys.stderr, 2, _Remarks)
    os.environ.setdefault("TERM", "dumb")  # a terminal without a name can do nothing
    if shutil.get_terminal_size().columns < _NARROWEST_HELP or os.environ.get("COLUMNS") == "0":
        os.environ.setdefault("TERMINAL_WIDTH", str(_NARROWEST_HELP))  # which help pages use
    prepare_matplotlib()
    # Matplotlib warns where it cannot write its configuration, which does not matter.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def prepare_matplotlib() -> None:
    """See to it that figures are drawn into files, whatever a notebook or a matplotlibrc says.

    A matplotlibrc in the working directory would be read before any other one, so that matplotlib
    is loaded at once where there is one, from elsewhere.
    """
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = os.devnull
    if os.path.exists("matplotlibrc"):
        with contextlib.chdir("/"):
            import matplotlib  # noqa: F401


def _fill(number: int) -> None:
    """Open /dev/null in place of a closed descriptor, which the next file would get otherwise."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest free number


def _opened(stream: Any, number: int, kind: "type[io.TextIOWrapper]") -> io.TextIOWrapper:
    """Return a stream of class `kind` in place of Python's, which is None where it was closed."""
    if stream is None:
        return kind(
            io.BufferedWriter(io.FileIO(number, "w", closefd=False)), "utf-8", ASCII_SPELLING
        )
    how = {name: getattr(stream, name) for name in ("encoding", "line_buffering", "write_through")}
    return kind(stream.detach(), errors=ASCII_SPELLING, **how)


class _Output(io.TextIOWrapper):
    """Stdout that raises ReaderGone where its reader is gone, Unfinished where writing fails."""

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
    """Stderr that drops what can't be written."""

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
    """Redirect a descriptor to /dev/null, and return the exception to raise."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return Unfinished(f"the output can't be written: {error.strerror}")


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Return the spelling of characters that an encoding lacks, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelled = (_SPELLINGS.get(c) or c.encode("unicode_escape").decode("ascii") for c in lacking)
    return "".join(spelled), error.end


codecs.register_error(ASCII_SPELLING, _spell)
