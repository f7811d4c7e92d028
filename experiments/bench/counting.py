"""The counter beside one read of the array, numpy.unique and torch.unique.

read         numpy.sum over the array: what every counter that looks at all of it must do
distinct     a cloud in which nearly every token has a cell of its own
few          one whose tokens have coalesced into few cells
adversarial  one of cells that look alike, or of many unrelated ones: hard for any scheme

Numbers of cells are those of 151,936 tokens, in proportion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from drift.experiments.bench import rivals
from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import SIGMA, VOCABULARY, Setting, drawn
from drift.kernels.formats import BFLOAT16
from drift.sim.counting.cells import CellCounts, count_rows
from drift.sim.spec.drift import Drift

OBSERVED = (814, 704, 306, 228, 11, 10, 6, 5, 4, 4, 3, 3, 2)
"""Populations of the black holes of Qwen3-4B's unembedding."""
_TOGETHER = 2_212
"""Tokens of that matrix within five exponents of its largest black hole."""
_CELLS, _UNRELATED, _DIFFERING = 100, 4_860, 5


@dataclass(frozen=True)
class Cloud:
    """A matrix to count."""

    name: str
    """name of the case"""
    kind: str
    """distinct, few or adversarial"""
    codes: np.ndarray
    """bfloat16 codes without -0, uint16 (tokens, dims)"""
    cell: np.ndarray
    """number of each token's cell, int64 (tokens,)"""


def clouds(setting: Setting, tokens: int, dims: int) -> Iterator[Cloud]:
    """The six clouds, one at a time."""
    for make in (_gaussian, _with_holes, _few_dims, _few_tokens, _one_column, _unrelated):
        yield make(setting, tokens, dims)


def _drawn(setting: Setting, tokens: int, dims: int) -> np.ndarray:
    """A Gaussian cloud."""
    return drawn(setting, Drift(sigma=SIGMA, tokens=tokens, dims=dims))


def _random() -> np.random.Generator:
    return np.random.default_rng(0)


def _gaussian(setting: Setting, tokens: int, dims: int) -> Cloud:
    codes = _drawn(setting, tokens, dims)
    return Cloud("Gaussian, all distinct", "distinct", codes, np.arange(tokens))


def _with_holes(setting: Setting, tokens: int, dims: int) -> Cloud:
    share = tokens / VOCABULARY[0]
    populations = [max(2, round(n * share)) for n in OBSERVED]
    codes, cell = _drawn(setting, tokens, dims), np.arange(tokens)
    fallen = np.split(_random().permutation(tokens), np.cumsum(populations))[:-1]
    for hole in fallen:
        codes[hole], cell[hole] = codes[hole[0]], hole[0]
    distinct = tokens - sum(populations) + len(populations)
    name = f"{distinct:,} cells, {len(populations)} of them black holes"
    return Cloud(name, "distinct", codes, cell)


def _scattered(name: str, kind: str, cells: np.ndarray, tokens: int) -> Cloud:
    """Tokens thrown into the rows of `cells`."""
    member = _random().integers(len(cells), size=tokens)
    _, which = np.unique(cells, axis=0, return_inverse=True)
    return Cloud(name, kind, cells[member], which.reshape(-1)[member])  # NumPy 2.0: (cells, 1)


def _few_dims(setting: Setting, tokens: int, dims: int) -> Cloud:
    cells = _drawn(setting, _CELLS, dims)
    same = _random().permutation(dims)[_DIFFERING:]
    cells[:, same] = cells[0, same]
    name = f"{_CELLS} cells that differ in {_DIFFERING} dims"
    return _scattered(name, "few", cells, tokens)


def _few_tokens(setting: Setting, tokens: int, dims: int) -> Cloud:
    tokens = min(tokens, _TOGETHER)
    name = f"{tokens:,} tokens in {_CELLS} cells"
    return _scattered(name, "few", _drawn(setting, _CELLS, dims), tokens)


def _one_column(setting: Setting, tokens: int, dims: int) -> Cloud:
    row, values = _drawn(setting, 1, dims)[0], _drawn(setting, tokens, 1)[:, 0]
    column = _random().integers(dims, size=tokens)
    codes = np.broadcast_to(row, (tokens, dims)).copy()
    codes[np.arange(tokens), column] = values
    place = np.where(values == row[column], 0, 1 + column * 2**16 + values)
    name = "rows that differ in one random column"
    return Cloud(name, "adversarial", codes, np.unique(place, return_inverse=True)[1])


def _unrelated(setting: Setting, tokens: int, dims: int) -> Cloud:
    count = max(2, round(_UNRELATED * tokens / VOCABULARY[0]))
    cells = _drawn(setting, count, dims)
    return _scattered(f"{count:,} unrelated cells", "adversarial", cells, tokens)


OURS, READ, NUMPY, TORCH = "counter", "one read", "numpy.unique", "torch.unique"


def cases(setting: Setting) -> Iterator[Case]:
    """A case for each cloud."""
    for cloud in clouds(setting, *setting.size("count")):
        yield _case(setting, cloud)


def _case(setting: Setting, cloud: Cloud) -> Case:
    codes = cloud.codes
    occupancy = np.bincount(cloud.cell)
    facts = {"tokens": codes.shape[0], "dims": codes.shape[1], "kind": cloud.kind}
    facts["cells"] = int(np.count_nonzero(occupancy))
    case = Case("count", cloud.name, READ, facts)
    case.contenders.append(_counter(cloud, occupancy))
    case.contenders.append(Contender(READ, codes.sum, traffic=codes.nbytes))
    unique = partial(np.unique, codes, axis=0, return_counts=True)
    wrong = partial(_wrong_counts, occupancy)
    case.contenders.append(Contender(NUMPY, unique, lambda found: wrong(found[1])))
    case.enter(TORCH, partial(_torch, setting, codes, wrong))
    return case


def _counter(cloud: Cloud, occupancy: np.ndarray) -> Contender:
    def wrong(cells: CellCounts) -> str | None:
        which = cloud.cell[cells.representative]
        if not np.array_equal(cells.occupancy, occupancy[which]):
            return "a cell has another occupancy than was made"
        return _wrong_counts(occupancy, cells.occupancy)

    return Contender(OURS, partial(count_rows, cloud.codes, BFLOAT16), wrong)


def _torch(setting: Setting, codes: np.ndarray, wrong: Any) -> Contender:
    torch, _ = rivals.torch("cpu", setting.threads)
    rows = torch.from_numpy(codes.view(np.int16))
    unique = partial(torch.unique, rows, dim=0, return_counts=True)
    return Contender(TORCH, unique, lambda found: wrong(found[1].numpy()))


def _wrong_counts(occupancy: np.ndarray, found: np.ndarray) -> str | None:
    """Return how found occupancies differ from the true ones, in any order; None if equal."""
    there = occupancy[occupancy > 0]
    if len(found) != len(there):
        return f"it finds {len(found):,} cells instead of {len(there):,}"
    if not np.array_equal(np.sort(found), np.sort(there)):
        return "the cells are as many as they should be, but not as populous"
    return None
