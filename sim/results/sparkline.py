"""A sparkline: numbers as a small line, an SVG of a few hundred bytes without any library.

The line is drawn in the colour of the text around it, so that it shows on light and dark pages.
"""

import math
from collections.abc import Sequence
from html import escape

_WIDE, _HIGH, _ROOM = 160.0, 32.0, 2.0
"""Size of the picture and its margin, pixels."""
_MOST = 160
"""Most points of a line: one for each pixel."""


def sparkline(values: Sequence[float | None], label: str) -> str:
    """Return the line of `values` over their places, from left to right, as an SVG.

    None and NaN leave a gap; `label` is what a screen reader says. Empty where nothing is known.
    """
    every = max(1, -(-len(values) // _MOST))
    last = len(values) - 1
    shown = sorted({*range(0, len(values), every), *([last] if last >= 0 else [])})
    points = [(k, values[k]) for k in shown]
    known = [value for _, value in points if value is not None and math.isfinite(value)]
    if not known:
        return ""
    least, most = min(known), max(known)
    parts: list[list[str]] = [[]]
    for k, value in points:
        if value is None or not math.isfinite(value):
            parts.append([])
            continue
        x = _ROOM + (_WIDE - 2 * _ROOM) * (k / last if last else 0.5)
        share = (value - least) / (most - least) if most > least else 0.5
        parts[-1].append(f"{x:.1f},{_HIGH - _ROOM - (_HIGH - 2 * _ROOM) * share:.1f}")
    lines = "".join(
        f'<polyline points="{" ".join(part if len(part) > 1 else part * 2)}"/>'
        for part in parts
        if part
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE:g}" height="{_HIGH:g}"'
        f' viewBox="0 0 {_WIDE:g} {_HIGH:g}" role="img" aria-label="{escape(label)}" fill="none"'
        f' stroke="currentColor" stroke-width="1.5" stroke-linecap="round"><title>{escape(label)}'
        f"</title>{lines}</svg>"
    )
