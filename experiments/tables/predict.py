"""Tables of a prediction.

±         the standard deviation over clouds of what stands before it
largest   the median of the tokens in the fullest cell, and in brackets its quantiles of 5 and 95 %
spread    the quantiles of 10 and 90 % of a mean over directions
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table

from drift.experiments.console.terminal import new_console
from drift.experiments.tables.run import length, title
from drift.experiments.tables.spectrum import octaves
from drift.sim.errors import printable

_COLUMNS = ("distinct", "black holes", "largest", "pairs")
_OF_DIRECTIONS = ("distinct", "black_holes", "largest")
"""The means over directions that are shown, each with its spread."""
_SMALLEST = -700.0
"""Smallest logarithm of a number that float64 holds, roughly."""
_MISSING = "–"
_LONG = 1e7
"""Number from which three digits are shown: a line has to hold several."""


def show(spec: dict[str, Any], found: dict[str, Any]) -> None:
    """Print `found`, the JSON of `drift predict`; `spec` is a drift of the curve."""
    console, curve = new_console(), found["curve"]
    sigmas = f"{curve[0]['sigma']:.3g}" + (f" … {curve[-1]['sigma']:.3g}" if curve[1:] else "")
    console.print(title(spec, f"σ = {sigmas}"))
    if curve[0].get("records"):
        table = _table((*(["σ"] if curve[1:] else []), "step", *_COLUMNS))
        for point in curve:
            for record in point["records"]:
                place = [f"{point['sigma']:.3g}"] if curve[1:] else []
                table.add_row(*place, f"{record['step']:,}", *_counts(record))
    else:
        table = _table(("σ", *_COLUMNS))
        for point in curve:
            table.add_row(f"{point['sigma']:.3g}", *_counts(point))
    console.print(table)
    if not curve[1:]:
        for line in _details(curve[0]):
            console.print(line)
    if found["onset_sigma"] is not None:
        console.print(f"one pair is expected at σ = {found['onset_sigma']:.3g}")
    console.print(stalls(found["stall_steps"], "the centre" if spec.get("centre") else "0"))


def show_grid(
    axes: Sequence[str], points: Sequence[dict[str, Any]], directions: int, with_records: bool
) -> None:
    """Print the points of a grid, named by their values of `axes`.

    They are means over so many `directions`, where it is not 0; all records `with_records`.
    """
    console = new_console()
    own = ["σ" if name == "sigma" else name.replace("_", " ") for name in axes]
    if directions:
        table = _table((*own, *_COLUMNS[:3]))
    else:
        table = _table((*own, *(("step",) if with_records else ()), *_COLUMNS))
    for point in points:
        place = [_value(point[name]) for name in axes]
        if "distinct" not in point:
            table.add_row(*place, *[_MISSING] * (len(table.columns) - len(place)))
        elif directions:
            table.add_row(*place, *_spread(point["over_directions"]))
        elif with_records:
            for record in point["records"]:
                table.add_row(*place, f"{record['step']:,}", *_counts(record))
        else:
            table.add_row(*place, *_counts(point))
    console.print(table)
    if directions:
        what = f"{directions:,} random directions" if directions > 1 else "one random direction"
        console.print(f"means over {what}; in brackets the values at 10 and 90 % of them")


def _table(columns: Iterable[str]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _counts(record: dict[str, Any]) -> list[str]:
    """Return the cells of _COLUMNS."""
    low, high = record["largest_5"], record["largest_95"]
    return [
        f"{_number(record['distinct'])} ± {_number(record['distinct_error'])}",
        _number(record["black_holes"]),
        f"{record['largest']:,} ({low:,}–{high:,})",
        f"{_number(record['expected_pairs'])} ± {_number(record['pairs_error'])}",
    ]


def _spread(found: dict[str, dict[str, float]]) -> list[str]:
    cells = []
    for name in _OF_DIRECTIONS:
        each = found[name]
        cells.append(f"{_number(each['mean'])} ({_number(each['p10'])}–{_number(each['p90'])})")
    return cells


def _details(point: dict[str, Any]) -> list[str]:
    """Return what is said of a single sigma: its spectrum, chance, radius and what stalls."""
    cells = [
        f"{_number(count)} of {first:,}{'' if first == last else f'–{last:,}'}"
        for first, last, count in octaves(point["spectrum"])
    ]
    return [
        f"expected cells by their tokens: {', '.join(cells)}",
        f"pair probability {_chance(point['log_pair_probability'])}, radius reached"
        f" {length(point['radius'])}, {point['stalled']:.1%} of the coordinates stalled",
        "the largest takes cells for independent, an approximation; the rest is exact",
    ]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def stalls(steps: list[int | None], where: str = "0") -> str:
    """Return a line on when coordinates that start at the centre, 0 or another, stall."""
    there = sorted(step for step in steps if step is not None)
    if not there:
        return f"no coordinate that starts at {where} stalls"
    line = f"coordinates that start at {where} stall from step {there[0]:,} on"
    if len(there) * 2 > len(steps):
        line += f", half of them by step {there[(len(steps) - 1) // 2]:,}"
    if len(there) == len(steps):
        return f"{line}, all by step {there[-1]:,}"
    return f"{line}; {len(steps) - len(there):,} of {len(steps):,} never do"


def _number(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < _LONG else f"{value:z.3g}"


def _chance(log: float) -> str:
    """Return the text of the probability with natural logarithm `log`, however small."""
    if log > _SMALLEST:
        return f"{math.exp(log):.3g}"
    exponent = math.floor(log / math.log(10))
    return f"{math.exp(log - exponent * math.log(10)):.2f}e{exponent}"
