"""What people read: lines and tables on stdout, remarks on stderr.

Texts out of files, stores and paths may hold anything. They are shown as they are, never
taken for markup, and what does not print is escaped: nothing in them steers a terminal.
"""

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from drift.experiments.shell import PLAIN
from drift.sim.errors import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LONGEST = 10_000
"""Characters of a line."""
_NARROWEST = 80
"""Columns that tables have; a narrower terminal folds them, and cuts no number off."""


def readable(text: str) -> str:
    """One line, fit to be shown."""
    return printable(text, _LONGEST)


def say(text: str) -> None:
    """Print a line on stdout."""
    print(readable(text))


def remark(text: str) -> None:
    """Print a line on stderr."""
    print("drift:", readable(" ".join(text.split())), file=sys.stderr)


def lively(stream: TextIO) -> bool:
    """Whether it is a terminal whose cursor can be moved."""
    return stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown")


def screen() -> "Console":
    """Where tables are printed, and lines in bold."""
    from rich.console import Console

    class Screen(Console):
        def render_str(self, text: str, **how: Any) -> "Text":
            # Spelled before it is laid out: what stands for a letter may be longer.
            return super().render_str(
                text.encode(self.encoding, PLAIN).decode(self.encoding), **how
            )

    console = Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.width = max(console.width, _NARROWEST)
    return console
