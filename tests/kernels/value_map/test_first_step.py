"""The classes after the first step, beside moving every drawable value."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import FORMATS
from drift.kernels.stepping import host
from drift.kernels.value_map.first_step import FirstStep
from drift.kernels.value_map.host import HostMap
from drift.sim.prediction.transport import Transport
from drift.sim.spec.drift import Drift

NARROW = [name for name, each in FORMATS.items() if each.width <= 16]


@settings(max_examples=40)
@given(
    st.sampled_from(NARROW),
    st.sampled_from(["nearest", "toward-zero"]),
    st.floats(-9, 0),
    st.sampled_from([0.0, 1e-6, 0.371, 2.0]),
    st.integers(0, 3),
)
def test_they_are_those_of_every_value_moved(name, rounding, power, radius, seed):
    drift = Drift(
        sigma=min(10.0**power, FORMATS[name].largest / 64), dims=3, radius=radius, steps=4,
        format=name, rounding=rounding, direction_seed=seed,
    )  # fmt: skip
    if not host.supports(drift.arithmetic):
        return
    transport = Transport(drift)
    dims, limits = transport._dims, transport._limits(slice(None))
    displaced = transport._motion.displacements(1, 1, dims)[0]
    first = FirstStep(transport._drawable(), limits, displaced, drift.arithmetic)
    found = first.classes(np.inf)

    def block(first, last):
        return transport._motion.displacements(first, last, dims)

    with ThreadPoolExecutor(1) as pool:
        every = transport._classes(limits)
        moved, _ = HostMap(every, block, 0, drift.target, rounding, True, pool).to(1)
    for each in ("bounds", "first_value", "values"):
        np.testing.assert_array_equal(getattr(found, each), getattr(moved, each))
    assert first.classes(0) is None or len(found.values) == len(dims)
