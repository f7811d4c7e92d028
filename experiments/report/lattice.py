"""The data of the lattice panel: some tokens of a drift in a few dimensions, record by record.

The codes are those of the drift itself, computed again from its spec (sim.engines.reference), or,
for rows of a checkpoint, from the cloud of step 0 in the store. The page's script decodes them.
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from drift.experiments.report.document import Lattice, PageBlock, Paragraph
from drift.experiments.report.tables import format_axis_value, spread_evenly
from drift.experiments.report.turning_point import TurningPoint
from drift.sim.clouds import drawn
from drift.sim.clouds.initial import initial_cloud
from drift.sim.engines.choose import has_monotone_steps
from drift.sim.engines.reference import trace
from drift.sim.errors import BadInput
from drift.sim.motions.make import motion_along, motion_of
from drift.sim.motions.motion import Motion
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore

_TOKENS, _RECORDS, _DIMS = 256, 51, 8
_TRIED = 40
"""Most dimensions, of the smallest |u|, that are traced to find out which tell tokens apart."""
_EXPLANATION = (
    "Move the slider. The lattice is coarser far from zero: whenever a coordinate doubles, so does"
    " the width of its cells. The cloud keeps its size (grey dots show its shape at the start), so"
    " its tokens (blue) fall into fewer and fewer cells; orange cells show their token count."
)
_ALIKE = (
    " Tokens that have met in a dimension stay together in it; tokens that have met in all"
    " dimensions are a black hole. Tokens stay apart longest where |u| is small, since the cloud"
    " moves least there."
)
_APART = (
    " In this drift tokens that have met can part again, since each has random numbers, a step"
    " length or float32 weights of its own. A black hole is a cell that tokens share in all"
    " dimensions."
)


def _explanation(drift: Drift) -> Paragraph:
    return Paragraph(_EXPLANATION + (_ALIKE if has_monotone_steps(drift) else _APART))


def of_run(store: RunStore, drift: Drift, counted: Sequence[dict[str, Any]]) -> list[PageBlock]:
    """Return the panel of a run. Raises BadInput where its cloud is unknown, or it is too long."""
    numbers, start = _start(store, drift)
    motion = motion_along(drift, store.read("direction"))
    shown = panel(motion, numbers, start, counted)
    return [_explanation(drift), _telling_apart(shown), shown]


def of_turning_point(turning: TurningPoint) -> list[PageBlock]:
    """Return the panel of a sweep's turning point.

    Raises BadInput where its cloud or direction comes from a file, or it is too long.
    """
    drift = turning.drift
    if drift.origin is not None or drift.direction.endswith(".npy"):
        raise BadInput("a sweep keeps no clouds or directions that come from files")
    numbers, start = _drawn(drift)
    where = ", ".join(
        f"{name} {format_axis_value(value)}" for name, value in turning.values.items()
    )
    here = (
        "The panel shows the grid point whose final distinct fraction is closest to one half:"
        f" {where or 'the only one'}."
    )
    shown = panel(motion_of(drift), numbers, start, turning.counted())
    return [_explanation(drift), Paragraph(here), _telling_apart(shown), shown]


def _telling_apart(shown: Lattice) -> Paragraph:
    """Return what the dimensions that are offered tell apart at the end, as it was counted."""
    last = [len(set(ends)) for ends in shown.ends]
    telling = sum(values > 1 for values in last)
    if not telling:
        return Paragraph(
            "At the end the tokens shown have the same value in each of the dimensions that are"
            " offered: these tell none of them apart any more, but did so on the way."
        )
    return Paragraph(
        f"Of the {len(last)} dimensions that are offered, {telling}"
        f" {'tells' if telling == 1 else 'tell'} tokens apart at the end; those that tell most of"
        " them apart come first, and the last has the largest |u|."
    )


def _drawn(drift: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the first tokens, and their codes at step 0, (tokens, dims)."""
    numbers = np.arange(min(_TOKENS, drift.tokens))
    return numbers, initial_cloud(drift).codes(0, len(numbers))


def _start(store: RunStore, drift: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of some tokens, and their codes at step 0, (tokens, dims).

    Raises BadInput where the store does not hold the cloud of step 0.
    """
    if drift.origin is None:
        return _drawn(drift)
    if not store.has("bits") or store.read("snapshot_step")[0] != 0:
        raise BadInput(
            f"{store.address} does not hold the cloud of step 0, which came from a checkpoint"
        )
    facts = store.attrs["cloud"]
    if drift.master != "none" and facts["format"] != drift.format:
        raise BadInput(f"{store.address} does not hold the masters of step 0, which came from rows")
    numbers = np.linspace(0, drift.tokens - 1, min(_TOKENS, drift.tokens)).round().astype(int)
    return numbers, store.values("bits", (0, numbers, slice(None)))


def panel(
    motion: Motion,
    numbers: np.ndarray,
    start: np.ndarray,
    counted: Sequence[dict[str, Any]],
) -> Lattice:
    """Return the panel of the tokens `numbers`, whose codes at step 0 are `start`, (tokens, dims).

    `counted` holds the whole cloud's counts at some steps. Raises BadInput where the drift is too
    long to be computed again.
    """
    drift, u = motion.drift, motion.u
    shown = spread_evenly(counted, _RECORDS)
    steps = [counts["step"] for counts in shown]
    target = drift.target
    lasting = np.ones((len(steps), len(numbers)), bool)
    if drift.survivors is not None:
        ranks = drawn.survivor_ranks(drift)[numbers]
        lasting = ranks < np.array([counts["alive"] for counts in shown])[:, None]
    tried = _dims(u)
    codes = trace(drift, motion, start[:, tried], (numbers, tried), steps)
    which = _telling(target.coordinate(codes), lasting)
    dims, codes = tried[which], codes[:, :, which]
    ends = [target.coordinate(codes[-1, lasting[-1], k]).tolist() for k in range(len(dims))]
    data: dict[str, Any] = {
        "format": {
            "width": target.width,
            "precision": target.precision,
            "smallest": target.smallest_exponent,
            "largest": target.largest_magnitude,
        },
        "steps": [f"{step:,}" for step in steps],  # as text: JavaScript's integers end at 2**53
        "last": f"{drift.steps:,}",
        "tokens": len(numbers),
        "dims": drift.dims,
        "sigma": drift.sigma,
        "distinct": [counts["distinct"] for counts in shown],
        "alive": [counts["alive"] for counts in shown],
        "codes": [_encoded(codes[:, :, k]) for k in range(len(dims))],
    }
    if drift.survivors is not None:
        data["ranks"] = ranks.tolist()
    names = [
        f"dimension {d:,}, |u| = {abs(u[d]):.2g}, {_values(len(set(end)))} at the end"
        for d, end in zip(dims.tolist(), ends, strict=True)
    ]
    first = f"Step {steps[0]:,} of {drift.steps:,}"
    return Lattice(data, names, (0, min(1, len(dims) - 1)), len(steps), first, ends)


def _values(count: int) -> str:
    return f"{count:,} value{'' if count == 1 else 's'}"


def _dims(u: np.ndarray) -> np.ndarray:
    """Return dimensions of all sizes of |u|, rising, most of them small: the candidates."""
    order = np.argsort(np.abs(u), kind="stable")
    spread = np.geomspace(1, len(u), min(_DIMS, len(u))).round().astype(int)
    return order[np.unique([*range(1, min(_TRIED, len(u)) + 1), *spread]) - 1]


def _telling(coordinates: np.ndarray, present: np.ndarray) -> list[int]:
    """Return the candidates that are offered: first those that tell most tokens apart at the end.

    Of those that tell as many apart, the ones that did so for longer come first. The last is the
    last candidate, whose |u| is the largest. `coordinates` are (records, tokens, candidates).
    """

    def values(dim: int) -> list[int]:
        both = zip(coordinates[:, :, dim], present, strict=True)
        return [len(np.unique(at[here])) for at, here in both]

    counted = [values(dim) for dim in range(coordinates.shape[2])]
    last = len(counted) - 1
    falling = sorted(range(last), key=lambda dim: (-counted[dim][-1], -sum(counted[dim])))
    return [*falling[: _DIMS - 1], last]


def _encoded(codes: np.ndarray) -> str:
    """Return codes, (records, tokens), in base64, little-endian."""
    little = np.ascontiguousarray(codes, codes.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()
