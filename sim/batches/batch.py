"""Small drifts of one group, moved and counted together: one alone leaves a processor idle.

group          drifts that can be handed over together (sim.batches.sizing.group_key)
by value       where a value goes, all tokens go that have it: by the host, without JAX
by coordinate  the clouds of several drifts side by side on a device

Every count has the bits that sim.engines.simulation gives, which also takes each drift that is
too large for a batch, or leaps.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from drift.sim import interrupts
from drift.sim.batches import sizing
from drift.sim.batches.by_value import count_by_value
from drift.sim.counting.cells import Counts
from drift.sim.devices import device
from drift.sim.devices.host import Host
from drift.sim.engines import choose
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation, State
from drift.sim.spec.drift import Drift
from drift.sim.spec.rules import recorded

if TYPE_CHECKING:
    from drift.sim.devices.shards import Shards


def batch_size(drift: Drift, on: "Shards | Host", engine: str = "auto") -> int:
    """Return how many drifts of its group are best handed over at once: sim.batches.sizing."""
    return sizing.batch_size(drift, on.platform, len(on), device.threads(on), engine)


def devices_for(drifts: list[Drift], on: "Shards | Host", engine: str) -> "Shards | Host":
    """Return what counts `drifts`: the devices of JAX where one of them needs these, else `on`."""
    if not isinstance(on, Host) or all(sizing.by_value(each, "cpu", engine) for each in drifts):
        return on
    from drift.sim.devices.shards import Shards

    return Shards(device.find_devices("cpu", 1))


def count_batch(
    drifts: list[Drift], on: "Shards | Host", pool: ThreadPoolExecutor, engine: str = "auto"
) -> list[list[Counts]]:
    """Return the records of each of `drifts`, which are of one group; all of them, also repeats.

    `pool` has as many threads as sim.devices.device tells; several devices share each drift. JAX is
    loaded where it is needed. Raises BadInput for a drift that leaves its format's range (handed
    over one by one, the faulty one is found) and where `engine`, as in drift.run, does not apply.
    """
    ways: dict[int | None, list[int]] = defaultdict(list)
    for k, drift in enumerate(drifts):
        alike = sizing.by_value(drift, on.platform, engine, len(on))
        ways[None if alike else drift.steps].append(k)  # those on a device step together
    found: dict[int, dict[int, Counts]] = {}
    for steps, which in ways.items():
        some = [drifts[k] for k in which]
        counted = count_by_value(some, pool) if steps is None else _with_jax(some, on, pool, engine)
        found.update(zip(which, counted, strict=True))
    return [[found[k][step] for step in _all_records(drift)] for k, drift in enumerate(drifts)]


def _with_jax(
    drifts: list[Drift], on: "Shards | Host", pool: ThreadPoolExecutor, engine: str
) -> list[dict[int, Counts]]:
    """Count each drift, of equal steps, by step, on the devices of JAX."""
    shards = devices_for(drifts, on, engine)
    assert not isinstance(shards, Host), "they are not moved by value"
    from drift.sim.batches.by_coordinate import count_by_coordinate

    slots = sizing.slots(drifts[0], shards.platform, len(shards), engine)
    if slots == 1:
        return [_alone(drift, shards, pool, engine) for drift in drifts]
    return count_by_coordinate(drifts, slots, shards.devices[0], pool)


def _all_records(drift: Drift) -> tuple[int, ...]:
    """Return the steps of all records, repeats too."""
    return drift.at if drift.at is not None else recorded(drift.steps, drift.records)


def _alone(
    drift: Drift, shards: "Shards", pool: ThreadPoolExecutor, engine: str
) -> dict[int, Counts]:
    """Count one drift by step, as `drift run` does."""
    chunks = Chunks.plan(drift.tokens, drift.dims, device.threads(shards))
    name = choose.choose_engine(drift, engine, shards.platform, len(shards))
    simulation = Simulation(drift, chunks, shards, pool, name)
    found = {}
    for state in simulation.states_and_pauses(drift.record_steps):
        if isinstance(state, State):
            found[state.counts.step] = state.counts
        interrupts.give_up_if_pending()
    return found
