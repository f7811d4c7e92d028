"""The figure of a cloud's components, each in axes of its own; the caption says what is left out.

Components are numbered and ordered as in the table of `drift structure`. Isolated black holes are
drawn together in the last axes but one; isolated cells of one token are only counted.

disc   a black hole; its area is in proportion to its population
dot    a cell of one token
line   joins adjacent cells

All axes are in points (1/72 inch), so that discs have the same scale in all of them.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure

from drift.experiments.figures.canvas import in_own_settings, new_figure, set_layout
from drift.experiments.figures.captions import put_caption, selected
from drift.experiments.figures.components_layout import DiscSizes, layout, pack_in_rows
from drift.experiments.figures.look import in_font, width_of
from drift.experiments.figures.style import COLOURS, POINTS, figure_text, text_width
from drift.sim.errors import BadInput, printable
from drift.sim.structures.components import Component
from drift.sim.structures.structure import Structure

MOST_CELLS = 500
"""Most cells of all components that are drawn, the largest first."""
MOST_COMPONENTS = 60
"""Most components that are drawn."""
MOST_ISOLATED = 60
"""Most isolated black holes that are drawn, the largest first."""
_WIDTH = 500.0
"""Width of a figure, points."""
_GAP, _LINE = 16.0, 14.0
"""Points between axes, and of a line of text."""
_SMALL, _LETTERS = 7.0, 110
"""Font size in points, in usual letters, and characters of a name in the caption."""
_NARROW, _WIDE, _FEW = 1.5, 5.0, 30
"""Half of the least gap between discs, points: among many cells, among few; what few are."""
_VECTORS = 2_000
"""Most lines that are vectors in SVG; more are pixels, since the file would be large."""
_SMOOTH = 30_000
"""Most lines that are drawn with antialiasing, which takes long."""
_FAINT = 300
"""Most lines that are drawn opaque; more are fainter, so that they remain distinct."""
_DISC: dict[str, Any] = {"facecolors": COLOURS[0], "edgecolors": "white", "linewidths": 0.4}
_DOT: dict[str, Any] = {"facecolors": "white", "edgecolors": "#444444", "linewidths": 0.7}
_INK = "#444444"


class _Panel(NamedTuple):
    """The contents of one of the axes."""

    title: str
    positions: np.ndarray
    """centres of the cells, float64 (cells, 2), points to the right and down"""
    populations: np.ndarray
    """tokens in each cell, int64 (cells,)"""
    lines: np.ndarray
    """pairs of adjacent cells, as indices of `positions`, int64 (lines, 2)"""
    size: tuple[float, float]
    """width and height, points"""
    below: np.ndarray | None = None
    """how far down each population is written, float64 (cells,); None: in discs that have room"""


@in_own_settings
def components(found: Structure, selection: dict[str, Any] | None) -> Figure:
    """Draw the components of a structure.

    `selection` says how tokens were selected, as in the JSON of `drift structure`. Raises
    BadInput where no cell has a neighbour or a second token, and where the first component has
    more than MOST_CELLS cells.
    """
    shown = _shown(found)
    isolated = found.occupied.holes[~np.isin(found.occupied.holes, found.edges)]
    cells = [*(each.cells for each in shown), isolated[:MOST_ISOLATED]]
    populations = found.occupied.population[np.concatenate(cells)]
    disc_sizes = DiscSizes.fitting(populations[populations > 1])
    panels = [_component(k, each, found, disc_sizes) for k, each in enumerate(shown, 1)]
    if len(isolated):
        alone = found.occupied.population[cells[-1]]
        panels.append(
            _in_a_row(r"$\bf{isolated}$  black holes, with token counts", alone, disc_sizes)
        )
    scale = [*disc_sizes.examples(int(populations.max())), 1]
    panels.append(_in_a_row(r"$\bf{scale}$  tokens per cell", np.array(scale), disc_sizes))
    lines = sum(len(panel.lines) for panel in panels)
    width = _width()
    corners, height = pack_in_rows([_outer(panel) for panel in panels], width, _GAP)
    figure = new_figure(width / POINTS, height / POINTS)
    set_layout(figure, "none")
    for panel, (x, y) in zip(panels, corners, strict=True):
        wide, high = panel.size
        bottom = 1 - (y + in_font(_LINE) + high) / height
        axes = figure.add_axes((x / width, bottom, wide / width, high / height))
        _draw(axes, panel, disc_sizes, lines)
    caption = _caption(found, selection, shown, isolated, disc_sizes)
    # Below all axes: the saved figure grows to hold everything that is on it.
    place: dict[str, Any] = {"x": 0, "y": -_GAP / height, "ha": "left", "va": "top"}
    put_caption(figure, *caption, fontsize=in_font(_SMALL), **place)
    return figure


def _width() -> float:
    return width_of(_WIDTH / POINTS) * POINTS


def _shown(found: Structure) -> list[Component]:
    """Return the components that are drawn. Raises BadInput where there is nothing to draw."""
    label = printable(found.matrix.label, 200)
    if not found.components and not len(found.occupied.holes):
        raise BadInput(
            f"{label}: none of {found.cells:,} cells is adjacent to another, and each"
            " holds one token; there is nothing to draw"
        )
    fit = np.cumsum([len(each.cells) for each in found.components]) <= MOST_CELLS
    if len(fit) and not fit[0]:
        raise BadInput(
            f"{label}: component 1 has {len(found.components[0].cells):,} cells; at most"
            f" {MOST_CELLS:,} can be drawn; select fewer tokens with --near and --exponents"
        )
    return found.components[: min(int(fit.sum()), MOST_COMPONENTS)]


def _component(
    number: int, component: Component, found: Structure, disc_sizes: DiscSizes
) -> _Panel:
    cells = component.cells
    populations = found.occupied.population[cells]
    reach = disc_sizes.radius(populations) + (_WIDE if len(cells) <= _FEW else _NARROW)
    positions = layout(found.distance(cells), reach)
    wide, high = (positions + reach[:, None]).max(axis=0).tolist()
    lines = found.edges[np.isin(found.edges[:, 0], cells)]
    title = rf"$\bf{{{number}}}$  {len(cells):,} cells, {component.tokens:,} tokens"
    return _Panel(title, positions, populations, np.searchsorted(cells, lines), (wide, high))


def _in_a_row(title: str, populations: np.ndarray, disc_sizes: DiscSizes) -> _Panel:
    """Return a panel of cells of falling populations, each with its token count below."""
    radii = disc_sizes.radius(populations)
    names = [text_width(f"{n:,}", _SMALL) for n in populations.tolist()]
    across = np.maximum(2 * radii, names)
    line = in_font(_LINE)
    sizes = list(zip(across.tolist(), (2 * radii + line).tolist(), strict=True))
    corners, height = pack_in_rows(sizes, _width(), _GAP / 2)
    largest = np.array([radii[corners[:, 1] == y].max() for y in corners[:, 1]])
    positions = corners + np.stack([across / 2, largest], axis=1)
    size = float((corners[:, 0] + across).max()), height
    below = positions[:, 1] + largest + line / 2
    return _Panel(title, positions, populations, np.zeros((0, 2), np.int64), size, below)


def _outer(panel: _Panel) -> tuple[float, float]:
    """Return the size of a panel with its title."""
    letters = panel.title.replace(r"$\bf{", "").replace("}$", "")
    return max(panel.size[0], text_width(letters, _SMALL, bold=True)), panel.size[1] + in_font(
        _LINE
    )


def _draw(axes: Axes, panel: _Panel, disc_sizes: DiscSizes, lines: int) -> None:
    """Draw a panel of a figure that has `lines` lines in all."""
    wide, high = panel.size
    axes.set(xlim=(0, wide), ylim=(high, 0))
    axes.set_axis_off()
    axes.set_title(panel.title, loc="left", pad=4, fontsize=in_font(_SMALL), color=_INK)
    many, smooth = lines > _VECTORS, lines <= _SMOOTH
    edges = LineCollection(
        panel.positions[panel.lines],
        colors="#777777" if smooth else "#AAAAAA",
        linewidths=0.3 if many else 0.6,
        antialiaseds=smooth,
        # The more lines, the fainter each: regions where many cross are darkest.
        alpha=min(1.0, (_FAINT / max(1, lines)) ** 0.7),
    )
    edges.set_rasterized(many)
    axes.add_collection(edges)
    radii, holes = disc_sizes.radius(panel.populations), panel.populations > 1
    for which, style in ((holes, _DISC), (~holes, _DOT)):
        across = 2 * radii[which]
        around: dict[str, Any] = {"offsets": panel.positions[which], "zorder": 2, **style}
        around["offset_transform"] = axes.transData
        axes.add_collection(EllipseCollection(across, across, 0 * across, units="xy", **around))
    middle: dict[str, Any] = {"ha": "center", "va": "center_baseline"}
    middle["fontsize"] = in_font(_SMALL)
    for k, ((x, y), n) in enumerate(zip(panel.positions, panel.populations.tolist(), strict=True)):
        if panel.below is not None:
            axes.text(x, panel.below[k], f"{n:,}", color=_INK, **middle)
        elif text_width(f"{n:,}", _SMALL) + 2 < 2 * radii[k] and 1.6 * radii[k] > in_font(_SMALL):
            axes.text(x, y, f"{n:,}", color="white", **middle)


def _caption(
    found: Structure,
    selection: dict[str, Any] | None,
    shown: list[Component],
    isolated: np.ndarray,
    disc_sizes: DiscSizes,
) -> list[list[str]]:
    """Return the paragraphs of the caption: what is drawn and what is not."""
    alone = found.isolated
    singletons = alone.nodes - alone.black_holes
    said = [
        f"{_count(found.tokens, 'token')} in {_count(found.cells, 'cell')}:"
        f" {_count(len(found.components), 'component')};"
        f" isolated: {_count(len(isolated), 'black hole')}"
        f" and {_count(singletons, 'cell')} of one token{' (not drawn)' if singletons else ''}."
    ]
    if shown:
        said[0] += " Lines join adjacent cells."
    left = found.components[len(shown) :]
    if left:
        cells = sum(len(each.cells) for each in left)
        said.append(
            f"Not drawn: components {len(shown) + 1:,} to {len(found.components):,}, which hold"
            f" {cells:,} cells."
        )
    if len(isolated) > MOST_ISOLATED:
        more = len(isolated) - MOST_ISOLATED
        said.append(f"Not drawn: {more:,} more isolated black holes, none larger.")
    if disc_sizes.least > 2:
        said.append(
            f"Black holes of fewer than {disc_sizes.least:,} tokens are drawn as large as that."
        )
    label = figure_text(found.matrix.label[-_LETTERS:], _LETTERS)
    return [[label, found.matrix.format.name, *selected(selection)], [" ".join(said)]]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else f"no {what}s"
