"""What memory allows: a copy of the cloud, and the step as XLA compiles it plainly."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drift.experiments.bench.field import Field
from drift.experiments.bench.rounds import Contender
from drift.experiments.bench.setting import Setting
from drift.kernels.exact_sum import MOST_ROWS
from drift.kernels.formats import Motion
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import Path, advance
from drift.kernels.stepping.step import Steps, Tokens


def copy(setting: Setting, field: Field, name: str) -> Contender:
    """The codes read and written once, where the cloud lives."""
    by = host_copy if setting.device.platform == "cpu" else device_copy
    codes = field.codes
    return Contender(name, by(setting, codes), work=codes.size, traffic=2 * codes.nbytes)


def host_copy(setting: Setting, codes: np.ndarray) -> Any:
    """A slice for each of the threads."""
    there, workers = np.empty_like(codes), setting.threads
    cuts = [len(codes) * k // workers for k in range(workers + 1)]

    def one(k: int) -> None:
        part = slice(cuts[k], cuts[k + 1])
        np.copyto(there[part], codes[part])

    return lambda: list(setting.pool.map(one, range(workers)))


def device_copy(setting: Setting, codes: np.ndarray) -> Any:
    """A program that changes every word, so that nothing can be left out."""
    words = codes.view(np.uint32) if codes.shape[1] % 2 == 0 else codes
    here = jax.device_put(words, setting.device)
    flip = jax.jit(partial(jnp.bitwise_xor, words.dtype.type(1)))
    return lambda: jax.block_until_ready(flip(here))


def at_once(setting: Setting, field: Field, name: str, by: Path) -> Contender:
    """`advance` over as much of the cloud at once as the engine would, all steps in a call.

    Its traffic is what a step through memory reads and writes: the codes.
    """
    codes, displacements = field.codes, field.displacements
    steps = len(displacements)
    put: Any = partial(jax.device_put, device=setting.device)
    taken = put(np.int32(steps)), put(np.uint32(0)), put(np.False_)
    lanes, scale = put(weights(codes.shape[1])), put(np.float32(1))
    all_steps = Steps(put(displacements), put(np.zeros((steps, 2), np.uint32)), *taken)
    parts = [_part(codes, start, put) for start in range(0, len(codes), MOST_ROWS)]

    def run() -> list[Any]:
        moved = [
            advance(here, tokens, all_steps, lanes, scale, motion=Motion(), path=by).codes
            for here, tokens in parts
        ]
        return jax.block_until_ready(moved)

    def wrong(moved: list[Any]) -> str | None:
        return field.wrong(np.concatenate([np.asarray(one)[0] for one in moved]), steps)

    work = codes.size * steps
    traffic = 2 * codes.itemsize * work
    return Contender(name, run, wrong, work=work, steps=steps, traffic=traffic)


def _part(codes: np.ndarray, start: int, put: Any) -> tuple[Any, Tokens]:
    """Rows from `start` as one tile, and who they are."""
    rows = codes[None, start : start + MOST_ROWS]
    shape = rows.shape[:2]
    number = np.arange(start, start + shape[1], dtype=np.uint32).reshape(shape)
    present = Tokens(put(number), put(np.ones(shape, np.float32)), put(np.ones(shape, bool)))
    return put(rows), present
