"""Small drifts that take equal displacements, counted together (sim.alike).

Their clouds are looked at by class, and which tokens share a cell is asked only at the
records at which that can't be told from others (sim.merging).
"""

import numpy as np

from drift.sim.alike import Alike
from drift.sim.alike_start import Start
from drift.sim.counts import Counts
from drift.sim.grouped import Cells
from drift.sim.merging import partitions


def counted(start: Start) -> list[dict[int, Counts]]:
    """The counts of each drift of `start` by step, bit for bit those of sim.simulation."""
    cloud, drift = start.cloud, start.cloud.members[0].drift
    steps, stalled, limbs, numbers = drift.record_steps, [], [], []
    if steps[0] == 0:
        stalled.append(np.zeros(len(cloud.members), np.int64))
        limbs.append(start.limbs)
        numbers.append(np.zeros(0))
    alike = Alike(start)
    for step in steps[len(numbers) :]:
        stayed, sums = alike.look(step, cloud.present(step))
        stalled.append(stayed)
        limbs.append(sums)
        numbers.append(alike.numbers())

    def leaders(look: int, tokens: np.ndarray) -> np.ndarray:
        if not steps[look]:
            return start.leaders(tokens)
        columns, here = alike.columns, numbers[look]
        return cloud.leaders(
            tokens,
            lambda some: columns.fingerprints(here, some),
            lambda a, b: columns.equal(here, a, b),
        )

    found: list[dict[int, Counts]] = [{} for _ in cloud.members]
    last, counts = None, {}
    for look, after in enumerate(partitions(len(cloud.of), len(steps), leaders)):
        if after is not last or drift.survivors is not None:
            counts = cloud.found(Cells.led_by(after[cloud.present(steps[look])]))
        last = after
        at = cloud.counts(steps[look], counts, limbs[look], stalled[look])
        for mine, one in zip(found, at, strict=True):
            mine[steps[look]] = one
    return found
