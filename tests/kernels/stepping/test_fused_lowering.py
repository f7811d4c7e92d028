"""The fused kernel lowers for CUDA and TPU from here, within the run's own kernel.

What the compilers are handed is looked at: the loop over steps, the rounding, and
what keeps a product apart from the addition after it.
"""

import base64
import inspect
import re

import jax
import numpy as np
import pytest
from jax import export
from jax.sharding import AbstractDevice, AbstractMesh

from drift.kernels.formats import BFLOAT16, Arithmetic
from drift.kernels.stepping.block import ACCELERATOR_BLOCK, step_block
from drift.kernels.stepping.fused import Fused
from drift.kernels.stepping.step import Steps, Tokens
from tests.support.kernel_cases import FEWER, name

EACH = pytest.mark.parametrize("arithmetic", FEWER, ids=name)
TRITON = ("__gpu$xla.gpu.triton", "triton_kernel_call", "triton_kernel_call_ffi")


def lowered(arithmetic, form, platform):
    shape = jax.ShapeDtypeStruct
    rows, dims = (1, 100), 1000
    arguments = (
        shape((*rows, dims), arithmetic.state.storage),
        Tokens(shape(rows, np.uint32), shape(rows, np.float32), shape(rows, np.bool_)),
        Steps(
            shape((ACCELERATOR_BLOCK, dims), np.float32),
            shape((ACCELERATOR_BLOCK, 2), np.uint32),
            shape((), np.int32),
            shape((), np.uint32),
        ),
        shape((2, dims), np.uint32),
        shape((), np.float32),
    )
    kernel = jax.jit(lambda *a: step_block(*a, arithmetic=arithmetic, path=Fused(form)))
    unchecked = [export.DisabledSafetyCheck.custom_call(call) for call in TRITON]
    done = export.export(kernel, platforms=[platform], disabled_checks=unchecked)(*arguments)
    return done.mlir_module()


def hopper():
    """A mesh whose devices are said to be Hoppers; what can be said depends on JAX."""
    facts = {"device_kind": "NVIDIA H200", "num_cores": 132, "platform": "gpu"}
    known = inspect.signature(AbstractDevice).parameters
    said = AbstractDevice(**{key: fact for key, fact in facts.items() if key in known})
    return jax.sharding.use_abstract_mesh(AbstractMesh((), (), (), abstract_device=said))


@EACH
@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
def test_it_lowers_for_cuda(arithmetic):
    with hopper():
        text = lowered(arithmetic, "gpu", "cuda")
    assert re.search(r"custom_call @\S*triton", text)
    assert "scf" in text  # the loop over steps
    # The names of operations stand in the kernel's bytecode as they are.
    assert "addf" in text
    assert ("truncf" in text) == (arithmetic.state == BFLOAT16 and arithmetic.rounding == "nearest")
    assert "extf" not in text  # nothing that could make a pair with it
    if arithmetic.jitter:
        assert "mulf" in text
        assert "xori" in text


@EACH
def test_it_lowers_for_tpu(arithmetic):
    text = lowered(arithmetic, "tpu", "tpu")
    assert "tpu_custom_call" in text
    [body] = re.findall(r"body\\22: \\22([A-Za-z0-9+/=]+)", text)  # quotes are escaped
    kernel = base64.b64decode(body)
    assert b"scf" in kernel
    assert b"addf" in kernel
    assert b"truncf" not in kernel
    assert b"extf" not in kernel
    if arithmetic.jitter:
        assert b"mulf" in kernel
        assert b"xori" in kernel


def test_it_is_not_for_a_cpu():
    with pytest.raises(ValueError, match="Only interpret mode is supported on CPU backend"):
        lowered(Arithmetic(), "gpu", "cpu")
