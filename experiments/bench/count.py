"""The counter beside one read of the array, numpy.unique and torch.unique.

read  numpy.sum over the array: what every counter that looks at all of it must do
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from drift.experiments.bench import rivals
from drift.experiments.bench.clouds import Cloud, clouds
from drift.experiments.bench.rounds import Case, Contender
from drift.experiments.bench.setting import Setting
from drift.kernels.formats import BFLOAT16
from drift.sim.counting.cells import Cells, count_rows

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
    def wrong(cells: Cells) -> str | None:
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
    """How the occupancies of cells differ from those that are there, in any order."""
    there = occupancy[occupancy > 0]
    if len(found) != len(there):
        return f"it finds {len(found):,} cells instead of {len(there):,}"
    if not np.array_equal(np.sort(found), np.sort(there)):
        return "the cells are as many as they should be, but not as populous"
    return None
