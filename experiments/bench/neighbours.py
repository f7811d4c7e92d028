"""The neighbour join beside comparing every pair of a part of the same cells.

planted  pairs of cells made adjacent; in a Gaussian cloud no others are
crowd    cells a step or two apart in few dimensions, all in one neighbourhood
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import SIGMA, Setting, drawn
from drift.kernels import distances
from drift.kernels.formats import BFLOAT16
from drift.kernels.neighbours import adjacent
from drift.sim.spec.drift import Drift

OURS, ALL_PAIRS = "join", "SciPy pdist of a part"
_PLANTED, _CROWD, _PART = 100, 5_000, 1_000
_CHANGED = 0.001
"""Share of a crowd's coordinates that are a step or two from the others'."""


def cases(setting: Setting) -> Iterator[Case]:
    """A cloud with planted pairs, and the same with a crowd in it."""
    tokens, dims = setting.size("neighbours")
    random = np.random.default_rng(0)
    codes = drawn(setting, Drift(sigma=SIGMA, tokens=tokens, dims=dims))
    pairs = random.permutation(tokens // 2)[: 2 * _PLANTED].reshape(-1, 2)
    steps = random.integers(-1, 2, (len(pairs), dims))
    codes[pairs[:, 1]] = BFLOAT16.code_at(BFLOAT16.coordinate(codes[pairs[:, 0]]) + steps)
    pairs = np.sort(pairs, axis=1)
    yield _case(f"{len(pairs)} planted pairs", codes, pairs)
    crowd = _crowd(random, codes[-1], min(_CROWD, tokens // 4))
    first = tokens - len(crowd)
    codes[first:] = crowd
    among = first + _by_distance(crowd)
    name = f"the same and {len(crowd):,} cells in one neighbourhood"
    yield _case(name, codes, np.concatenate([pairs, among]))


def _case(name: str, codes: np.ndarray, pairs: np.ndarray) -> Case:
    tokens, dims = codes.shape
    facts = {"tokens": tokens, "dims": dims, "pairs": len(pairs)}
    case = Case("neighbours", name, "ns per pair of cells", facts)
    expected = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]

    def wrong(found: np.ndarray) -> str | None:
        if np.array_equal(found, expected):
            return None
        return f"it finds {len(found):,} pairs, {len(expected):,} are there, or others"

    join = partial(adjacent, codes, np.arange(tokens), BFLOAT16)
    case.contenders.append(Contender(OURS, join, wrong, work=_pairs(tokens)))
    part = BFLOAT16.ordinal(codes[:_PART])
    every = partial(distances.count_by_distance, part)
    case.contenders.append(Contender(ALL_PAIRS, every, work=_pairs(len(part))))
    return case


def _pairs(rows: int) -> float:
    return rows * (rows - 1) / 2


def _crowd(random: np.random.Generator, row: np.ndarray, count: int) -> np.ndarray:
    """Distinct cells around `row`, codes (up to count, dims)."""
    steps = random.choice([-2, -1, 1, 2], (count, len(row)))
    steps[random.random(steps.shape) > _CHANGED] = 0
    return BFLOAT16.code_at(np.unique(BFLOAT16.coordinate(row) + steps, axis=0))


def _by_distance(crowd: np.ndarray) -> np.ndarray:
    """The adjacent pairs of a crowd, from the distance of every pair, int64 (pairs, 2)."""
    ordinals = BFLOAT16.ordinal(crowd)
    ordinals = ordinals[:, np.ptp(ordinals, axis=0) > 1]
    rows = range(len(ordinals) - 1)
    near = [distances.between(ordinals[k][None], ordinals[k + 1 :])[0] <= 1 for k in rows]
    partners = [k + 1 + np.flatnonzero(found) for k, found in enumerate(near)]
    return np.stack(
        [np.repeat(np.array(rows), [len(p) for p in partners]), np.concatenate(partners)], axis=1
    )
