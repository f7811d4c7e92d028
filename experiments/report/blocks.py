"""What a page is made of. Every text is plain; the templates escape it.

kind   which macro of blocks.html draws a block
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from drift.sim.errors import BadInput, Damaged


class Block:
    """A piece of a section."""

    @property
    def kind(self) -> str:
        """The name of its macro."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Note(Block):
    """A paragraph; one that is `strong` must not be overlooked."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Prose(Block):
    """Paragraphs and lists, as HTML that is safe to show."""

    html: Markup


@dataclass(frozen=True)
class Numbers(Block):
    """What a reader wants first: a few values, large, and what each one is."""

    values: Sequence[tuple[str, str]]
    """what, value"""


@dataclass(frozen=True)
class Table(Block):
    """A table whose first column names its rows."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True
    """whether all columns but the first are numbers"""
    note: str = ""


@dataclass(frozen=True)
class Picture(Block):
    """A figure, and what it shows for those who cannot see it."""

    drawn: Figure
    title: str
    text: str
    caption: str = ""


@dataclass(frozen=True)
class Command(Block):
    """A line to paste into a shell."""

    line: str


@dataclass(frozen=True)
class Lattice(Block):
    """The panel to touch: what its script reads, and its choices of dimensions."""

    data: dict[str, Any]
    dims: Sequence[str]
    shown: tuple[int, int]
    """which two of them are shown first, across and up"""
    records: int
    first: str
    """what is said of the first record before the script runs"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: Sequence[Block]

    @classmethod
    def made(cls, heading: str, make: Callable[[], Sequence[Block]]) -> "Section":
        """With what `make` makes, or, where it raises BadInput, why there is nothing.

        What is damaged is raised on.
        """
        try:
            return cls(heading, make())
        except Damaged:
            raise
        except BadInput as error:
            return cls(heading, [Note(f"Not shown: {error}.")])


@dataclass(frozen=True)
class Part:
    """One source of a page."""

    heading: str
    lead: str
    sections: Sequence[Section]


@dataclass(frozen=True)
class Page:
    """All of it; a page of one part has no heading of its own beside the part's."""

    parts: Sequence[Part]
    title: str = ""
    lead: str = ""
    by: str = ""
    """which version made it"""
