"""The HTML of a result in a notebook: a title, a table of few rows, sparklines, and a last line.

Whatever comes from files is escaped. There is no script and no style sheet, so that a notebook
that is not trusted shows it too.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from drift.sim.errors import printable
from drift.sim.results.sparkline import sparkline

MOST_ROWS = 12
"""Most rows of a table."""
_LONG = 200


class ShownAsTable:
    """A result that tells its `title`, `head` and `body`, and so shows itself in a notebook."""

    def title(self) -> str:
        """Return the result in a few words."""
        raise NotImplementedError

    def head(self) -> Sequence[str]:
        """Return the names of the columns."""
        return ()

    def body(self) -> Sequence[Sequence[Any]]:
        """Return the rows of the table."""
        return ()

    def lines(self) -> Mapping[str, Sequence[float | None]]:
        """Return numbers that are drawn as sparklines, by their names."""
        return {}

    def last_line(self) -> str:
        """Return what is said below the table."""
        return ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {printable(self.title(), _LONG)}>"

    def _repr_html_(self) -> str:
        head, body, lines = self.head(), thinned(self.body()), self.lines()
        said = [f"<p><b>{type(self).__name__}</b>: {escape(printable(self.title(), _LONG))}</p>"]
        drawn = {name: sparkline(values, name) for name, values in lines.items()}
        said += [
            f'<p style="margin:0"><small>{escape(name)}</small> {svg}</p>'
            for name, svg in drawn.items()
            if svg
        ]
        if body:
            said.append(table(head, body))
        if last := self.last_line():
            said.append(f"<p><small>{escape(printable(last, _LONG))}</small></p>")
        return f"<div>{''.join(said)}</div>"


def thinned(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the first row, the last and some between, as many as a table shows."""
    last = len(rows) - 1
    if last < MOST_ROWS:
        return list(rows)
    return [rows[round(k * last / (MOST_ROWS - 1))] for k in range(MOST_ROWS)]


def table(head: Sequence[str], body: Sequence[Sequence[Any]]) -> str:
    """Return an HTML table."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in body)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Any) -> str:
    return f"<td>{escape(cell_text(value))}</td>"


def cell_text(value: Any) -> str:
    """Return the text of a value in a table."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value), _LONG)
