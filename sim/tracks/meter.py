"""The measures of one sample after another of a trajectory, exact and in two passes over it.

present   of a token at a sample: its row is finite, and it has not left
rank      lattice coordinate: distances are counted in them, norms and radii are of values
centroid  the mean of the present tokens' values
radius    of a token: its distance from the centroid, or from the origin

The first pass finds the rows that changed, the displacements and the centroid; the second one the
radii. Both work on fixed blocks of rows that stay in cache, several threads side by side. Rows
that did not change cost little. No result depends on the number of threads.
"""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np

from drift.kernels import displacements
from drift.kernels.displacements import Workspace
from drift.kernels.formats import Format
from drift.sim.tracks.cell_tracker import CellTracker
from drift.sim.tracks.displaced import Moved, TokenDisplacements
from drift.sim.tracks.quantiles import quantiles

_BLOCK_VALUES = 1 << 17
"""Values worked on at once: few enough to stay in cache, enough to be worth some sixty calls."""


def blocks_of(tokens: int, dims: int) -> list[slice]:
    """Return the rows in blocks: an even number of them where there are several, all alike."""
    many = -(-tokens * dims // _BLOCK_VALUES)
    rows = -(-tokens // min(tokens, many + many % 2 if many > 1 else 1))
    return [slice(start, min(start + rows, tokens)) for start in range(0, tokens, rows)]


@dataclass
class SampleMeasures:
    """The measures of one sample; those of a motion are missing at the first."""

    numbers: dict[str, float]
    """counts and numbers by their names in the JSON; NaN where there is none"""
    motion: np.ndarray | None
    """float64 (dims,): the motion of the centroid"""
    moved: Moved | None
    """the displacements of the tokens"""
    still: bool
    """True where no coordinate moved, and no token came or went"""
    cells_changed: bool
    """True where tokens share cells otherwise than at the sample before"""
    quantiles: "dict[str, Future[list[float]]]" = field(default_factory=dict)
    """for l1, l2 and linf, the numbers of sim.tracks.quantiles, once they are known"""


class Meter:
    """The measures of a trajectory of `tokens` rows of `dims` codes, taken sample by sample."""

    def __init__(self, tokens: int, dims: int, target: Format, pool: ThreadPoolExecutor):
        self._tokens, self._dims, self._target, self._pool = tokens, dims, target, pool
        self._parts = blocks_of(tokens, dims)
        rows = self._parts[0].stop
        self._spaces: SimpleQueue[Workspace] = SimpleQueue()
        self._new_space = lambda: Workspace(rows, dims, target)
        self.partition = CellTracker(tokens, target)
        """the cells at the last sample"""
        self.present = np.zeros(tokens, bool)
        """bool (tokens,): who is present at the last sample"""
        self._finite = np.zeros(tokens, bool)
        self._codes: list[np.ndarray] = []  # of the two samples before, the last one first
        self._squares = np.zeros(tokens)  # of the last displacements, in values
        self._block_sums = np.zeros((len(self._parts), dims))
        self._norms, self._radii = np.zeros((2, tokens))
        self._about: dict[str, float] = {}

    def take(self, codes: np.ndarray, present: np.ndarray | None = None) -> SampleMeasures:
        """Measure the next sample, `codes` (tokens, dims); `present` where some tokens have left.

        The codes may be written over afterwards.
        """
        was, first = self.present, not self._codes
        self.present = np.ones(self._tokens, bool) if present is None else present.copy()
        changed = np.ones(self._tokens, bool)
        every = [codes, *self._codes]
        found = TokenDisplacements(every, self._target, len(self._parts), self._squares)
        self._each(lambda part, k, space: self._look(found, codes, was, changed, part, k, space))
        cells = self._pool.submit(self.partition.update, codes, self.present, changed)
        if changed.any():
            self._about = self._place(codes)
        self._squares = found.squares
        numbers = {**self._about, **({} if first else found.numbers())}
        cells_changed = cells.result()
        numbers |= self.partition.counts
        self._keep(codes)
        if first:
            return SampleMeasures(numbers, None, None, False, cells_changed)
        still = not found.values_moved and np.array_equal(was, self.present)
        measured = SampleMeasures(numbers, found.motion, found.moved, still, cells_changed)
        some = slice(None) if found.moved.has.all() else found.moved.has
        for name in ("l1", "l2", "linf"):
            of = {"l1": found.moved.sums, "l2": found.moved.squares, "linf": found.moved.largest}
            measured.quantiles[name] = self._pool.submit(quantiles, of[name][some], name == "l2")
        return measured

    def _each(self, work: Callable[[slice, int, Workspace], None]) -> None:
        """Do `work` on every block of rows, with the number of the block and a workspace."""

        def one(k: int) -> None:
            try:
                space = self._spaces.get_nowait()
            except Empty:
                space = self._new_space()
            with np.errstate(invalid="ignore"):  # rows that are not finite are left out later
                work(self._parts[k], k, space)
            self._spaces.put(space)

        if len(self._parts) == 1:
            one(0)
        else:
            list(self._pool.map(one, range(len(self._parts))))

    def _look(
        self,
        found: TokenDisplacements,
        codes: np.ndarray,
        was: np.ndarray,
        changed: np.ndarray,
        part: slice,
        k: int,
        space: Workspace,
    ) -> None:
        """First pass over a block: who changed, who is present, sums, norms and displacements."""
        block, here = codes[part], self.present[part]
        if self._codes:
            changed[part] = displacements.differing_rows(block, self._codes[0][part])
        values = space.values(block, space.reals[0]) if changed[part].any() else None
        if values is not None:
            self._block_sums[k] = displacements.column_sums(values)
            # No finite values here have a sum that is not, so that their codes need no look.
            sound = np.isfinite(self._block_sums[k]).all()
            self._finite[part] = sound or displacements.finite_rows(block, self._target)
        here &= self._finite[part]
        others = changed[part] | (here != was[part])
        changed[part] = others
        if others.any():
            if values is None or not here.all():
                values = space.values(block, space.reals[0])
                values[~here] = 0
                self._block_sums[k] = displacements.column_sums(values)
            self._norms[part] = np.sqrt(displacements.sums_of_squares(values, space.reals[1]))
        if self._codes:
            found.measure(part, k, space, others, here & was[part], values)

    def _place(self, codes: np.ndarray) -> dict[str, float]:
        """Return where the cloud is, and how far tokens are from its centroid and the origin."""
        count = int(self.present.sum())
        centroid = self._block_sums.sum(axis=0) / max(1, count)

        def measure(part: slice, k: int, space: Workspace) -> None:
            values = space.values(codes[part], space.reals[0])
            displacements.less_row(values, centroid)
            self._radii[part] = np.sqrt(displacements.sums_of_squares(values, values))

        self._each(measure)
        norm = math.sqrt(float(np.add.reduce(centroid * centroid)))
        found = {"alive": count, "centroid_norm": norm if count else math.nan}
        for about, lengths in (("", self._radii), ("_origin", self._norms)):
            those = lengths if count == self._tokens else lengths[self.present]
            mean, most = math.nan, math.nan
            if count:
                mean, most = float(np.add.reduce(those)) / count, float(those.max())
            found |= {f"mean_radius{about}": mean, f"bounding_radius{about}": most}
        return found

    def _keep(self, codes: np.ndarray) -> None:
        """Keep the codes of this sample and of the one before."""
        if len(self._codes) < 2:
            self._codes.insert(0, np.array(codes, order="C", copy=True))
            return
        self._codes.reverse()
        np.copyto(self._codes[0], codes)
