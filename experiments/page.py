"""A page that marks are put on: discs, dots, lines and words, in points, to the right and down.

disc   a black hole, its area by its population
dot    a cell of one token
line   between adjacent cells
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from experiments.figures import COLOURS, figure

POINTS = 72.0
"""To an inch."""
_VECTORS = 2_000
"""More lines than that become a picture within the SVG, which would be large."""
_SMOOTH = 30_000
"""More lines than that are drawn in a hurry."""
_FAINT = 300
"""So many lines are drawn as they are; more of them fainter, so that they stay apart."""


@dataclass
class Page:
    """The marks; `figure` draws them."""

    discs: list[tuple[float, float, float]] = field(default_factory=list)
    """x, y, radius"""
    dots: list[tuple[float, float, float]] = field(default_factory=list)
    lines: list[np.ndarray] = field(default_factory=list)
    """float64 (2, 2): from, to"""
    samples: list[np.ndarray] = field(default_factory=list)
    """a line for the legend, never faint"""
    words: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)
    """x, y, text, style"""

    def say(self, x: float, y: float, text: str, size: float = 8, **style: Any) -> float:
        """Put words with the middle of their line at y; how wide they are."""
        self.words.append((x, y, text, {"size": size, "va": "center_baseline", **style}))
        return _width(*self.words[-1][2:])

    def figure(self, height: float) -> Figure:
        """The page drawn, as wide as what is on it."""
        ends = [x + radius for x, _, radius in self.discs + self.dots]
        ends += [x + _width(text, style) for x, _, text, style in self.words]
        width = max(ends) + 1
        drawn = figure(width / POINTS, height / POINTS)
        drawn.set_layout_engine("none")
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        axes.add_collection(_edges(self.lines))
        axes.add_collection(LineCollection(self.samples, colors="#777777", linewidths=0.6))
        ink = {"facecolors": COLOURS[0], "edgecolors": "white", "linewidths": 0.4}
        axes.add_collection(_circles(self.discs, axes, **ink))
        ink = {"facecolors": "white", "edgecolors": "#444444", "linewidths": 0.7}
        axes.add_collection(_circles(self.dots, axes, **ink))
        for x, y, text, style in self.words:
            axes.text(x, y, text, zorder=3, **style)
        return drawn


def _edges(lines: list[np.ndarray]) -> LineCollection:
    """The lines, the more of them the fainter: where they cross most it is darkest."""
    many = len(lines) > _VECTORS
    faint = min(1.0, (_FAINT / max(1, len(lines))) ** 0.7)
    smooth = len(lines) <= _SMOOTH
    ink = {"colors": "#777777" if smooth else "#AAAAAA", "linewidths": 0.3 if many else 0.6}
    drawn = LineCollection(lines, alpha=faint, antialiaseds=smooth, zorder=1, **ink)
    drawn.set_rasterized(many)
    return drawn


def _circles(
    marks: list[tuple[float, float, float]], axes: Axes, **style: Any
) -> EllipseCollection:
    """Circles around x, y."""
    x, y, radius = np.array(marks, float).reshape(-1, 3).T
    style["offsets"], style["offset_transform"] = np.stack([x, y], axis=1), axes.transData
    return EllipseCollection(2 * radius, 2 * radius, 0 * radius, units="xy", zorder=2, **style)


def _width(text: str, style: dict[str, Any]) -> float:
    return text_width(text, style["size"], style.get("weight") == "bold")


def text_width(text: str, size: float = 8, bold: bool = False) -> float:
    """How wide a text is, in points; a little more, since screens round letters up."""
    if not text.strip():  # of which there is no path
        return 0.0
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return 1.02 * float(TextPath((0, 0), text, prop=font).get_extents().width)
