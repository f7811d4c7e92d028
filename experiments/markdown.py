"""Tables in Markdown: names to the left, numbers to the right."""

from collections.abc import Iterable, Sequence


def pipes(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is of names; no text may hold a pipe or a line's end."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
