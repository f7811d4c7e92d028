"""The panels of a figure of lines: how many, where, and what is written around them."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drift.experiments.figures.canvas import add_height, new_figure
from drift.experiments.figures.captions import in_symbols, parts
from drift.experiments.figures.curves import CROSS, EXPECTED
from drift.experiments.figures.legend import (
    DASHES,
    NAMED,
    add_bar,
    add_grouped_legend,
    line_colours,
)
from drift.experiments.figures.lines.chosen import ChosenLines, Told
from drift.experiments.figures.lines.quantities import NUMBERS, QUANTITY, Quantity
from drift.experiments.figures.lines.vertices import AllLines
from drift.experiments.figures.look import in_font
from drift.experiments.figures.style import POINTS
from drift.sim.errors import BadInput
from drift.sim.spec.axis import Axis

_MOST_LINES, _MOST_PANELS, _MOST_ACROSS = 100, 30, 4
"""Most lines in a panel, most panels, and most beside each other where there are no rows."""
_WIDTHS, _HEIGHTS = (5.8, 3.7, 2.9, 2.4), (3.9, 3.2, 2.6)
"""Width and height of a panel by how many stand beside and below each other, inches."""
_AROUND, _ROW, _BAR = 0.9, 0.19, 0.035
"""Inches above and below the panels, and of a row of the legend; width of a bar of colours."""
_MARKERS = "os^Dv<>"
_MARGIN = 24.0
"""Points by which a legend is narrower than the figure."""


def panel_shape(chosen: ChosenLines) -> tuple[int, int]:
    """Return the rows and columns of panels. Raises BadInput where there would be too many."""
    counts = {role: len(each.values) for role, each in chosen.told.items()}
    rows, cols = counts.get("row", 1), counts.get("col", 1)
    lines = counts.get("hue", 1) * counts.get("dashes", 1)
    if rows * cols > _MOST_PANELS:
        raise BadInput(
            f"{rows * cols:,} panels are asked for; a figure holds {_MOST_PANELS}: fix axes with"
            " --at, or give col and row others"
        )
    if lines > _MOST_LINES or counts.get("dashes", 1) > len(DASHES):
        what = chosen.told["hue"].name if "hue" in chosen.told else QUANTITY
        raise BadInput(
            f"{lines:,} lines are asked for in a panel ({what}); at most {_MOST_LINES} are drawn,"
            f" of {len(DASHES)} quantities; fix axes with --at, or give hue another"
        )
    if "row" not in chosen.told and cols > _MOST_ACROSS:
        return -(-cols // _MOST_ACROSS), _MOST_ACROSS
    return rows, cols


def make_panels(
    chosen: ChosenLines, shape: tuple[int, int]
) -> tuple[Figure, dict[tuple[int, int], Axes], Axes | None]:
    """Return the figure, the axes of each panel by row and col, and those of a bar of colours."""
    rows, cols = shape
    wide = _WIDTHS[min(cols, len(_WIDTHS)) - 1] * cols
    high = _HEIGHTS[min(rows, len(_HEIGHTS)) - 1] * rows + _AROUND
    figure = new_figure(wide, high)
    with_bar = has_bar(chosen.told.get("hue"))
    ratios = [*[1.0] * cols, *([_BAR * cols] if with_bar else [])]
    spec = figure.add_gridspec(rows, len(ratios), width_ratios=ratios)
    own_y = any(r in chosen.told and chosen.told[r].name == QUANTITY for r in ("row", "col"))
    panels: dict[tuple[int, int], Axes] = {}
    first: Axes | None = None
    wanted = [(r, c) for r in range(rows) for c in range(cols)]
    if "row" not in chosen.told:
        wanted = [(0, k) for k in range(len(chosen.told["col"].values))] if cols > 1 else [(0, 0)]
    for row, col in wanted:
        at = divmod(col, cols) if "row" not in chosen.told else (row, col)
        axes = figure.add_subplot(spec[at[0], at[1]], sharex=first, sharey=None if own_y else first)
        first = first or axes
        panels[row, col] = axes
    return figure, panels, figure.add_subplot(spec[:, -1]) if with_bar else None


def has_bar(hue: Told | None) -> bool:
    """Return whether the values of the hue are too many for a legend."""
    return hue is not None and not hue.named and len(hue.values) > NAMED


def label_panels(
    panels: dict[tuple[int, int], Axes],
    chosen: ChosenLines,
    shape: tuple[int, int],
    progress: float,
) -> None:
    """Put titles on the panels, and labels on the outer ones."""
    text = {role: chosen.told[role].labels for role in ("row", "col") if role in chosen.told}
    quantity_in = [r for r in ("row", "col") if r in text and chosen.told[r].name == QUANTITY]
    last = max(divmod(col, shape[1])[0] for _, col in panels) if "row" not in text else shape[0] - 1
    expected = "expected " if chosen.predicted else ""
    for (row, col), axes in panels.items():
        at = (row, col) if "row" in text else divmod(col, shape[1])
        titles = [text[r][k] for r, k in (("col", col), ("row", row)) if r in text]
        axes.set_title(",  ".join(titles) if text else "", fontsize="medium")
        shown = chosen.quantities
        if quantity_in:
            shown = (chosen.quantities[row if quantity_in[0] == "row" else col],)
        outer = at[1] == 0 or bool(quantity_in)
        label = ",\n".join(each.label for each in shown) if len(shown) <= 2 else "quantities"
        axes.set_ylabel(f"{expected}{label}" if outer else "")
        x = chosen.x
        if not isinstance(x, Axis):
            axes.set_xlabel(x.label if isinstance(x, Quantity) else NUMBERS[x])
        below = "row" not in text and (0, col + shape[1]) in panels
        inner = below or (at[0] < last and "row" in text)
        if inner:
            axes.set_xlabel("")
        axes.tick_params(labelbottom=not inner, labelleft=outer)


def marker_of(number: int, chosen: ChosenLines) -> str:
    """Return the marker of a value of the hue: each has its own where a legend names them."""
    hue = chosen.told.get("hue")
    few = hue is not None and len(hue.values) <= NAMED
    return _MARKERS[number % len(_MARKERS)] if few else _MARKERS[0]


def explain(figure: Figure, chosen: ChosenLines, bar: Axes | None, crosses: bool) -> None:
    """Explain the colours, the dashes and the crosses."""
    hue, dashes, groups = chosen.told.get("hue"), chosen.told.get("dashes"), []
    colours = line_colours(hue)
    if bar is not None and hue is not None and hue.axis is not None:
        add_bar(bar, hue.axis)
    elif hue is not None:
        inks = zip(colours, hue.labels, strict=True)
        groups.append([Line2D([], [], color=c, linewidth=3, label=label) for c, label in inks])
        if isinstance(chosen.x, Axis):
            for k, handle in enumerate(groups[0]):
                handle.set(marker=marker_of(k, chosen), markersize=4.5, linewidth=1.3)
    if dashes is not None:
        styles = zip(DASHES, dashes.labels, strict=False)
        groups.append(
            [Line2D([], [], color="black", linestyle=d, label=label) for d, label in styles]
        )
    if crosses:
        groups.append([Line2D([], [], color="black", label=EXPECTED, **CROSS)])
    if groups:
        wide = figure.bbox.width / figure.dpi * POINTS - _MARGIN
        rows = add_grouped_legend(figure, groups, wide, _MOST_ACROSS)
        add_height(figure, in_font(_ROW) * rows)


def caption_of(chosen: ChosenLines, found: AllLines, progress: float, spread: str) -> list[str]:
    """Return the parts of the caption: what all points share, and what is averaged."""
    known = {name: value for name, value in chosen.fields.base.items() if value is not None}
    if chosen.predicted:
        known.pop("seed", None)
    said = parts(known)
    sizes = {axis.name: len(axis.values) for axis in chosen.fields.axes}
    said += [
        f"{in_symbols(name, value)} (one of {sizes[name]:,})"
        for name, value in chosen.fixed.items()
    ]
    if not chosen.along and progress != 1:
        said.append(f"after {progress:g} of the steps")
    repeats = max(line.repeats for line in found.lines.values())
    plural = {"seed": "seeds", "direction_seed": "direction seeds"}
    over = " × ".join(f"{len(a.values):,} {plural[a.name]}" for a in chosen.averaged)
    if repeats > 1:
        said.append(f"mean over {over or f'{repeats:,} points'}")
        bands = {"range": "min–max", "deviation": "± one standard deviation"}
        said += [f"bands: {bands[spread]}"] if spread in bands else []
    if found.points < found.wanted:
        missing = found.wanted - found.points
        said.append(f"{missing:,} of {found.wanted:,} grid points are not done")
    return said
