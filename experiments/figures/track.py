"""The figure of a track: panels that may be chosen, each of one thing over the samples.

phases        tokens by phase, stacked: early until the last displacement whose L2 is above
              sqrt(dims), midlife until the last whose L∞ is above 1, late until the last of all,
              frozen from then on
freezing      histogram of the steps at which tokens froze
displacement  quantiles over tokens of a displacement's L2, in lattice ranks
centroid      norm of the centroid, and how far it moves from sample to sample
energy        bulk and thermal motion
moves         which tokens move when: the share of moves in bins of tokens and samples
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import put_caption
from drift.experiments.figures.style import COLOURS, GREY, figure_text
from drift.experiments.figures.ticks.numbers import NumberFormatter
from drift.experiments.figures.ticks.scales import linear_axis, log_axis
from drift.sim.errors import BadInput, printable
from drift.sim.tracks.found import FROZEN, Track, move_bins

_PHASES = {"early": COLOURS[1], "midlife": "#E69F00", "late": "#56B4E9", "frozen": "#BBBBBB"}
"""Colours of areas, which may be lighter than those of lines."""
_WIDE, _HIGH = 4.4, 2.9
"""Width and height of a panel, inches."""
_BARS = 60
"""Most bars of a histogram."""


def phases(track: Track) -> dict[str, np.ndarray]:
    """Return the number of tokens in each phase, by the motion that ends at each sample."""
    steps = np.array(track.steps)
    ends = [np.sort(track.per_token[f"last_{name}"]) for name in ("early", "midlife", "motion")]
    left = [track.tokens - np.searchsorted(end, steps) for end in ends]
    for k in (1, 0):
        left[k] = np.minimum(left[k], left[k + 1])
    early, midlife, moving = left
    counts = (early, midlife - early, moving - midlife, track.tokens - moving)
    return dict(zip(_PHASES, counts, strict=True))


def _phases(axes: Axes, track: Track) -> None:
    found = phases(track)
    axes.stackplot(
        track.steps,
        *found.values(),
        labels=list(found),
        colors=list(_PHASES.values()),
        step="post",
    )
    axes.set_ylabel("tokens")
    linear_axis(axes, "y", True, track.tokens)
    axes.set_ylim(0, track.tokens)
    axes.legend(loc="upper left", ncols=2, frameon=True, framealpha=0.8)


def _freezing(axes: Axes, track: Track) -> None:
    ended, last = track.per_token["last_motion"], track.steps[-1]
    froze = ended[ended < last]
    froze = np.where(froze < 0, track.steps[0], froze)
    edges = np.linspace(track.steps[0], last, min(_BARS, len(track.steps)) + 1)
    axes.hist(froze, bins=edges.tolist(), color=COLOURS[0])
    axes.set_ylabel("tokens that froze")
    linear_axis(axes, "y", True, track.tokens)
    axes.set_ylim(bottom=0)
    moving = track.tokens - len(froze)
    axes.set_title(f"{moving:,} of {track.tokens:,} still move at the last sample", loc="left")


def _displacement(axes: Axes, track: Track) -> None:
    of, steps = track.arrays, track.steps
    axes.fill_between(steps, of["l2_p10"], of["l2_p90"], color=COLOURS[0], alpha=0.2, linewidth=0)
    axes.plot(steps, of["l2_median"], color=COLOURS[0], label="median, p10 to p90")
    axes.plot(steps, of["l2_max"], color=COLOURS[1], linewidth=0.8, label="largest")
    axes.axhline(math.sqrt(track.dims), color=GREY, linestyle=":", linewidth=0.8)
    axes.set_yscale("symlog", linthresh=1.0)
    axes.yaxis.set_major_formatter(NumberFormatter())
    axes.set_ylim(bottom=0)
    axes.set_ylabel("L2, lattice ranks")
    axes.legend(loc="best")


def _centroid(axes: Axes, track: Track) -> None:
    of = track.arrays
    axes.plot(track.steps, of["centroid_norm"], color=COLOURS[0])
    axes.set_ylabel("norm of the centroid", color=COLOURS[0])
    other = axes.twinx()
    other.plot(track.steps, of["centroid_step"], color=COLOURS[1], linewidth=1)
    _log(other, of["centroid_step"])
    other.set_ylabel("its motion, from sample to sample", color=COLOURS[1])
    other.spines["right"].set_visible(True)
    other.grid(visible=False)


def _energy(axes: Axes, track: Track) -> None:
    of = track.arrays
    for name, colour in (("bulk", COLOURS[0]), ("thermal", COLOURS[1])):
        axes.plot(track.steps, of[name], color=colour, label=name, linewidth=1.2)
    _log(axes, np.concatenate([of["bulk"], of["thermal"]]))
    axes.set_ylabel("mean square motion")
    axes.legend(loc="best")


def _log(axes: Axes, values: np.ndarray) -> None:
    """Scale an axis logarithmically, where there is something above zero."""
    there = values[values > 0]
    if not len(there):
        return
    axes.set_yscale("log", nonpositive="mask")
    if there.max() > there.min():
        log_axis(axes, "y")
    else:
        axes.yaxis.set_major_formatter(NumberFormatter())


def _moves(axes: Axes, track: Track) -> None:
    in_samples, in_tokens = move_bins(len(track.steps), track.tokens)
    spans = [
        np.diff([*starts.tolist(), n])
        for starts, n in ((in_samples, len(track.steps)), (in_tokens, track.tokens))
    ]
    spans[0] = spans[0].copy()
    spans[0][0] -= 1  # no motion ends at the first sample
    with np.errstate(invalid="ignore", divide="ignore"):
        share = track.arrays["moves"] / np.outer(*spans)
    steps = np.array(track.steps, float)
    across = [*steps[in_samples].tolist(), 2 * steps[-1] - steps[-2]]
    shown = axes.pcolormesh(
        across, [*in_tokens.tolist(), track.tokens], share.T, cmap="Greys", vmin=0, vmax=1
    )
    shown.set_rasterized(True)
    axes.grid(visible=False)
    axes.set_ylabel("token, in order")
    axes.yaxis.set_major_formatter(NumberFormatter())
    assert axes.figure is not None, "it is drawn on one"
    axes.figure.colorbar(shown, ax=axes, label="share that moved", pad=0.02)


PANELS: dict[str, Callable[[Axes, Track], None]] = {
    "phases": _phases,
    "freezing": _freezing,
    "displacement": _displacement,
    "centroid": _centroid,
    "energy": _energy,
    "moves": _moves,
}
"""The function that draws each panel."""


@in_own_settings
def track_figure(track: Track, panels: Sequence[str] | None = None) -> Figure:
    """Draw panels of a track, all by default. Raises BadInput for one that is not there."""
    names = list(dict.fromkeys(panels or PANELS))
    for name in names:
        if name not in PANELS:
            known = ", ".join(PANELS)
            raise BadInput(f"panel is {printable(repr(name))}; panels are {known}")
    columns = 1 if len(names) == 1 else 2
    rows = -(-len(names) // columns)
    figure = new_figure(_WIDE * columns, _HIGH * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(grid, names, strict=False):
        PANELS[name](axes, track)
        axes.set_xlabel("step")
        linear_axis(axes, "x", whole=True)
        if name != "freezing":
            axes.set_xlim(track.steps[0], track.steps[-1])
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    shape = f"{track.tokens:,} tokens × {track.dims:,} dims, {len(track.steps):,} samples"
    where = figure_text(track.label)
    put_caption(figure, f"{where}: {shape} in {track.format}", FROZEN)
    return figure
