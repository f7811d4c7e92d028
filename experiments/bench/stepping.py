"""The step engine beside loops of the same update and the machine's memory.

moving     the step engine of a CPU from the first step to the last, without counting there
plain XLA  the plain kernel over the whole cloud at once, as XLA compiles it: each
           step reads and writes the code of every coordinate
fused      the kernel that keeps codes in registers through all steps, on devices
           that have one
copy       of the cloud's codes, read and written once: what a loop that goes
           through memory at every step can't beat

Every contender moves the same cloud by the first steps of the same drift; those
that are slow take fewer, and costs are per coordinate and step.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drift.experiments.bench import rivals
from drift.experiments.bench.runner import Case, Contender
from drift.experiments.bench.setting import Setting, Start, c_loop
from drift.kernels.exact_sum import MOST_ROWS
from drift.kernels.formats import Arithmetic
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import BLOCK, Path, step_block
from drift.kernels.stepping.fused import fused_path
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim.engines.simulation import Simulation
from drift.sim.engines.step import StepEngine


def copy(setting: Setting, start: Start, name: str) -> Contender:
    """The codes read and written once, where the cloud lives."""
    by = host_copy if setting.device.platform == "cpu" else device_copy
    codes = start.codes
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


def at_once(setting: Setting, start: Start, name: str, by: Path) -> Contender:
    """`step_block` over as much of the cloud at once as the engine would, all steps in a call.

    Its traffic is what a step through memory reads and writes: the codes.
    """
    codes, displacements = start.codes, start.displacements
    steps = len(displacements)
    put: Any = partial(jax.device_put, device=setting.device)
    taken = put(np.int32(steps)), put(np.uint32(0)), put(np.False_)
    lanes, scale = put(weights(codes.shape[1])), put(np.float32(1))
    all_steps = Steps(put(displacements), put(np.zeros((steps, 2), np.uint32)), *taken)
    parts = [_part(codes, first, put) for first in range(0, len(codes), MOST_ROWS)]

    def run() -> list[Any]:
        moved = [
            step_block(
                here, tokens, all_steps, lanes, scale, arithmetic=Arithmetic(), path=by
            ).codes
            for here, tokens in parts
        ]
        return jax.block_until_ready(moved)

    def wrong(moved: list[Any]) -> str | None:
        return start.wrong(np.concatenate([np.asarray(one)[0] for one in moved]), steps)

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


OURS, MOVING, C, EAGER = "step engine", "moving alone", "C loop", "PyTorch eager"
COMPILED, NUMPY = "torch.compile", "NumPy + ml_dtypes"
PLAIN, FUSED, COPY = "plain XLA", "fused kernel", "copy"
UNIT = "ns per element-step"
MAIN = 100
"""The number of steps at which everyone is compared."""

_FEW = 10
"""Steps that a slow rival takes."""
_COMPILED = 20
"""Steps in one program of torch.compile."""


def cases(setting: Setting) -> Iterator[Case]:
    """The comparison at MAIN steps, and what the curve of cost against steps needs."""
    for steps in setting.steps("step"):
        yield _case(setting, Start.of(setting, steps))


def _case(setting: Setting, start: Start) -> Case:
    tokens, dims = start.codes.shape
    steps = len(start.displacements)
    facts = {"tokens": tokens, "dims": dims, "steps": steps}
    case = Case("step", f"{steps:,} steps", UNIT, facts)
    case.contenders.append(_engine(setting, start))
    if setting.device.platform == "cpu":
        case.contenders.append(_moving(setting, start))
    case.enter(C, partial(_c, setting, start))
    if steps <= _FEW or steps == MAIN:
        case.contenders.append(_numpy(setting, start))
        case.enter(EAGER, partial(_torch, setting, start, EAGER, _FEW))
    if steps != MAIN:
        return case
    if setting.quick:
        case.absent[COMPILED] = "left out by --quick"
    else:
        case.enter(COMPILED, partial(_torch, setting, start, COMPILED, _COMPILED))
    case.contenders.append(at_once(setting, start, PLAIN, "memory"))
    if fused := fused_path(setting.device.platform):
        case.contenders.append(at_once(setting, start, FUSED, fused))
    case.contenders.append(copy(setting, start, COPY))
    return case


def _contender(start: Start, name: str, steps: int, **parts: Any) -> Contender:
    return Contender(name, work=start.codes.size * steps, steps=steps, **parts)


def _engine(setting: Setting, start: Start) -> Contender:
    """Return the step engine, which moves and counts; drawing its cloud is not timed."""
    tokens, steps = len(start.codes), len(start.displacements)
    drawn: list[Simulation] = []

    def ready() -> None:
        drawn[:] = [setting.simulation(start.drift, "step")]

    return _contender(
        start,
        OURS,
        steps,
        ready=ready,
        run=lambda: next(drawn[0].states([steps])),
        wrong=lambda state: start.wrong(state.rows.span(0, tokens), steps),
    )


def _moving(setting: Setting, start: Start) -> Contender:
    """Return the step engine of a CPU without the count, which is all that the loops do."""
    tokens, steps = len(start.codes), len(start.displacements)
    loaded = list[StepEngine]()

    def ready() -> None:
        engine = setting.simulation(start.drift, "step").engine
        assert isinstance(engine, StepEngine), "the step engine of a CPU"
        loaded[:] = [engine]

    def run() -> StepEngine:
        (made,) = loaded
        for first in range(0, steps, BLOCK):
            made.move(min(BLOCK, steps - first))
        return made

    def wrong(made: StepEngine) -> str | None:
        return start.wrong(made.state_rows.span(0, tokens), steps)

    return _contender(start, MOVING, steps, ready=ready, run=run, wrong=wrong)


def _c(setting: Setting, start: Start) -> Contender:
    loop, moved = c_loop(setting.scratch), np.empty_like(start.codes)
    arguments = start.codes, moved, start.displacements, setting.pool, setting.threads
    steps = len(start.displacements)
    wrong = partial(start.wrong, steps=steps)
    return _contender(start, C, steps, run=lambda: loop(*arguments), wrong=wrong)


def _numpy(setting: Setting, start: Start) -> Contender:
    few = start.displacements[:_FEW]
    run = partial(rivals.numpy_loop, start.codes, few, setting.pool, setting.threads)
    wrong = partial(start.wrong, steps=len(few))
    return _contender(start, NUMPY, len(few), run=run, wrong=wrong)


def _torch(setting: Setting, start: Start, name: str, most: int) -> Contender:
    few = start.displacements[:most]
    loop = rivals.TorchLoop(
        setting.device.platform,
        setting.threads,
        start.codes,
        few,
        compiled=name != EAGER,
    )

    def wrong(moved: Any) -> str | None:
        return start.wrong(loop.codes(moved), len(few))

    return _contender(start, name, len(few), run=loop, wrong=wrong)
