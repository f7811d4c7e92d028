"""Tables of a prediction.

pairs  the expected number of coalesced pairs after the last step; ± is its standard deviation
       over clouds
"""

import math
from typing import Any

from rich import box
from rich.table import Table

from drift.experiments.console.terminal import new_console
from drift.experiments.tables.run import length, title

_COLUMNS = ("σ", "pairs", "±", "pair probability", "radius", "stalled")
_SMALLEST = -700.0
"""Smallest logarithm of a number that float64 holds, roughly."""


def show(spec: dict[str, Any], found: dict[str, Any]) -> None:
    """Print `found`, the JSON of `drift predict`; `spec` is a drift of the curve."""
    console = new_console()
    curve = found["curve"]
    sigmas = f"{curve[0]['sigma']:.3g}" + (f" … {curve[-1]['sigma']:.3g}" if curve[1:] else "")
    console.print(title(spec, f"σ = {sigmas}"))
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for point in curve:
        table.add_row(
            f"{point['sigma']:.3g}",
            _number(point["expected_pairs"]),
            _number(point["pairs_error"]),
            _chance(point["log_pair_probability"]),
            length(point["radius"]),
            f"{point['stalled']:.1%}",
        )
    console.print(table)
    if found["onset_sigma"] is not None:
        console.print(f"one pair is expected at σ = {found['onset_sigma']:.3g}")
    console.print(stalls(found["stall_steps"]))


def stalls(steps: list[int | None]) -> str:
    """Return a line on when coordinates that start at 0 stall."""
    there = sorted(step for step in steps if step is not None)
    if not there:
        return "no coordinate that starts at 0 stalls"
    line = f"coordinates that start at 0 stall from step {there[0]:,} on"
    if len(there) * 2 > len(steps):
        line += f", half of them by step {there[(len(steps) - 1) // 2]:,}"
    if len(there) == len(steps):
        return f"{line}, all by step {there[-1]:,}"
    return f"{line}; {len(steps) - len(there):,} of {len(steps):,} never do"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:z.3g}"


def _chance(log: float) -> str:
    """Return the text of the probability with natural logarithm `log`, however small."""
    if log > _SMALLEST:
        return f"{math.exp(log):.3g}"
    exponent = math.floor(log / math.log(10))
    return f"{math.exp(log - exponent * math.log(10)):.2f}e{exponent}"
