"""Memory that runs out in the middle of the work, though it was reckoned to suffice (sim.fit).

Devices say so in an error of JAX's own, RESOURCE_EXHAUSTED; the host in a MemoryError.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from drift.sim import fit
from drift.sim.engines import Engine
from drift.sim.errors import Unfinished, ran_out
from drift.sim.shards import Shards
from drift.sim.spec import Drift


@contextmanager
def told(
    drift: Drift, shards: Shards, memory: int | None, engine: Engine, then: str = ""
) -> Iterator[None]:
    """Turn it into Unfinished, which says how many tokens fit, and `then` how to go on."""
    rooms = list(fit.rooms(drift, shards, memory, engine))
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise Unfinished(_line(drift, rooms) + then) from error


def _line(drift: Drift, rooms: list[fit.Room]) -> str:
    """What was reckoned where it was closest, and what fits at most, that being too little."""
    room = max(rooms, key=lambda each: each.needed / max(1, each.free))
    fits = min(room.most(drift.tokens), drift.tokens // 2)
    return f"out of memory: {fit.shape(drift)} were reckoned to {room.said()}; {room.fits(fits)}"
