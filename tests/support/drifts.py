"""Drifts that engines are tried with, and every state of them."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FORMATS, Rounding
from drift.sim.devices import device
from drift.sim.devices.host import Host
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.rows import HostRows
from drift.sim.engines.simulation import Simulation
from drift.sim.spec.drift import Drift, Schedule

SMALL = Drift(sigma=1e-9, tokens=60, dims=128, steps=40, records=10)
"""A run that coalesces in a moment."""
KINDS = {
    "stochastic": {"rounding": "stochastic", "format": "float8_e5m2", "sigma": 0.01},
    "master": {"master": "float32"},
    "jitter": {"jitter": 0.2, "rounding": "toward-zero"},
    "survivors": {"survivors": 7, "schedule": "cosine", "snapshots": "records"},
    "float4": {"format": "float4_e2m1fn", "sigma": 0.5, "radius": 2.0},
    "float32": {"format": "float32"},
    "kahan": {"kahan": True, "schedule": "cosine"},
    "noise": {"noise": 2.0, "format": "float8_e5m2", "sigma": 0.01},
}
"""What makes the same run one of another kind."""


@st.composite
def drifts(draw):
    """Drifts of every format, rounding, schedule and motion that stay in range."""
    target = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    master = draw(st.sampled_from(["none", "none", "float32"]))
    roundings = ["nearest"] if master == "float32" else get_args(Rounding)
    tokens = draw(st.sampled_from([1, 2, 7, 40]))
    radius = draw(st.sampled_from([0.0, 1e-6, 0.371, min(12.5, target.largest / 16)]))
    # What noise, and the roundings of a compensation, could add stays in range.
    quiet = radius < target.largest / 64
    return Drift(
        # From one cell for all to no coalescence at all; few dims coalesce more easily.
        sigma=10.0 ** draw(st.floats(-20, math.log10(min(100.0, target.largest / 32)))),
        tokens=tokens,
        dims=draw(st.sampled_from([1, 2, 5])),
        radius=radius,
        steps=draw(st.integers(1, 40)),
        direction=draw(st.sampled_from(["random", "diagonal", "axis"])),
        direction_seed=draw(st.integers(0, 3)),
        seed=draw(st.integers(0, 2**64 - 1)),
        format=target.name,
        rounding=draw(st.sampled_from(roundings)),
        schedule=draw(st.sampled_from(get_args(Schedule))),
        decay=draw(st.sampled_from([0.5, 0.99])),
        master=master,
        jitter=draw(st.sampled_from([0.0, 0.0, 0.1, 1.0])),
        noise=draw(st.sampled_from([0.0, 0.0, 0.5, 3.0])) if quiet else 0.0,
        kahan=master == "none" and draw(st.sampled_from([False, False, True])),
        survivors=draw(st.none() | st.integers(1, tokens)),
    )


def states(drift, chunk_bytes=16 << 20, workers=2, engine="step", steps=None):
    """Every state of a drift, or those of some steps; codes as one array.

    The engine is "step" or "leap", which use JAX, or "host" or "host leap", which don't.
    """
    with ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes)
        on = Host() if engine.startswith("host") else device.find_device("cpu")
        engine = {"host": "step", "host leap": "leap"}.get(engine, engine)
        simulation = Simulation(drift, chunks, on, pool, engine)
        found = list(simulation.states(range(drift.steps + 1) if steps is None else steps))
    return simulation.u, [
        (s.counts, s.populations, s.rows.span(0, drift.tokens).copy()) for s in found
    ]


def assert_equal_states(a, b):
    for (counts, populations, codes), (counts2, populations2, codes2) in zip(a, b, strict=True):
        assert counts == counts2
        np.testing.assert_array_equal(populations, populations2)
        np.testing.assert_array_equal(codes, codes2)


def rows_of(codes, size):
    chunks = Chunks(*codes.shape, size)
    padded = np.zeros((len(chunks) * size, codes.shape[1]), np.uint16)
    padded[: len(codes)] = codes
    return HostRows(chunks, list(padded.reshape(len(chunks), size, -1)), BFLOAT16)
