"""The components of a cloud drawn: what is on the page, and what is only said.

Components are numbered and ordered as in the table of `drift structure`. Isolated
black holes stand in rows of their own; isolated cells of one token are only counted.
"""

import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments import component_marks as marks
from experiments.captions import selected
from experiments.discs import Discs
from experiments.figures import plain
from experiments.page import Page
from sim.components import Component
from sim.errors import BadInput
from sim.legible import legible
from sim.structures import Structure

MOST_CELLS = 500
"""Components are drawn, the largest first, up to so many cells."""
MOST_COMPONENTS = 60
MOST_ISOLATED = 60
"""Isolated black holes that are drawn, the largest first."""
_WIDTH = 500.0
"""Points that a page has across."""
_LETTERS = 110
"""Of a line of the caption."""


def components(found: Structure, selection: dict[str, Any] | None) -> Figure:
    """Draw the components of `found`, whose `selection` is as the JSON has it.

    Raises BadInput where no cell has a neighbour or a second token, and where the
    first component has more than MOST_CELLS cells.
    """
    shown = _shown(found)
    isolated = found.occupied.holes[~np.isin(found.occupied.holes, found.edges)]
    cells = [*(each.cells for each in shown), isolated[:MOST_ISOLATED]]
    populations = found.occupied.population[np.concatenate(cells)]
    discs = Discs.fitting(populations[populations > 1])
    page = Page()
    height = marks.put_components(page, found, shown, discs, _WIDTH)
    height = marks.put_isolated(page, found.occupied.population[cells[-1]], discs, height, _WIDTH)
    height = marks.put_legend(page, populations, bool(shown), discs, height)
    height = marks.put_lines(page, _caption(found, selection, shown, isolated, discs), height)
    return page.figure(height)


def _shown(found: Structure) -> list[Component]:
    """The components that are drawn. Raises BadInput where there is nothing to draw."""
    label = legible(found.matrix.label, 200)
    if not found.components and not len(found.occupied.holes):
        raise BadInput(
            f"{label}: none of {found.cells:,} cells is adjacent to another, and each"
            " is of one token; there is nothing to draw"
        )
    fit = np.cumsum([len(each.cells) for each in found.components]) <= MOST_CELLS
    if len(fit) and not fit[0]:
        raise BadInput(
            f"{label}: component 1 has {len(found.components[0].cells):,} cells; up to"
            f" {MOST_CELLS:,} can be drawn; select fewer tokens with --near and --exponents"
        )
    return found.components[: min(int(fit.sum()), MOST_COMPONENTS)]


def _caption(
    found: Structure,
    selection: dict[str, Any] | None,
    shown: list[Component],
    isolated: np.ndarray,
    discs: Discs,
) -> list[str]:
    """What is shown and what is not."""
    alone = found.isolated
    singletons = alone.nodes - alone.black_holes
    said = [
        f"{_count(found.tokens, 'token')} in {_count(found.cells, 'cell')}:"
        f" {_count(len(found.components), 'component')};"
        f" isolated, {_count(len(isolated), 'black hole')}"
        f" and {_count(singletons, 'cell')} of one token{' (not drawn)' if singletons else ''}."
    ]
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
    if discs.least > 2:
        said.append(f"Black holes of fewer than {discs.least:,} tokens are drawn as of so many.")
    label = ",  ".join([plain(found.matrix.label[-_LETTERS:], _LETTERS), *selected(selection)])
    return [line for text in (label, " ".join(said)) for line in textwrap.wrap(text, _LETTERS)]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else f"no {what}s"
