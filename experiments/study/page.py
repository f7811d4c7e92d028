"""A page and what lies beside it: Markdown, figures, and tables as CSV.

The same stores give the same files, byte for byte.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from drift.experiments import figures
from drift.experiments.whole import write_whole


@dataclass(frozen=True)
class Table:
    """Rows of plain values, all of the same names: a CSV with full digits."""

    rows: Sequence[dict[str, Any]]

    def csv(self) -> str:
        """The text of the file; what is None stays empty."""
        written = io.StringIO()
        writer = csv.DictWriter(written, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return written.getvalue()


@dataclass(frozen=True)
class Page:
    """What is written."""

    parts: Sequence[str]
    """paragraphs, headings, lists and tables"""
    figures: dict[str, Figure]
    """by the names of their files, without ending"""
    tables: dict[str, Table]

    @property
    def text(self) -> str:
        """The Markdown; parts that are empty are left out."""
        return "\n\n".join(part.strip() for part in self.parts if part.strip()) + "\n"

    def write(self, out: Path) -> list[Path]:
        """Write it all into the directory `out`, each file whole; the page is the last."""
        written = [
            path for name, drawn in self.figures.items() for path in figures.save(drawn, out / name)
        ]
        texts = {f"{name}.csv": table.csv() for name, table in self.tables.items()}
        for name, text in {**texts, "README.md": self.text}.items():
            write_whole(out / name, text)
            written.append(out / name)
        return written


def picture(name: str, alt: str) -> str:
    """A figure within the page; `alt` says what is seen."""
    return f"![{alt}]({name}.png)"


def files(tables: Sequence[str], command: str) -> str:
    """The last part of a page: what lies beside it, and how it is made again."""
    listed = ", ".join(f"[{name}.csv]({name}.csv)" for name in tables)
    return (
        f"## Made by\n\n`{command}` draws every number and figure of this page from the stores in"
        f" `stores/`, which it computes first where they are missing. Tables, with all digits:"
        f" {listed}. Each figure is there as SVG too."
    )
