"""Lines on a motion that are not obvious, computed over the values of its format.

They are about formats of 16 bits or fewer, of which every normal positive value is tried.
"""

import numpy as np

from drift.kernels.formats import Format
from drift.sim.motions.arithmetic import rounding_to
from drift.sim.motions.learning_rate import learning_rates
from drift.sim.spec.drift import Drift
from drift.sim.spec.motion_rules import TABLE, kind_of

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BLOCK = 1 << 16


def facts(drift: Drift) -> list[str]:
    """Return the lines on the motion of a drift; none where there is nothing to say."""
    kind, state = kind_of(drift.motion), drift.arithmetic.state
    found = []
    largest = _largest_rate(drift) if kind not in ("straight", TABLE) else 1.0
    decay = drift.weight_decay * largest
    if decay and drift.arithmetic.decay == "rounded" and drift.rounding == "nearest":
        found += _of_decay(decay, state)
    if kind == "adamw":
        if drift.state == "format" and not drift.fused:
            found += _of_beta2(drift.beta2, drift.target)
        first = float(learning_rates(drift, 1, 1)[0])
        found.append(
            f"AdamW's first step asks every coordinate with a gradient for about {first:g},"
            " whatever the gradient's size; asked and done tell what the lattice takes of it"
        )
    return found


def _largest_rate(drift: Drift) -> float:
    starts = range(1, drift.steps + 1, _BLOCK)
    blocks = (learning_rates(drift, k, min(k + _BLOCK - 1, drift.steps)) for k in starts)
    return max(float(block.max()) for block in blocks)


def _of_decay(decay: float, state: Format) -> list[str]:
    if state.width > 16:
        return []
    changed = _share_changed(state, np.float32(1 - decay))
    least = state.precision + 1
    if changed == 0:
        below = f" is below 2{str(-least).translate(_RAISED)}:" if decay < 2.0**-least else ""
        return [f"weight decay {decay:g} per step{below} it changes no {state.name} value"]
    if changed < 1:
        return [f"weight decay {decay:g} per step changes {changed:.1%} of {state.name}'s values"]
    return []


def _of_beta2(beta2: float, state: Format) -> list[str]:
    if state.width > 16:
        return []
    lowered = _share_changed(state, np.float32(beta2))
    if lowered == 0:
        return [f"β2 = {beta2:g} never lowers v in {state.name}"]
    if lowered < 1:
        return [f"β2 = {beta2:g} lowers v for {lowered:.1%} of {state.name}'s values alone"]
    return []


def _share_changed(target: Format, factor: np.float32) -> float:
    """Return the share of normal positive values that a factor changes, once rounded."""
    values = target.value(np.arange(1, target.largest_magnitude + 1)).astype(np.float32)
    normal = values[values >= 2.0**target.smallest_exponent]
    with np.errstate(under="ignore"):
        return float(np.mean(rounding_to(target)(normal * factor) != normal))
