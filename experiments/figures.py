"""The one style of every figure, and how figures are written.

Black ink, grey where it helps, the colour-blind safe colours of Okabe and Ito
(https://jfly.uni-koeln.de/color/) in an order that also differs in lightness.
"""

import os
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.bbox": "tight",
    "svg.fonttype": "none",
    "svg.hashsalt": "drift",
}


def figure(width: float = 5.6, height: float = 3.6) -> Figure:
    """An empty figure in the house's style, inches."""
    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def save(drawn: Figure, name: Path) -> list[Path]:
    """Write `name`.png and `name`.svg, each whole or not at all; their paths."""
    name.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind in ("png", "svg"):
        path, part = name.with_name(f"{name.name}.{kind}"), name.with_name(f"{name.name}.part")
        # No date: the same results give the same file.
        drawn.savefig(
            part, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else None
        )
        os.replace(part, path)
        paths.append(path)
    return paths
