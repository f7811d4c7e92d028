"""A study's page and the files beside it: Markdown filled from facts, figures, tables as CSV.

template  NAME.md.j2: Markdown with {{ facts }}, and {% if %} around a sentence whose truth
          depends on a result. Its paragraphs may be wrapped anywhere
facts     plain values and records, computed in Python; an unknown name is an error

The same stores give the same files, byte for byte.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from matplotlib.figure import Figure

from drift.experiments.console.files import write_text_atomically
from drift.experiments.figures import style
from drift.experiments.studies.number_format import FILTERS

_WRAPPED = re.compile(r"(?<=\S)\n *(?=\S)(?!#|\||>|- |!\[)")
"""A line break within a paragraph or a list item. Two spaces before it make it a hard one."""
_EMPTY = re.compile(r"\n\s*\n")
"""Empty lines; several stand where a template leaves paragraphs out."""


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """Return the Markdown of a template of this package, each paragraph on one line."""
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    text = environment.get_template(template).render(facts)
    return _WRAPPED.sub(" ", _EMPTY.sub("\n\n", text)).strip() + "\n"


def _source(template: str) -> str:
    return resources.files(__package__).joinpath(*template.split("/")).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Table:
    """Rows of plain values, all with the same names: a CSV with full digits."""

    rows: Sequence[dict[str, Any]]
    """at least one"""

    def csv(self) -> str:
        """Return the text of the file; None leaves its field empty."""
        written = io.StringIO()
        writer = csv.DictWriter(written, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return written.getvalue()


@dataclass(frozen=True)
class Page:
    """A page before it is written."""

    template: str
    """file name, relative to this package"""
    facts: Mapping[str, Any]
    """names that the template knows, beside `command` and `tables`"""
    command: str
    """the command line that makes the page"""
    figures: Mapping[str, Figure]
    """by the names of their files, without ending"""
    tables: Mapping[str, Table]
    """by the names of their files, without ending"""

    @property
    def text(self) -> str:
        """The Markdown."""
        beside = {"command": self.command, "tables": list(self.tables)}
        return fill(self.template, {**self.facts, **beside})

    def write(self, out: Path) -> list[Path]:
        """Write every file into the directory `out`, each of them whole; the page is the last.

        Raises BadInput where `out` can't be written, Unfinished where the disk is full.
        """
        written = [
            path for name, drawn in self.figures.items() for path in style.save(drawn, out / name)
        ]
        texts = {f"{name}.csv": table.csv() for name, table in self.tables.items()}
        for name, text in {**texts, "README.md": self.text}.items():
            write_text_atomically(out / name, text)
            written.append(out / name)
        return written
