"""The figure of clouds in the plane of two dimensions: where tokens were, and where they ended.

panel    one cloud in axes of its own
shown    of a token: its row is finite, and it is selected
hole     one of the largest black holes, which has a colour; holes are numbered from 0, and tokens
         in other cells have the number of holes
plane    two dimensions, counted from 0. By default the first is the one that tells most cells
         apart, and the second tells most of the others apart

Tokens at one point are drawn as a disc. Its area is in proportion to their number, and so are
the areas of its rings, one for each hole. Lines are values of the lattice, where they are few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike

from drift.experiments.figures.canvas import in_own_settings, new_figure, set_layout
from drift.experiments.figures.captions import parts, selected, wrapped
from drift.experiments.figures.components_layout import DiscSizes
from drift.experiments.figures.style import COLOURS, GREY, figure_text
from drift.kernels.formats import Format
from drift.sim.counting.cells import Cells
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import Matrix
from drift.sim.sources.source import source_of

_SAMPLE = 4096
"""Most cells by which the default plane is chosen, the first ones."""
_BLOCK_BYTES = 1 << 24
"""Bytes of the dimensions that are examined together."""


@dataclass(frozen=True)
class TokensInPlane:
    """The shown tokens of one cloud in a plane."""

    format: Format
    """format of the codes"""
    codes: np.ndarray
    """codes in the two dimensions, of the format's storage type, (tokens, 2)"""
    hole: np.ndarray
    """the hole of each token, int64 (tokens,)"""
    holes: int
    """number of holes"""

    def spots(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the discs to draw: values (spots, 2), holes and cumulated tokens, int64 (spots,).

        A spot is the tokens of one hole at one point of the plane. At each point the holes with
        the fewest tokens come first and tokens of no hole last; tokens are cumulated in that
        order, so that a disc drawn below another shows as a ring.
        """
        keys = np.column_stack([self.format.coordinate(self.codes), self.hole])
        keys, tokens = np.unique(keys, axis=0, return_counts=True)
        point = np.unique(keys[:, :2], axis=0, return_inverse=True)[1].ravel()
        order = np.lexsort([tokens, keys[:, 2] == self.holes, point])
        keys, tokens, point = keys[order], tokens[order], point[order]
        running = np.cumsum(tokens)
        begins = np.searchsorted(point, point)
        values = self.format.value(self.format.code_at(keys[:, :2]))
        return values, keys[:, 2], running - (running - tokens)[begins]


@dataclass(frozen=True)
class CloudPlane:
    """The tokens, the holes and the plane that all panels of a figure share."""

    token_ids: np.ndarray
    """ids of the shown tokens, int64 (tokens,), rising"""
    hole: np.ndarray
    """the hole of each token, int64 (tokens,)"""
    populations: np.ndarray
    """tokens in each hole, int64 (holes,), falling"""
    cells: int
    """number of all occupied cells"""
    plane: tuple[int, ...]
    """the two dimensions, across and up"""

    @classmethod
    def of(cls, matrix: Matrix, most: int, plane: tuple[int, ...] | None) -> "CloudPlane":
        """Return the plane of `matrix`, with at most `most` holes.

        Raises BadInput where no row is finite, and for a plane that the matrix does not have.
        """
        rows = np.flatnonzero(matrix.finite())
        label, dims = printable(matrix.label, 200), matrix.codes.shape[1]
        if not len(rows):
            raise BadInput(f"{label}: no row is finite; there is nothing to draw")
        if dims < 2:
            raise BadInput(f"{label} has {dims} dimension; a plane needs two")
        if plane is not None and not (
            len(plane) == len(set(plane)) == 2 and min(plane) >= 0 and max(plane) < dims
        ):
            named = ",".join(map(str, plane))
            raise BadInput(f"plane is {named}; it must be two dimensions of 0 ... {dims - 1}")
        cells = Cells.in_matrix(rows, matrix)
        coloured = cells.holes[:most]
        hole = np.full(len(matrix.codes), len(coloured))
        for number, cell in enumerate(coloured.tolist()):
            hole[cells.of(cell)] = number
        return cls(
            matrix.token_ids[rows],
            hole[rows],
            cells.population[coloured],
            len(cells),
            plane or most_telling_plane(matrix.codes[cells.first[:_SAMPLE]], matrix.format),
        )

    def view(self, matrix: Matrix) -> TokensInPlane:
        """Return where the tokens are in `matrix`, which may hold others too, and lack some."""
        known = np.isin(self.token_ids, matrix.token_ids)
        rows = np.searchsorted(matrix.token_ids, self.token_ids[known])
        codes = matrix.codes[rows[:, None], list(self.plane)]
        return TokensInPlane(matrix.format, codes, self.hole[known], len(self.populations))


def most_telling_plane(codes: np.ndarray, target: Format) -> tuple[int, int]:
    """Return the plane that tells most of the cells with these `codes`, (cells, dims), apart."""
    first = int(np.argmin(_alike(codes, target, np.zeros(len(codes), np.int64))))
    group = np.unique(target.coordinate(codes[:, first]), return_inverse=True)[1]
    left, alone = (_alike(codes, target, each) for each in (group, np.zeros_like(group)))
    best = np.lexsort([alone, left])  # the smallest of dimensions that are as good
    return first, int(best[best != first][0])


def _alike(codes: np.ndarray, target: Format, group: np.ndarray) -> np.ndarray:
    """Return how many ordered pairs of a group's cells agree in each dimension, int64 (dims,)."""
    cells, dims = codes.shape
    width, found = max(1, _BLOCK_BYTES // (8 * cells)), []
    for start in range(0, dims, width):
        coordinates = target.coordinate(codes[:, start : start + width])
        keys = np.sort((group[:, None] << target.width) + coordinates, axis=0)
        for column in keys.T:
            ends = np.flatnonzero(np.diff(column, append=column[-1] + 1))
            found.append(int(np.square(np.diff(ends, prepend=-1)).sum()))
    return np.array(found)


HOLES = len(COLOURS) - 1
"""Most black holes that have a colour."""
_OTHERS = "#999999"
_ACROSS = 190.0
"""Length of a panel's shorter side, points."""
_PLAIN = (-3, 4)
"""Powers of ten between which numbers are written without an exponent."""
_LINES = 48
"""Most lattice steps along an axis with which the lattice is drawn."""
_MANY = 3_000
"""Most spots at full size and as vectors in SVG; more are smaller, and pixels."""
_FINEST = 0.25
"""Smallest factor by which spots are reduced."""
_ROOM = 0.06
"""Margin beyond the outermost spots as a fraction of the axis, where a lattice step is smaller."""


class Panel(NamedTuple):
    """One cloud of a figure."""

    title: str
    """text above it"""
    view: TokensInPlane
    """the tokens that it shows"""


@in_own_settings
def cloud_figure(panels: Sequence[Panel], cloud_plane: CloudPlane, caption: str) -> Figure:
    """Draw the clouds beside each other, the tokens of each hole in one colour in all of them."""
    figure = new_figure(3.8 * len(panels) if len(panels) > 1 else 4.8, 4.2)
    set_layout(figure, "constrained", wspace=0.05)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        rooms = [_axis(axes, name, panel.view, which) for which, name in enumerate("xy")]
        _discs(axes, panel.view, min(rooms))
        right, up = (f"dimension {each:,}" for each in cloud_plane.plane)
        axes.set(title=panel.title, xlabel=right, ylabel=up)
        axes.grid(False)
    _legend(figure, cloud_plane, 4 if len(panels) > 1 else 2)
    figure.supxlabel(caption, color=GREY)
    return figure


def _discs(axes: Axes, view: TokensInPlane, room: float) -> None:
    """Draw discs of tokens, no wider than `room`, the points between two values that occur."""
    at, hole, together = view.spots()
    scale = DiscSizes.fitting(together[together > 1])
    one = min(scale.one, room / 2 / math.sqrt(together.max()))
    radius = DiscSizes(one).radius(together) * max(_FINEST, min(1, math.sqrt(_MANY / len(at))))
    order = np.lexsort(
        [hole != view.holes, -radius]
    )  # smaller discs above larger ones, and grey ones below
    axes.scatter(
        at[order, 0],
        at[order, 1],
        s=(2 * radius[order]) ** 2,
        c=np.array([*COLOURS[: view.holes], _OTHERS])[hole[order]],
        linewidths=0,
        zorder=3,
        rasterized=len(at) > _MANY,
    )


def _axis(axes: Axes, name: str, view: TokensInPlane, which: int) -> float:
    """Set the limits and the ticks of an axis, and draw the lattice where it is not too fine.

    Return about how many points lie between two neighbouring values that occur.
    """
    coordinates = view.format.coordinate(view.codes[:, which])
    low, high = int(coordinates.min()), int(coordinates.max())
    beyond, least, most, after = _values(view.format, [low - 1, low, high, high + 1]).tolist()
    room = max(_ROOM * (most - least), least - beyond, after - most)
    axes.set(**{f"{name}lim": (least - room, most + room)})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(MaxNLocator(4))
    numbers = ScalarFormatter(useMathText=True)
    numbers.set_powerlimits(_PLAIN)
    axis.set_major_formatter(numbers)
    if high - low < _LINES:
        lattice = _values(view.format, range(low - _LINES, high + _LINES + 1))
        for value in lattice[(lattice > least - room) & (lattice < most + room)].tolist():
            line = axes.axvline if name == "x" else axes.axhline
            line(value, color="#DDDDDD", linewidth=0.5, zorder=1)
    apart = np.diff(_values(view.format, np.unique(coordinates))).min(initial=room)
    return float(_ACROSS * apart / (most - least + 2 * room))


def _values(target: Format, coordinates: ArrayLike) -> np.ndarray:
    """Return the values at rising lattice coordinates, clipped to the lattice, float64."""
    largest = target.largest_magnitude
    return target.value(target.code_at(np.clip(np.asarray(coordinates), -largest, largest)))


def _legend(figure: Figure, cloud_plane: CloudPlane, columns: int) -> None:
    """Add the legend of the holes' colours."""
    holes = len(cloud_plane.populations)
    names = [f"{population:,} tokens" for population in cloud_plane.populations.tolist()]
    rest = len(cloud_plane.token_ids) - int(cloud_plane.populations.sum())
    if rest:
        others = "other tokens" if holes else "tokens"
        names.append(f"{rest:,} {others} in {cloud_plane.cells - holes:,} cells")
    inks = [*COLOURS[:holes], _OTHERS]
    marks: list[Artist] = [
        Line2D([], [], color=ink, marker="o", linestyle="none", markersize=5)
        for ink, _ in zip(inks, names, strict=False)
    ]
    title = "Largest black holes" if holes > 1 else None
    figure.legend(marks, names, loc="outside upper center", ncols=columns, title=title)


_POINTS = 330.0
"""Width of the caption below one cloud, points."""


def cloud_panels(
    source: Any,
    plane: tuple[int, ...] | None,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple[list[Panel], CloudPlane, str]:
    """Return the panels, the earlier cloud first, the plane that they share, and a caption.

    Raises BadInput where the source is not what the options say, and as CloudPlane.of does.
    """
    source = source_of(source)
    matrix, selection = source.selection(tensor, snapshot, near, exponents)
    cloud_plane = CloudPlane.of(matrix, HOLES, plane)
    if not source.is_run:
        said = [figure_text(matrix.label), *selected(selection)]
        return [Panel("", cloud_plane.view(matrix))], cloud_plane, wrapped(said, _POINTS)
    store, step = source.run, source.step(snapshot)
    panels = [Panel(f"step {step:,}", cloud_plane.view(matrix))]
    del matrix  # two matrices may not fit into memory
    if step != 0 and 0 in store.read("snapshot_step"):
        first = cloud_plane.view(source.selection(snapshot=0)[0])
        panels.insert(0, Panel("initial cloud, step 0", first))
    said = [*parts(store.attrs["spec"]), *selected(selection)]
    return panels, cloud_plane, wrapped(said, _POINTS * len(panels))
