"""The choice of the engine: `step` moves every coordinate, `leap` every distinct value.

Both give the same bits; `auto` takes the cheaper one by a rough estimate, in units
of one coordinate stepped on a CPU (about 0.1 ns on two cores). On a CPU the step engine has two
ways, with the same bits too: the kernels of JAX, or NumPy (sim.engines.host).

step   1 for every coordinate at every step, 10 at every record. On an accelerator a hundredth of
       it, after the first in the dimensions alone in which that leaves tokens apart, and a
       millisecond for every record
NumPy  60 for every coordinate; 6 for every one at every step, and 25 at every record, in the
       dimensions in which the first step leaves tokens apart; 10 microseconds for a step at least.
       Loading JAX takes a second
leap   30 for every coordinate drawn, 60 for every entry of the tables of one step,
       200 for every class and 3 for every coordinate at every record, whose tokens are told
       apart; 10 microseconds for a dimension and a millisecond for a record at least; where steps
       differ, 2 for every class at every step, 20 with NumPy

A class is a value that tokens have in one dimension; about a thousand are reckoned.
Once all is at rest, after some 6 x 2**precision steps, steps and records cost
nothing any more (the step engine notices it with equal steps alone, of all tokens, those
that leave among them).
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from drift.kernels.formats import FLOAT32
from drift.kernels.stepping import host
from drift.sim.errors import BadInput
from drift.sim.sampling.normal import upper_quantile
from drift.sim.spec.drift import Drift
from drift.sim.spec.motion_rules import has_equal_steps
from drift.sim.spec.schedule import weights

if TYPE_CHECKING:
    import jax

    from drift.sim.devices.host import Host
    from drift.sim.devices.shards import Shards
    from drift.sim.engines.chunks import Chunks
    from drift.sim.engines.simulation import MovingCloud
    from drift.sim.motions.motion import Motion

Engine = Literal["step", "leap"]
Wanted = Literal["auto", "step", "leap"]

_UNIT_SECONDS = 1e-10
_CLASSES = 1024
_ACCELERATED = 100
_TOLD = 1e7
"""The cost of a record on an accelerator, however little there is to it: the host counts it."""


def has_monotone_steps(drift: Drift) -> bool:
    """Return whether a step is one function of a coordinate's value: equal tokens stay equal."""
    own = drift.jitter or drift.noise or drift.rounding == "stochastic"
    return not own and drift.master == "none" and not drift.kahan


def choose_engine(drift: Drift, wanted: str, platform: str, parts: int = 1) -> Engine:
    """Return the engine for a drift; raise BadInput where the wanted one does not apply.

    `parts` are the devices that share the cloud.
    """
    if wanted not in get_args(Wanted):
        raise BadInput(f"engine is {wanted!r}; it must be one of {', '.join(get_args(Wanted))}")
    missing = leap_unsupported_reason(drift)
    if wanted == "leap" and missing:
        raise BadInput(f"engine is leap, which does not support {missing}; step does")
    if wanted == "leap" and parts > 1:
        raise BadInput(f"engine is leap, which uses one device, not {parts}; step can use several")
    if wanted == "step" or missing or parts > 1:
        return "step"
    if wanted == "leap":
        return "leap"
    return "leap" if leap_cost(drift) < step_cost(drift, platform) else "step"


def leap_unsupported_reason(drift: Drift) -> str:
    """Return why the leap engine does not apply; empty where it does."""
    if drift.target == FLOAT32:
        return "float32, a lattice too fine for tables"
    if drift.master != "none":
        return "master weights"
    if drift.jitter > 0:
        return "jitter"
    if drift.noise > 0:
        return "noise"
    if drift.kahan:
        return "compensated sums (kahan)"
    if drift.weight_decay:
        return "weight decay"
    return "stochastic rounding" if drift.rounding == "stochastic" else ""


def step_cost(drift: Drift, platform: str) -> float:
    """Return the cost of the step engine, in the units above."""
    steps, records = _until_rest(drift) if has_equal_steps(drift) else _all(drift)
    coordinates = drift.tokens * drift.dims
    if platform == "cpu":
        return coordinates * (steps + 10.0 * records)
    share = _open_share(drift) if drift.arithmetic.shared else 1.0
    moved = coordinates * (11.0 + share * (steps + 10.0 * records))
    return moved / _ACCELERATED + _TOLD * records


def reason_on(drift: Drift, wanted: str, platform: str, parts: int = 1) -> str:
    """Return why an engine was chosen on an accelerator, in words."""
    if wanted == "auto" and parts == 1 and not leap_unsupported_reason(drift):
        costs = {f"step on the {platform}": step_cost(drift, platform), "leap": leap_cost(drift)}
        return f"on a {platform}, the least of: {_told(costs)}"
    if wanted != "auto":
        return f"on a {platform}, {wanted} was asked for"
    missing = leap_unsupported_reason(drift) or f"{parts} devices"
    return f"on a {platform}, step, since leap does not support {missing}"


def _told(costs: dict[str, float]) -> str:
    return ", ".join(f"{name} {cost * _UNIT_SECONDS:.2g} s" for name, cost in costs.items())


def leap_cost(drift: Drift, by_numpy: bool = False) -> float:
    """Return the cost of the leap engine, in the units above."""
    steps, records = _until_rest(drift) if drift.motion == "straight" else _all(drift)
    classes = drift.dims * min(drift.tokens, _CLASSES)
    cost = (30.0 + 3.0 * records) * drift.tokens * drift.dims + 200.0 * classes * records
    cost += _CALLS * (drift.dims + 100 * records)
    if has_equal_steps(drift):
        return cost + 60.0 * drift.dims * (1 << drift.target.width)
    if by_numpy:  # which steps those at rest as well
        return cost + (2.0 * _CALLS + 20.0 * classes) * drift.steps
    return cost + 2.0 * classes * steps


_CALLS = 1e5
"""The cost of the calls of NumPy that a step takes, however little it moves."""
_LOADED = 1e10
"""The cost of loading JAX and its programs."""
_QUANTILES = 64
_SPREAD = 7.0
"""The width of a drawn cloud in a dimension, in sigmas: nearly all tokens are within it."""


def host_engine(drift: Drift, wanted: str) -> tuple[Engine | None, str]:
    """Return the engine that moves a drift on a CPU without JAX, and why.

    None where `wanted` does not allow it, or JAX is sooner there.
    """
    leaps, steps = not leap_unsupported_reason(drift), host.supports(drift.arithmetic)
    if not steps and (wanted != "leap" or not leaps):
        return None, f"NumPy does not step with {_unsupported(drift)}"
    costs = {}
    if wanted != "leap":
        costs = {"step without JAX": _host_cost(drift), "step": step_cost(drift, "cpu") + _LOADED}
    if wanted != "step" and leaps:
        if steps:
            costs["leap without JAX"] = leap_cost(drift, by_numpy=True)
        costs["leap"] = leap_cost(drift) + _LOADED
    best = min(costs, key=lambda name: costs[name])
    why = "leap was asked for" if wanted == "leap" else f"the least of: {_told(costs)}"
    if not best.endswith("without JAX"):
        return None, why
    return ("leap" if best.startswith("leap") else "step"), why


def _unsupported(drift: Drift) -> str:
    if drift.jitter or drift.noise:
        return "jitter" if drift.jitter else "noise"
    return f"the rounding {drift.rounding} of {drift.arithmetic.state.name}"


def _host_cost(drift: Drift) -> float:
    """Return the cost of the step engine without JAX, in the units above."""
    steps, records = _until_rest(drift) if has_equal_steps(drift) else _all(drift)
    coordinates, share = drift.tokens * drift.dims, _open_share(drift)
    moved = coordinates * (60.0 + share * (6.0 * steps + 25.0 * records))
    return moved + _CALLS * (steps + 40 * records)


def _open_share(drift: Drift) -> float:
    """Return the share of dimensions in which the first step leaves tokens apart, roughly.

    There the cloud is wider than the spacing of the lattice where the step takes it, or a
    boundary between two values of the lattice happens to be within it.
    """
    if drift.sigma is None or drift.motion != "straight":
        return 1.0
    # |u| is about that of a normal vector, over its length.
    tails = (np.arange(_QUANTILES) + 0.5) / _QUANTILES / 2
    sizes = upper_quantile(tails) / math.sqrt(drift.dims)
    spacings = drift.arithmetic.state.ulp(drift.radius * weights(drift, 1, 1)[0] * sizes)
    return float(np.mean(np.minimum(1, _SPREAD * drift.sigma / spacings)))


def _all(drift: Drift) -> tuple[int, int]:
    """Return the number of all steps, and of all records."""
    return drift.steps, len(drift.record_steps)


def _until_rest(drift: Drift) -> tuple[int, int]:
    """Return the steps and the records until all is at rest, roughly."""
    steps = min(drift.steps, 6 << drift.target.precision)
    return steps, sum(step <= steps for step in drift.record_steps) + (steps < drift.steps)


def moving_cloud(
    motion: "Motion",
    strengths: np.ndarray,
    chunks: "Chunks",
    on: "jax.Device | Shards | Host",
    pool: ThreadPoolExecutor,
    engine: Engine,
) -> "MovingCloud":
    """Return the engine that moves the cloud of a drift by its `motion`, without the cloud.

    Nothing is loaded but what that engine needs.
    """
    from drift.sim.devices.host import Host

    if engine == "leap":
        from drift.sim.engines.leap import LeapEngine

        return LeapEngine(motion, chunks, pool, without_jax=isinstance(on, Host))
    if isinstance(on, Host):
        from drift.sim.engines.host import HostEngine

        return HostEngine(motion, chunks, pool)
    from drift.sim.devices.shards import Shards

    shards = Shards.of(on)
    if shards.on_host and len(shards) == 1:
        from drift.sim.engines.step import StepEngine

        return StepEngine(motion, strengths, chunks, shards.devices[0], pool)
    from drift.sim.engines.fused_trial import fast_path
    from drift.sim.settling.engine import SettlingEngine

    path = fast_path(shards.devices[0], motion.drift.arithmetic)
    return SettlingEngine(motion, strengths, chunks, shards, pool, path)
