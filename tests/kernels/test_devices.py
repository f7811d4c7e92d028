"""Stochastic rounding gives the same bits wherever its rows are."""

import os
import subprocess
import sys

import pytest

CODE = """
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from drift.kernels.formats import BFLOAT16
from drift.kernels.formats import Arithmetic
from drift.kernels.stepping.step import Steps, Tokens, step
from drift.sim.engines import reference

arithmetic = Arithmetic(rounding="stochastic")
rng = np.random.default_rng(0)
rows, dims = 64, 48
codes = rng.integers(0x3000, 0x4000, (rows, dims), dtype=np.uint16)
c = rng.standard_normal((1, dims)).astype(np.float32)
keys = rng.integers(0, 2**32, (1, 2), dtype=np.uint32)
numbers = np.arange(1000, 1000 + rows, dtype=np.uint32)
random = reference.words(keys[0], numbers, dims)
expected = reference.step(codes, c, BFLOAT16, "stochastic", random)
values = BFLOAT16.value(codes).astype(np.float32)

def take(values, tokens, steps):
    return step(values, np.int32(0), tokens, steps, arithmetic)

for count in (1, 2, 8):
    mesh = Mesh(np.array(jax.devices()[:count]), ("token",))
    split = NamedSharding(mesh, PartitionSpec("token"))
    whole = NamedSharding(mesh, PartitionSpec())
    present, strength = np.ones(rows, bool), np.ones(rows, np.float32)
    tokens = Tokens(*jax.device_put([numbers, strength, present], split))
    steps = Steps(*jax.device_put([c, keys, np.int32(1), np.uint32(0)], whole))
    moved = jax.jit(take)(jax.device_put(values, split), tokens, steps)
    assert len(moved.sharding.device_set) == count
    np.testing.assert_array_equal(BFLOAT16.code(np.asarray(moved)), expected)
print("equal on 1, 2 and 8")
"""


@pytest.mark.processes
@pytest.mark.slow
def test_words_do_not_depend_on_the_number_of_devices():
    flags = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**os.environ, **flags}, capture_output=True, text=True
    )
    assert done.stdout == "equal on 1, 2 and 8\n", done.stderr
