"""Does a device round as it must? Every kernel against NumPy and ml_dtypes, bit for bit.

A check either holds or names the first input for which it does not, with the
bits that were expected and those that were found.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, get_args

import jax

from drift.kernels.formats import FORMATS, Motion, Rounding
from drift.sim import trials
from drift.sim.fast import Mismatch
from drift.sim.shards import Shards


@dataclass(frozen=True)
class Check:
    """The outcome of one check; the names are those of the JSON."""

    name: str
    ok: bool
    detail: str


def checks(device: jax.Device) -> Iterator[Check]:
    """Every check of `device`, in turn."""
    for target in FORMATS.values():
        for rounding in get_args(Rounding):
            motion = Motion(target, target, rounding)
            name = f"{target.name} {rounding}"
            yield _outcome(name, partial(trials.rounds, device, motion))
    yield _outcome("fused", partial(trials.fuses, device))
    yield _outcome("edges", partial(trials.keeps_edges, device))
    yield _outcome("cloud", partial(trials.draws, device))
    yield _outcome("run", partial(trials.runs, device))


def report(device: jax.Device, found: list[Check]) -> dict[str, Any]:
    """What `drift check --json` prints."""
    return {
        "ok": all(check.ok for check in found),
        "device": {"platform": device.platform, "kind": device.device_kind},
        "checks": [asdict(check) for check in found],
    }


def trust(on: jax.Device | Shards, motion: Motion) -> dict[str, Any]:
    """Check quickly, once a process, that devices other than the CPU can be trusted.

    Returns what the store's attributes say of it. Raises RuntimeError, naming the
    first differing input, where the device rounds wrongly.
    """
    shards = Shards.of(on)
    if shards.platform == "cpu":
        return {}
    looks = Motion(motion.seen, motion.seen)  # how a master is looked at
    motions = [motion] if motion.held == motion.seen else [motion, looks]
    details = [f"{one.held.name} {one.rounding}: {_quickly(shards, one)}" for one in motions]
    return {"check": {"ok": True, "detail": "; ".join(details)}}


@cache
def _quickly(shards: Shards, motion: Motion) -> str:
    try:
        return trials.rounds(shards, motion, quick=True)
    except Mismatch as wrong:
        device = shards.devices[0]
        kind = f"{device.platform} ({device.device_kind})"
        raise RuntimeError(f"{kind} does not round as it must: {wrong}; see drift check") from wrong


def _outcome(name: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(name, True, trial())
    except Mismatch as wrong:
        return Check(name, False, str(wrong))
    except jax.errors.JaxRuntimeError as error:
        return Check(name, False, f"did not run: {' '.join(str(error).split())[:300]}")
