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

_TOKENS, _RECORDS, _DIMS, _SMALLEST = 256, 51, 6, 4
_EXPLANATION = (
    "Move the slider. The lattice is coarser far from zero: whenever a coordinate doubles, so does"
    " the width of its cells. The cloud keeps its size (grey dots show its shape at the start), so"
    " its tokens (blue) fall into fewer and fewer cells; orange cells show their token count."
)
_ALIKE = (
    " Tokens that have met in a dimension stay together in it; tokens that have met in all"
    " dimensions are a black hole. Tokens stay apart longest where |u| is smallest, since the cloud"
    " moves least there, so these dimensions are offered first."
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
    return [_explanation(drift), panel(motion, numbers, start, counted)]


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
    return [
        _explanation(drift),
        Paragraph(here),
        panel(motion_of(drift), numbers, start, turning.counted()),
    ]


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
    dims = _dims(u)
    shown = spread_evenly(counted, _RECORDS)
    steps = [counts["step"] for counts in shown]
    codes = trace(drift, motion, start[:, dims], (numbers, dims), steps)
    target = drift.target
    lasting = np.ones((len(steps), len(numbers)), bool)
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
        ranks = drawn.survivor_ranks(drift)[numbers]
        data["ranks"] = ranks.tolist()
        lasting = ranks < np.array(data["alive"])[:, None]
    names = [f"dimension {d:,}, |u| = {abs(u[d]):.2g}" for d in dims.tolist()]
    chosen = _telling(target.coordinate(codes), lasting)
    first = f"Step {steps[0]:,} of {drift.steps:,}"
    return Lattice(data, names, chosen, len(steps), first)


def _dims(u: np.ndarray) -> np.ndarray:
    """Return dimensions of all sizes of |u|, rising: tokens stay apart longest in the first."""
    order = np.argsort(np.abs(u), kind="stable")
    spread = np.geomspace(1, len(u), min(_DIMS, len(u))).round().astype(int)
    return order[np.unique([*range(1, min(_SMALLEST, len(u)) + 1), *spread]) - 1]


def _telling(coordinates: np.ndarray, present: np.ndarray) -> tuple[int, int]:
    """Return the two dimensions in which the number of distinct values changes most often."""

    def stages(dim: int) -> int:
        both = zip(coordinates[:, :, dim], present, strict=True)
        return len({len(np.unique(at[here])) for at, here in both})

    falling = sorted(range(coordinates.shape[2]), key=lambda dim: -stages(dim))
    return falling[0], falling[min(1, len(falling) - 1)]


def _encoded(codes: np.ndarray) -> str:
    """Return codes, (records, tokens), in base64, little-endian."""
    little = np.ascontiguousarray(codes, codes.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()
