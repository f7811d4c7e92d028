"""The vertices of lines: the mean of the points that differ only in seeds, their spread, and more.

vertex    one point of a line: a value along x, or a record
line      the vertices of one hue, in one panel, of one quantity
spread    from the least to the most of the points, or one standard deviation to each side
expected  of a vertex: the mean of what is expected of its points
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.experiments.figures.expected import ExpectedPairs, PairsRequest, not_predicted
from drift.experiments.figures.lines.chosen import ChosenLines, Told
from drift.experiments.figures.lines.points import MOST_ROWS, LineSource, PointBlock
from drift.experiments.figures.lines.quantities import PREDICTED, QUANTITY, SOURCE, STEP, Quantity
from drift.sim.errors import BadInput
from drift.sim.spec.axis import Axis
from drift.sim.sweeps.store import MOTION_NAMES

_EXPECTED = 13
"""Most records of a line at which expectations are drawn."""


@dataclass(frozen=True)
class LineVertices:
    """The vertices of one line, from left to right where x is an axis, else in time."""

    x: np.ndarray
    """positions, float64 (vertices,)"""
    mean: np.ndarray
    """float64 (vertices,)"""
    low: np.ndarray
    """lower end of the spread, float64 (vertices,)"""
    high: np.ndarray
    """upper end of the spread, float64 (vertices,)"""
    repeats: int
    """most points of a vertex"""
    expected: np.ndarray
    """float64 (vertices,); NaN where nothing is predicted, or not shown"""


@dataclass(frozen=True)
class AllLines:
    """All lines of a figure."""

    lines: dict[tuple[int, int, int, int], LineVertices]
    """by the indices of row, col, hue and dashes"""
    wanted: int
    """points that there would be if all were done"""
    points: int
    """points that there are"""
    notes: list[str]
    """parts of a caption on missing predictions"""


ROLES = ("row", "col", "hue", "dashes")
"""The roles that the indices of a line belong to."""


def all_lines(
    chosen: ChosenLines, progress: float, spread: str, expected_pairs: ExpectedPairs
) -> AllLines:
    """Return the lines of a figure. Raises BadInput where no point is done, or a count missing."""
    record = None if chosen.along else progress
    blocks = list(chosen.fields.blocks(chosen.fixed, record))
    points = sum(len(block.steps) for _, _, block in blocks)
    if not points:
        names = ", ".join(source.name for source in chosen.fields.sources)
        raise BadInput(f"{names}: none of the grid points shown is done yet")
    if sum(block.steps.size for _, _, block in blocks) > MOST_ROWS:
        raise BadInput(f"more than {MOST_ROWS:,} records are shown; choose fewer with --at")
    rows = [_Rows(chosen, *each) for each in blocks]
    codes, place, at = (
        np.concatenate([getattr(each, name) for each in rows]) for name in ("codes", "place", "x")
    )
    requests = [request for each in rows for request in each.requests]
    answers, reasons = expected_pairs.at_steps(requests) if requests else ([], [])
    found: dict[tuple[int, int, int, int], LineVertices] = {}
    for number, each in enumerate(chosen.quantities):
        values = np.concatenate([part.values(each) for part in rows])
        if np.isnan(values).all():
            raise BadInput(_absent(chosen, each))
        beside = np.full(len(values), np.nan)
        if any(answers):
            start = iter(answers)
            beside = np.concatenate([part.expected(each, start) for part in rows])
        for key, line in _grouped(codes, place, at, values, beside, spread).items():
            found[_with_quantity(chosen, key, number)] = line
    wanted = sum(block.wanted for _, _, block in blocks)
    return AllLines(found, wanted, points, not_predicted(reasons, any(answers)))


def _absent(chosen: ChosenLines, each: Quantity) -> str:
    named = ", ".join(source.name for source in chosen.fields.sources)
    if each.expected:
        return f"y is {each.name}, which only predicted grids hold; {named} is counted"
    return f"y is {each.name}, which {named} does not hold"


def _with_quantity(
    chosen: ChosenLines, key: tuple[int, ...], number: int
) -> tuple[int, int, int, int]:
    index = list(key)
    for k, role in enumerate(ROLES):
        if role in chosen.told and chosen.told[role].name == QUANTITY:
            index[k] = number
    return index[0], index[1], index[2], index[3]


class _Rows:
    """The records of one source's points, flat: which line each belongs to, and where."""

    def __init__(self, chosen: ChosenLines, number: int, source: LineSource, block: PointBlock):
        self._chosen, self._block = chosen, block
        self._predicted = source.predicted
        shape = block.steps.shape
        columns = [self._code(chosen.told.get(role), number, source) for role in ROLES]
        self.codes = np.stack([np.broadcast_to(c[:, None], shape).ravel() for c in columns], axis=1)
        records = np.broadcast_to(np.round(block.progress, 9)[None], shape)
        along = chosen.x
        if isinstance(along, Axis):
            told = Told(along.name, along.values, (), along)
            self.place = (
                np.broadcast_to(self._code(told, number, source)[:, None], shape)
                .ravel()
                .astype(np.float64)
            )
            self.x = self.place
        else:
            self.place = records.ravel()
            given = along.of(self._read) if isinstance(along, Quantity) else records
            self.x = (block.steps if along == STEP else given).ravel().astype(np.float64)
        self.requests = [] if self._predicted else self._requests()

    def _code(self, told: Told | None, number: int, source: LineSource) -> np.ndarray:
        """Return for each point which value of `told` it has."""
        points = len(self._block.steps)
        if told is None or told.name == QUANTITY:
            return np.zeros(points, np.int64)
        if told.name == SOURCE:
            return np.full(points, number)
        assert told.axis is not None, "what is neither is an axis"
        where = {value: k for k, value in enumerate(told.values)}
        own = source.fields().get(told.name)
        if told.name in self._block.index and own:
            table = np.array([where[value] for value in own], np.int64)
            return table[self._block.index[told.name]]
        value = own[0] if own else self._chosen.fields.values[told.name][0]
        return np.full(points, where[value])

    def _read(self, name: str) -> np.ndarray:
        shape = self._block.steps.shape
        if self._predicted and name in MOTION_NAMES:
            return np.full(shape, np.nan)
        try:
            found: np.ndarray = self._block.read(name)
        except (AttributeError, KeyError):  # an array that this source does not have
            return np.full(shape, np.nan)
        return found

    def values(self, each: Quantity) -> np.ndarray:
        """Return a quantity, float64 (rows,)."""
        if each.expected and not self._predicted:
            return np.full(self._block.steps.size, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            return each.of(self._read).ravel()

    def _requests(self) -> list[PairsRequest]:
        """Return a request for each combination of all fields but the seed, and remember them."""
        index = {name: k for name, k in self._block.index.items() if name != "seed"}
        points, records = self._block.steps.shape
        table = np.stack([*index.values(), np.zeros(points, np.int64)], axis=1)
        _, first, self._which = np.unique(table, axis=0, return_index=True, return_inverse=True)
        self._which = self._which.ravel()
        shown = np.unique(np.linspace(0, records - 1, min(_EXPECTED, records)).round().astype(int))
        if isinstance(self._chosen.x, Quantity):
            shown = shown[:0]
        self._shown = shown
        return [
            self._block.request(point, np.unique(self._block.steps[point][shown]).tolist())
            for point in (first.tolist() if len(shown) else [])
        ]

    def expected(self, each: Quantity, answers: Any) -> np.ndarray:
        """Return what is expected of a quantity, float64 (rows,); take the answers in turn."""
        steps = self._block.steps
        found = np.full(steps.shape, np.nan)
        own = [next(answers) for _ in self.requests]
        if not any(own) or not set(each.needs) <= set(PREDICTED):
            return found.ravel()
        for point, which in enumerate(self._which.tolist()):
            by_step = {row.step: row for row in own[which]}
            for k in self._shown.tolist():
                row = by_step.get(int(steps[point, k]))
                if row is not None:
                    told = {name: np.array([[float(getattr(row, name))]]) for name in each.needs}
                    found[point, k] = each.of(told.__getitem__).item()
        return found.ravel()


def _grouped(
    codes: np.ndarray,
    place: np.ndarray,
    at: np.ndarray,
    values: np.ndarray,
    beside: np.ndarray,
    spread: str,
) -> dict[tuple[int, ...], LineVertices]:
    """Return the lines by their codes, the mean of rows of one code and one place each vertex."""
    there = ~np.isnan(values) & ~np.isnan(at)
    codes, place, at, values, beside = (each[there] for each in (codes, place, at, values, beside))
    found = {}
    for key in np.unique(codes, axis=0):
        mine = (codes == key).all(axis=1)
        _, which = np.unique(place[mine], return_inverse=True)
        which = which.ravel()
        count = np.bincount(which)
        own = values[mine]
        mean = np.bincount(which, own) / count
        low, high = _spread(which, own, mean, count, spread)
        across = np.bincount(which, at[mine]) / count
        expected = np.bincount(which, beside[mine]) / count
        line = LineVertices(across, mean, low, high, int(count.max()), expected)
        found[tuple(key.tolist())] = line
    return found


def _spread(
    which: np.ndarray, values: np.ndarray, mean: np.ndarray, count: np.ndarray, spread: str
) -> Sequence[np.ndarray]:
    if spread == "deviation":
        squares = np.bincount(which, (values - mean[which]) ** 2)
        error = np.sqrt(squares / np.maximum(count - 1, 1))
        return mean - error, mean + error
    low, high = np.full(len(mean), np.inf), np.full(len(mean), -np.inf)
    np.minimum.at(low, which, values)
    np.maximum.at(high, which, values)
    return low, high
