"""A page and what lies beside it: Markdown, figures, and tables as CSV; how it writes numbers.

Counts are written in full, measures with three digits. The same stores give the same files,
byte for byte.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from drift.experiments.console.files import write_text_atomically
from drift.experiments.figures import style

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEAST, _MOST = 1e-3, 1e6
"""Measures between them are written without a power of ten."""


def few(value: float | None) -> str:
    """A count in full, a measure with three digits: 2,212, 0.371, 3.2·10⁻¹⁰; – for none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value and not _LEAST <= abs(value) < _MOST:
        mantissa, power = f"{value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        factor = "" if mantissa == "1" else f"{mantissa}·"
        return f"{factor}10{str(int(power)).translate(_RAISED)}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(values: Sequence[float]) -> str:
    """From the least to the greatest: 3 to 12, or the one where they are equal."""
    least, most = min(values), max(values)
    return few(least) if least == most else f"{few(least)} to {few(most)}"


def listed(values: Sequence[float]) -> str:
    """All of them: 1, 10 and 100."""
    return joined([few(value) for value in values])


def joined(words: Sequence[str]) -> str:
    """One after the other: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def many(count: int, one: str, more: str = "") -> str:
    """A count of things: no black holes, 1 black hole, 13 black holes."""
    what = one if count == 1 else more or f"{one}s"
    return f"{'no' if count == 0 else few(count)} {what}"


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
            path for name, drawn in self.figures.items() for path in style.save(drawn, out / name)
        ]
        texts = {f"{name}.csv": table.csv() for name, table in self.tables.items()}
        for name, text in {**texts, "README.md": self.text}.items():
            write_text_atomically(out / name, text)
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
