"""Tables of a comparison of two matrices."""

from rich import box
from rich.table import Table
from rich.text import Text

from drift.experiments.console.terminal import LINE, new_console
from drift.experiments.console.token_text import token_label
from drift.sim.errors import printable
from drift.sim.matrix import Matrix
from drift.sim.structures.compare import LONG, Comparison
from drift.sim.structures.lineage import LineageEvent, Side
from drift.sim.structures.token_texts import TokenTexts

_EVENTS = 20
"""Most lineage events in a table, the largest changes first."""
_HOLES = 4
"""Most black holes shown of an event, the largest first."""
_RANGES = 4
"""Most ranges shown of token ids that only one side has."""
_LEAST = 0.0001
"""Smallest share that is written as a number."""
_RARE = ("exchanged", "absorbed", "parted")
"""Words of a lineage that are left out where no hole has them."""


def show(a: Matrix, b: Matrix, found: Comparison, texts: TokenTexts | None) -> None:
    """Print what is identical, distances of values, and the lineage of black holes."""
    console = new_console()
    for name, label in (("A", a.label), ("B", b.label)):
        console.print(printable(f"{name}  {label}", LINE))
    console.print(_sides(a, b, found))
    for how in _alike(found):
        console.print(how)
    if len(found.token_ids) and not found.identical:
        console.print(_distances(found))
        console.print(_most(found, texts))
    console.print(_lineage(found))
    if found.lineage_events:
        console.print(_changes(found.lineage_events, texts))


def _sides(a: Matrix, b: Matrix, found: Comparison) -> Table:
    """Return the table of both matrices, with the black holes among compared rows."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "A", "B"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("rows × dims", *(f"{n:,} × {found.dims:,}" for n in found.rows))
    table.add_row("format", a.format.name, b.format.name)
    if len(found.only_a) or len(found.only_b):
        alone = found.only_a.tolist(), found.only_b.tolist()
        table.add_row("rows not compared", *(f"{len(ids):,}" for ids in alone))
        table.add_row("their token ids", *map(_ranges, alone))
    holes = found.lineage.a, found.lineage.b
    table.add_row("black holes", *(f"{len(side):,}" for side in holes))
    table.add_row("tokens in them", *(f"{side.tokens.sum():,}" for side in holes))
    return table


def _alike(found: Comparison) -> list[str | Text]:
    """Return lines on how many rows and values are identical."""
    if found.identical:
        return [Text.assemble(("identical", "bold"), ": same tokens, all bits equal")]
    rows = len(found.token_ids)
    return [
        f"{what} compared: {of:,}, identical: {count:,}" + (f", {_share(count, of)}" if of else "")
        for what, count, of in (
            ("rows", found.identical_rows, rows),
            ("values", found.identical_values, rows * found.dims),
        )
    ]


def _share(count: int, of: int) -> str:
    """Return the text of a share, 100% and 0% only where they are exact."""
    if count in (0, of):
        return f"{count / of:.0%}"
    if count < of * _LEAST:
        return f"<{_LEAST:.2%}"
    return f">{1 - _LEAST:.2%}" if count > of * (1 - _LEAST) else f"{count / of:.2%}"


def _ranges(ids: list[int]) -> str:
    """Return rising ids in ranges: 3, 7-9."""
    starts = [k for k in range(len(ids)) if k == 0 or ids[k] > ids[k - 1] + 1]
    ends = [k - 1 for k in starts[1:]] + [len(ids) - 1]
    spans = [(ids[k], ids[end]) for k, end in zip(starts[:_RANGES], ends, strict=False)]
    shown = [str(low) if low == high else f"{low}-{high}" for low, high in spans]
    return ", ".join(shown + ["…"] * (len(starts) > _RANGES))


def _distances(found: Comparison) -> Table:
    """Return the table of values by distance, in bins between powers of two."""
    bins: dict[str, int] = {}
    for distance, count in found.distance_counts.items():
        name = _bin(distance)
        bins[name] = bins.get(name, 0) + count
    if found.incomparable_values:
        bins["not finite"] = found.incomparable_values
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("lattice distance", "values", "share"):
        table.add_column(name, justify="right")
    for name, count in bins.items():
        table.add_row(name, f"{count:,}", _share(count, len(found.token_ids) * found.dims))
    return table


def _bin(distance: int) -> str:
    """Return the bin of a distance: 0, 1, 2, 3-4, 5-8 …; long ones are powers of two already."""
    if distance <= 2:
        return str(distance)
    if distance >= LONG:
        return f"{distance:,}-{2 * distance - 1:,}"
    above = 1 << (distance - 1).bit_length()
    return f"{above // 2 + 1:,}-{min(above, LONG - 1):,}"


def _most(found: Comparison, texts: TokenTexts | None) -> str:
    if found.moved_most is None:
        return "no token moved"
    kept, flips = found.moved_most_same_sign, found.sign_flips
    if not flips:
        return f"largest move: {_move(found.moved_most, texts)}"
    within = _move(kept, texts) if kept else "none"
    across = _move(found.moved_most, texts)
    return (
        f"largest move of a value that kept its sign: {within}\n"
        f"values with another sign: {flips:,}; largest move of all: {across}"
    )


def _move(most: tuple[int, int], texts: TokenTexts | None) -> str:
    token, distance = most
    steps = "step" if distance == 1 else "steps"
    return f"token {token_label(token, texts)}, by {distance:,} lattice {steps}"


def _lineage(found: Comparison) -> str:
    if not len(found.lineage.a) and not len(found.lineage.b):
        return "no black holes"
    counts = found.lineage.counts.items()
    shown = [f"{word} {n:,}" for word, n in counts if n or word not in _RARE]
    return f"black holes from A to B: {', '.join(shown)}"


def _changes(lineage_events: list[LineageEvent], texts: TokenTexts | None) -> Table:
    """Return the table of lineage events: tokens before and after, and first tokens."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("event", "changed", "tokens in A", "tokens in B"):
        table.add_column(name, justify="right" if name == "changed" else "left")
    table.add_column("first tokens", overflow="fold")
    for event in lineage_events[:_EVENTS]:
        first = list(
            dict.fromkeys(event.before.token_ids[:_HOLES] + event.after.token_ids[:_HOLES])
        )
        table.add_row(
            event.what,
            f"{event.changed:,}",
            _populations(event.before),
            _populations(event.after),
            ", ".join(token_label(token, texts) for token in dict.fromkeys(first)),
        )
    left = lineage_events[_EVENTS:]
    if left:
        changed = sum(event.changed for event in left)
        table.add_row(f"{len(left):,} more", f"{changed:,}", "", "", "")
    return table


def _populations(side: Side) -> str:
    shown = [f"{tokens:,}" for tokens in side.tokens[:_HOLES]]
    more = len(side.tokens) - _HOLES
    return " + ".join(shown + [f"{more:,} more"] * (more > 0)) or "–"
