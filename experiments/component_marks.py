"""The parts of the page of components, each put below the one before it.

Every part is told the height in points at which it begins, and gives that at which
it ends.
"""

from typing import NamedTuple

import numpy as np

from experiments.discs import DOT, Discs
from experiments.packing import GAP, packed
from experiments.page import Page, text_width
from experiments.placing import placed
from sim.components import Component
from sim.structures import Structure

_NARROW, _WIDE = 1.5, 5.0
"""Points from a disc to the middle of the gap to the next: among many cells, among few."""
_FEW = 30
_LINE = 14.0
"""Points of a line of words."""
_SMALL = 7.0
"""Size of small words, in points."""
_SPACE = 5.0
_GREY = "#444444"


class _Block(NamedTuple):
    """A component and where it would be drawn if it were alone on the page."""

    component: Component
    number: str
    text: str
    places: np.ndarray
    """float64 (nodes, 2)"""
    size: tuple[float, float]
    """points, with its title"""


def put_components(
    page: Page, found: Structure, shown: list[Component], discs: Discs, width: float
) -> float:
    """The components under their titles, from height 0."""
    blocks = [_block(k, each, found, discs) for k, each in enumerate(shown, 1)]
    populations = found.occupied.population
    corners, height = packed([block.size for block in blocks], width)
    at = np.full((found.cells, 2), np.nan)
    for block, (x, y) in zip(blocks, corners, strict=True):
        _title(page, x, y, block.number, block.text)
        at[block.component.cells] = block.places + np.array([x, y])
        for cell in block.component.cells:
            _cell(page, at[cell], int(populations[cell]), discs)
    ends = at[found.edges]
    page.lines.extend(ends[~np.isnan(ends).any(axis=(1, 2))])
    return height + GAP if blocks else 0.0


def put_isolated(
    page: Page, populations: np.ndarray, discs: Discs, height: float, width: float
) -> float:
    """Isolated black holes in rows, over their populations."""
    if not len(populations):
        return height
    _title(page, 0, height, "isolated", "black holes and their tokens")
    height += _LINE
    radii = discs.radius(populations)
    names = [f"{n:,}" for n in populations.tolist()]
    across = [max(2 * r, text_width(name, _SMALL)) for r, name in zip(radii, names, strict=True)]
    x, row = 0.0, float(2 * radii[0])  # of a row the first is the largest
    for wide, radius, name, population in zip(across, radii, names, populations, strict=True):
        if x and x + wide > width:
            x, height, row = 0.0, height + row + _LINE, float(2 * radius)
        middle = x + wide / 2
        _cell(page, np.array([middle, height + row / 2]), int(population), discs, named=False)
        page.say(middle, height + row + _LINE / 2, name, _SMALL, ha="center", color=_GREY)
        x += wide + 2 * _SPACE
    return height + row + _LINE + GAP


def put_legend(
    page: Page, populations: np.ndarray, joined: bool, discs: Discs, height: float
) -> float:
    """What discs, dots and lines are."""
    examples = discs.examples(int(populations.max())) if populations.max() > 1 else []
    radii = discs.radius(np.array(examples, int)).tolist()
    half = max([_LINE / 2, *radii])
    middle, x = height + half, 0.0
    if examples:
        x += page.say(x, middle, "tokens:", _SMALL, color=_GREY) + _SPACE
    for radius, example in zip(radii, examples, strict=True):
        page.discs.append((x + radius, middle, radius))
        x += 2 * radius + _SPACE / 2
        x += page.say(x, middle, f"{example:,}", _SMALL, color=_GREY) + 2 * _SPACE
    if (populations == 1).any():
        page.dots.append((x + DOT, middle, DOT))
        x += 2 * DOT + _SPACE / 2
        x += page.say(x, middle, "1", _SMALL, color=_GREY) + 2 * _SPACE
    if joined:
        page.samples.append(np.array([(x, middle), (x + 16, middle)]))
        x += 16 + _SPACE
        page.say(x, middle, "adjacent cells", _SMALL, color=_GREY)
    return middle + half + GAP / 2


def put_lines(page: Page, lines: list[str], height: float) -> float:
    """The caption."""
    for line in lines:
        page.say(0, height + _LINE / 2, line, _SMALL, color=_GREY)
        height += _LINE
    return height


def _block(number: int, component: Component, found: Structure, discs: Discs) -> _Block:
    cells = component.cells
    gap = _WIDE if len(cells) <= _FEW else _NARROW
    reach = discs.radius(found.occupied.population[cells]) + gap
    places = placed(found.distance(cells), reach)
    wide, high = (places + reach[:, None]).max(axis=0).tolist()
    text = f"{len(cells):,} cells, {component.tokens:,} tokens"
    title = text_width(str(number), bold=True) + _SPACE + text_width(text, _SMALL)
    size = max(wide, title), high + _LINE
    return _Block(component, str(number), text, places + np.array([0, _LINE]), size)


def _title(page: Page, x: float, y: float, name: str, text: str) -> None:
    x += page.say(x, y + _LINE / 2, name, weight="bold") + _SPACE
    page.say(x, y + _LINE / 2, text, _SMALL, color=_GREY)


def _cell(page: Page, at: np.ndarray, population: int, discs: Discs, named: bool = True) -> None:
    """A disc, with its population where that fits into it, or a dot."""
    x, y = at.tolist()
    radius = float(discs.radius(np.array(population)))
    (page.discs if population > 1 else page.dots).append((x, y, radius))
    name = f"{population:,}"
    if named and text_width(name, _SMALL) + 2 < 2 * radius and 1.6 * radius > _SMALL:
        page.say(x, y, name, _SMALL, ha="center", color="white")
