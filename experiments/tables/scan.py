"""Tables of the scan of a checkpoint."""

import numpy as np
from rich import box
from rich.table import Table

from drift.experiments.console.terminal import LINE, new_console
from drift.experiments.console.token_text import token_label
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import printable, printable_name
from drift.sim.structures.scan import Scan
from drift.sim.structures.token_texts import TokenTexts

_HOLES = 20
"""Most black holes shown, the largest first."""
_TOKENS = 6
"""Most tokens shown of a black hole, and most rows of a kind."""


def show_scans(
    checkpoint: Checkpoint, scans: list[Scan], tied: bool | None, texts: TokenTexts | None
) -> None:
    """Print a summary of each matrix, then black holes and degenerate rows.

    A black hole's tokens come with their texts, where there are any.
    """
    console = new_console()
    for each in _heading(checkpoint, scans, tied):
        console.print(each)
    console.print(_summary(scans, texts))
    shown: list[Scan] = []
    for scan in scans:
        # Of matrices that are alike, the scan is one and the same.
        if any(scan.black_holes is one.black_holes for one in shown):
            continue
        shown.append(scan)
        alike = [one.name for one in scans if one.black_holes is scan.black_holes]
        parts = [*([_holes(scan, texts)] if scan.black_holes else []), *_more(scan, texts)]
        if parts and len(alike) < len(scans):
            console.print(", ".join(map(printable_name, alike)))
        for part in parts:
            console.print(part)


def _heading(checkpoint: Checkpoint, scans: list[Scan], tied: bool | None) -> list[str]:
    lines = [printable(str(checkpoint.path), LINE)]
    candidates = checkpoint.candidates
    if not candidates:
        return lines
    if tied is None:
        listed = ", ".join(map(printable_name, candidates))
        which = f"candidates: {listed}" if len(candidates) > 1 else f"only {listed} is there"
        return [*lines, f"embedding and unembedding: not known whether they are tied; {which}"]
    both = "both are stored" if len(scans) < 3 else "both are stored, beside others"
    how = f": {both}, and bit-identical" if tied and len(scans) > 1 else ""
    return [*lines, f"embedding and unembedding are {'' if tied else 'not '}tied{how}"]


def _summary(scans: list[Scan], texts: TokenTexts | None) -> Table:
    """Return the summary, with a column for each matrix."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("")
    for scan in scans:
        table.add_column(printable_name(scan.name), justify="right", overflow="fold")
    table.add_row("rows × dims", *(f"{s.shape[0]:,} × {s.shape[1]:,}" for s in scans))
    table.add_row("dtype", *(s.dtype for s in scans))
    table.add_row("distinct", *(f"{s.distinct:,}" for s in scans))
    table.add_row("black holes", *(f"{len(s.black_holes):,}" for s in scans))
    table.add_row("tokens in them", *(f"{sum(s.populations):,}" for s in scans))
    for name in _kinds(scans[0], texts):
        table.add_row(name, *(f"{len(_kinds(s, texts)[name]):,}" for s in scans))
    return table


def _kinds(scan: Scan, texts: TokenTexts | None) -> dict[str, np.ndarray]:
    """Return the kinds of degenerate rows: listed separately, because tools produce them."""
    kinds = {"zero rows": scan.zero, "mean rows": scan.mean, "non-finite rows": scan.nonfinite}
    if texts is not None:
        everyone = np.arange(scan.shape[0])
        kinds["padding rows"] = everyone[texts.padding(everyone)]
    return kinds


def _holes(scan: Scan, texts: TokenTexts | None) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("tokens", justify="right")
    table.add_column("first tokens", overflow="fold")
    table.add_column("degenerate rows")
    kinds = _kinds(scan, texts)
    for rows in scan.black_holes[:_HOLES]:
        first = ", ".join(token_label(row, texts) for row in rows[:_TOKENS].tolist())
        table.add_row(f"{len(rows):,}", first, _made_of(rows, kinds))
    return table


def _made_of(rows: np.ndarray, kinds: dict[str, np.ndarray]) -> str:
    """Return the degenerate rows among a black hole's rows: "704 zero rows"."""
    counts = {name: int(np.isin(rows, kind).sum()) for name, kind in kinds.items()}
    found = [(name, count) for name, count in counts.items() if count]
    return ", ".join(name if count == len(rows) else f"{count:,} {name}" for name, count in found)


def _more(scan: Scan, texts: TokenTexts | None) -> list[str]:
    """Return lines on black holes that are not shown, and on the first rows of each kind."""
    left = len(scan.black_holes) - _HOLES
    lines = [f"… and {left:,} more black holes"] if left > 0 else []
    for name, rows in _kinds(scan, texts).items():
        first = ", ".join(map(str, rows[:_TOKENS].tolist()))
        lines += [f"{name}: {first}{', …' if len(rows) > _TOKENS else ''}"] if first else []
    return lines
