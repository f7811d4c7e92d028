"""Compile every kernel for GPUs and TPUs that are not here, and read what came out.

    python -m experiments.aot.__main__ results/aot/README.md

Lowering shows what was asked for; only the final code shows what is done. For
each device every kernel is compiled three times: four steps in a row without a
loop, where a compiler would drop roundings if it could, as the run's own kernel,
and fused. A form that is known to lose its roundings, the pair of casts, is compiled beside
them: a reader that does not find it wrong would find nothing wrong.

Needs the compilers (`make aot` installs them into an environment of their own).
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from drift.experiments.aot.assembly import (
    Loop,
    Sums,
    loop_of_bundles,
    loop_of_ptx,
    read_bundles,
    read_ptx,
)
from drift.experiments.aot.page import Row, page
from drift.experiments.aot.targets import TARGETS, Target, device
from drift.kernels.formats import BFLOAT16, FLOAT32, FORMATS, Arithmetic, Rounding
from drift.kernels.rounding import quantise, widen
from drift.kernels.stepping import fused_tpu
from drift.kernels.stepping.block import ACCELERATOR_BLOCK, BLOCK, step_block
from drift.kernels.stepping.fused import Fused, fused
from drift.kernels.stepping.step import Steps, Tokens, step

DUMP = Path(tempfile.mkdtemp(prefix="drift-aot-"))
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"--xla_dump_to={DUMP} --xla_dump_emitter_re=.*"
os.environ["LIBTPU_INIT_ARGS"] = f"--xla_jf_dump_to={DUMP} --xla_jf_dump_llo_text=true"
# Else JAX asks the driver for its version, and there may be none.
os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")
os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")


ROWS, DIMS, STEPS = 64, 2560, 4

ARITHMETICS = {
    **{
        f"{target.name} {rounding}": Arithmetic(target, target, rounding)
        for target in FORMATS.values()
        for rounding in get_args(Rounding)
    },
    "float32 master": Arithmetic(FLOAT32, BFLOAT16),
    "jitter": Arithmetic(jitter=True),
}


def shapes(arithmetic: Arithmetic, tiled: bool, spec: Callable[..., Any]) -> tuple[Any, Tokens]:
    """A chunk's codes and tokens, as the run's kernel takes them or without tiles."""
    rows = (1, ROWS) if tiled else (ROWS,)
    kinds = (np.uint32, np.float32, np.bool_)
    codes = spec((*rows, DIMS), arithmetic.state.storage)
    return codes, Tokens(*(spec(rows, kind) for kind in kinds))


def block(steps: int, spec: Callable[..., Any]) -> Steps:
    """A block of steps."""
    displacements, keys = spec((steps, DIMS), np.float32), spec((steps, 2), np.uint32)
    return Steps(displacements, keys, spec((), np.int32), spec((), np.uint32))


def unrolled(arithmetic: Arithmetic) -> Callable[..., jax.Array]:
    """Four steps without a loop."""

    def steps(codes: jax.Array, tokens: Tokens, *each: Steps) -> jax.Array:
        values = widen(codes, arithmetic.state)
        for one in each:
            values = step(values, jnp.int32(0), tokens, one, arithmetic)
        return quantise(values, arithmetic.state, "nearest").astype(arithmetic.state.storage)

    return steps


def cast_pairs(codes: jax.Array, tokens: Tokens, *each: Steps) -> jax.Array:
    """The wrong form: a cast there and back in place of a rounding."""
    values = as_bfloat16(codes).astype(jnp.float32)
    for one in each:
        values = (values + one.displacements).astype(jnp.bfloat16).astype(jnp.float32)
    return jax.lax.bitcast_convert_type(values.astype(jnp.bfloat16), jnp.uint16)


def as_bfloat16(codes: jax.Array) -> jax.Array:
    """bfloat16 codes as that type."""
    return jax.lax.bitcast_convert_type(codes, jnp.bfloat16)


def compiled(target: Target, lowered: Any) -> list[str]:
    """Compile what was lowered; the texts of its final code. Raises RuntimeError for none."""
    shutil.rmtree(DUMP)
    DUMP.mkdir()
    lowered.compile()
    kind = "*-final_bundles.txt" if target.platform == "tpu" else "*.ptx"
    files = [p for p in DUMP.glob(kind) if "schedule-analysis" not in p.name]
    if not files:
        raise RuntimeError(f"{target.name}: the compiler left no {kind} in {DUMP}")
    return [p.read_text() for p in files]


def read(target: Target, texts: list[str]) -> Sums:
    """Return the sums of a program's final code."""
    reader = read_bundles if target.platform == "tpu" else read_ptx
    return sum(map(reader, texts), Sums())


def read_fused(target: Target, texts: list[str], arithmetic: Arithmetic) -> tuple[Sums, Loop]:
    """Return the sums of a fused kernel's final code, and the cost of its loop."""
    if target.platform == "tpu":
        tile = fused_tpu.HIGH * fused_tpu.width(arithmetic)
        [text] = [text for text in texts if read_bundles(text).adds]
        return read_bundles(text), loop_of_bundles(text, tile)
    [text] = [text for text in texts if read_ptx(text).adds]
    return read_ptx(text), loop_of_ptx(text)


def rows() -> list[Row]:
    """Return a row for each kernel on each target."""
    found = []
    for target in TARGETS:
        sharding = SingleDeviceSharding(device(target))

        def spec(shape: tuple[int, ...], kind: Any, sharding: Any = sharding) -> Any:
            return jax.ShapeDtypeStruct(shape, kind, sharding=sharding)

        each = [block(1, spec) for _ in range(STEPS)]
        path = Fused("tpu" if target.platform == "tpu" else "gpu")
        for name, arithmetic in ARITHMETICS.items():
            flat, tiled = shapes(arithmetic, False, spec), shapes(arithmetic, True, spec)
            form, rest = unrolled(arithmetic), (spec((2, DIMS), np.uint32), spec((), np.float32))
            kernel = (*tiled, block(BLOCK, spec), *rest)
            in_row = read(target, compiled(target, jax.jit(form).lower(*flat, *each)))
            lowered = step_block.lower(*kernel, arithmetic=arithmetic, path="memory")
            in_run = read(target, compiled(target, lowered))
            many = (*flat, block(ACCELERATOR_BLOCK, spec), spec((), np.int32))
            lowered = jax.jit(partial(fused, arithmetic=arithmetic, path=path)).lower(*many)
            in_one, loop = read_fused(target, compiled(target, lowered), arithmetic)
            found.append(
                Row(target, name, arithmetic.state is FLOAT32, in_row, in_run, in_one, loop)
            )
            said = f"{in_row} {in_run} {in_one} {loop}"
            print(f"{target.name} {name}: {said}", file=sys.stderr, flush=True)
        flat = shapes(Arithmetic(), False, spec)
        control = read(target, compiled(target, jax.jit(cast_pairs).lower(*flat, *each)))
        found.append(Row(target, "control: pair of casts", None, control))
        print(f"{target.name} control: {control}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Write the page named on the command line; 1 where something is not as it must be."""
    try:
        found = rows()
    finally:
        shutil.rmtree(DUMP, ignore_errors=True)
    text, ok = page(found, jax.__version__)
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{path}: {'all roundings are there' if ok else 'roundings are MISSING'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
