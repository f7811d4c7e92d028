"""Every kernel lowers for CUDA and TPU from here. That it also runs right there is
what `drift check` (with the hardware) and `make aot` (without) are for."""

import jax
import numpy as np
import pytest
from jax import export

from drift.kernels.stepping.block import BLOCK, step_block
from drift.kernels.stepping.step import Steps, Tokens
from tests.support.kernel_cases import ARITHMETICS, name


@pytest.mark.parametrize("arithmetic", sorted(set(ARITHMETICS), key=name), ids=name)
def test_it_lowers_for_cpu_cuda_and_tpu(arithmetic):
    shape = jax.ShapeDtypeStruct
    rows, dims = (1, 16), 128
    arguments = (
        shape((*rows, dims), arithmetic.state.storage),
        Tokens(shape(rows, np.uint32), shape(rows, np.float32), shape(rows, np.bool_)),
        Steps(
            shape((BLOCK, dims), np.float32),
            shape((BLOCK, 2), np.uint32),
            shape((), np.int32),
            shape((), np.uint32),
        ),
        shape((2, dims), np.uint32),
        shape((), np.float32),
    )
    kernel = jax.jit(lambda *a: step_block(*a, arithmetic=arithmetic))
    lowered = export.export(kernel, platforms=["cpu", "cuda", "tpu"])(*arguments)
    assert lowered.platforms == ("cpu", "cuda", "tpu")
    text = lowered.mlir_module()
    assert "stablehlo.add" in text
    # Nothing that a compiler may take for excess precision and drop.
    assert "xbf16>" not in text
    assert "xf16>" not in text
    assert "f8E" not in text
    assert "f4E" not in text
