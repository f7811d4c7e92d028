"""The device check: every kernel against NumPy and ml_dtypes, bit for bit.

trial   one thing that a device is asked to do; it returns in words what agrees, or raises
        Mismatch, which names the first input that does not, with the bits that were
        expected and those that were found
check   the outcome of a trial, as `drift check` reports it
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, get_args

import jax
import numpy as np

from drift.kernels.formats import BFLOAT16, FLOAT32, FORMATS, Arithmetic, Format, Rounding
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import NO_MOVE, plain
from drift.kernels.stepping.fused import Fused, fused_path
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.devices.shards import Shards
from drift.sim.engines import reference
from drift.sim.engines.choose import Engine, leap_unsupported_reason
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.fused_trial import Mismatch, codes_of, displacements_of, fitting, try_path
from drift.sim.engines.simulation import Simulation, State
from drift.sim.engines.step import step_block_of
from drift.sim.spec.drift import Drift

BLOCK = 32
"""Steps of a call in a trial, few, since every code has its own displacements."""

CLOUD = "4ac92bdc"
"""The start of the SHA-256 of what `draws` draws, on every machine."""

RUNS = (
    Drift(sigma=1e-9, tokens=24, dims=256, steps=40),
    Drift(sigma=1e-9, tokens=24, dims=256, steps=40, rounding="stochastic"),
    Drift(sigma=1e-9, tokens=24, dims=256, steps=40, jitter=0.3, schedule="cosine"),
    Drift(sigma=1e-9, tokens=24, dims=256, steps=40, master="float32", schedule="linear"),
    Drift(sigma=1e-3, tokens=24, dims=256, steps=40, format="float16", rounding="toward-zero"),
    Drift(sigma=1e-6, tokens=24, dims=256, steps=40, motion="adamw", gradient=1.0, lr=1e-4),
    Drift(sigma=1e-3, tokens=24, dims=256, steps=40, weight_decay=0.01),
    Drift(sigma=1e-3, tokens=24, dims=256, steps=40, motion="sgd", gradient=1.0, weight_decay=9.0),
    Drift(sigma=1e-6, tokens=24, dims=256, steps=40, kahan=True, schedule="cosine"),
    Drift(sigma=1e-6, tokens=24, dims=256, steps=40, noise=2.0, jitter=0.1),
    Drift(sigma=1e-3, tokens=24, dims=256, steps=40, kahan=True, noise=0.5, format="float32"),
)
"""Small whole runs, one for each kind of kernel."""

ARITHMETICS = (
    *(
        Arithmetic(each, each, rounding)
        for each in FORMATS.values()
        for rounding in get_args(Rounding)
    ),
    Arithmetic(FLOAT32, BFLOAT16),
    Arithmetic(jitter=True),
)
"""Every kind of kernel there is, but for jitter in every format."""


def rounds(device: jax.Device | Shards, arithmetic: Arithmetic, quick: bool = False) -> str:
    """Try one step from every code by every displacement. Raises Mismatch."""
    target = arithmetic.state
    codes = codes_of(target)
    count = 0
    for wanted in displacements_of(target, codes, quick):
        block = fitting(target, codes, wanted)[None]
        _compare(target, codes, block, _move(device, arithmetic, codes, block), arithmetic.rounding)
        count += len(codes)
    return f"{count:,} sums agree"


def fuses(device: jax.Device) -> str:
    """Try many steps in one call against the same steps of the reference, one by one.

    With the plain kernels from every code, and with the fused one from few; on a
    CPU that one is interpreted in its two forms, for one arithmetic, since it is slow.
    """
    rng = np.random.default_rng(2)
    for target in FORMATS.values():
        codes = codes_of(target)
        values = target.value(codes)
        unit = np.clip(target.ulp(values), 2.0**-90, target.largest / (8 * BLOCK))
        unit[np.abs(values) > target.largest / 4] = 0
        block = (rng.uniform(-2, 2, (BLOCK, len(codes))) * unit).astype(np.float32)
        for rounding in get_args(Rounding):
            found = _move(device, Arithmetic(target, target, rounding), codes, block)
            _compare(target, codes, block, found, rounding)
    own = fused_path(device.platform)
    forms = [own] if own else [Fused("gpu", interpret=True), Fused("tpu", interpret=True)]
    for form in forms:
        for arithmetic in ARITHMETICS if own else [Arithmetic()]:
            detail = try_path(device, arithmetic, form)
    return (
        f"{BLOCK} steps in one call agree with {BLOCK} steps one by one, in every format;"
        f" fused, {detail}"
    )


def keeps_edges(device: jax.Device) -> str:
    """Try every code where nothing, or zero, is added: signed zeros and subnormals too."""
    for target in FORMATS.values():
        codes = codes_of(target)
        for rounding in get_args(Rounding):
            for c in (NO_MOVE, 0.0):
                block = np.full((1, len(codes)), c, np.float32)
                found = _move(device, Arithmetic(target, target, rounding), codes, block)
                _compare(target, codes, block, found, rounding)
    return "signed zeros, subnormals and largest values agree, in every format"


def draws(device: jax.Device) -> str:
    """Try the cloud's bits, there and back, against those stored with the program."""
    digest = hashlib.sha256()
    for target in FORMATS.values():
        drift = Drift(sigma=target.largest / 64, tokens=64, dims=512, format=target.name)
        cloud = draw_cloud(drift, 0, 64)
        back = np.asarray(jax.device_put(cloud, device))
        digest.update(back.astype(back.dtype.newbyteorder("<")).tobytes())
    found = digest.hexdigest()[: len(CLOUD)]
    if found != CLOUD:
        raise Mismatch(f"expected the cloud {CLOUD}, found {found}")
    return f"the cloud's fingerprint is {CLOUD}"


def runs(device: jax.Device) -> str:
    """Try whole runs at a small size, every record, against the reference."""
    for drift in RUNS:
        for engine in get_args(Engine):
            if engine == "step" or not leap_unsupported_reason(drift):
                _runs(device, drift, engine)
    return f"{len(RUNS)} small runs agree at every step, by either engine"


def _runs(device: jax.Device, drift: Drift, engine: Engine) -> None:
    with ThreadPoolExecutor(1) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, 1)
        simulation = Simulation(drift, chunks, device, pool, engine)
        states = simulation.states(drift.record_steps)
        for state, expected in zip(states, reference.walk(drift, simulation.motion), strict=True):
            found = state.rows.span(0, drift.tokens)
            if not np.array_equal(found, expected):
                token, dim = np.argwhere(found != expected)[0]
                raise Mismatch(
                    f"step {state.counts.step} of {drift} by {engine}, token {token}, dim {dim}:"
                    f" expected {expected[token, dim]:#x}, found {found[token, dim]:#x}"
                )
            _recount(state, expected, drift)


def _recount(state: State, codes: np.ndarray, drift: Drift) -> None:
    """Raise Mismatch where another number of cells was counted than `codes` occupy."""
    cells = len(np.unique(np.where(codes == drift.target.sign, 0, codes), axis=0))
    if state.counts.distinct != cells:
        raise Mismatch(
            f"step {state.counts.step} of {drift}: expected {cells} distinct cells,"
            f" found {state.counts.distinct}"
        )


def _keys(steps: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 2**32, (steps, 2), dtype=np.uint32)


def _move(
    on: jax.Device | Shards, arithmetic: Arithmetic, codes: np.ndarray, block: np.ndarray
) -> np.ndarray:
    """Move `codes` (n,) on each device by the steps of `block` (steps, n): codes (devices, n)."""
    padded = np.zeros((BLOCK, len(codes)), np.float32)
    padded[: len(block)] = block
    token = [np.full((1, 1), x) for x in (np.uint32(0), np.float32(1), np.True_)]
    steps = [padded, _keys(BLOCK), np.int32(len(block)), np.uint32(0)]
    beside = [codes[None, None], weights(len(codes)), np.float32(1)]
    found = []
    for device in Shards.of(on).devices:
        kernel = step_block_of(device.platform, arithmetic)
        its_token, its_steps, (rows, *others) = jax.device_put((token, steps, beside), device)
        found.append(kernel(rows, Tokens(*its_token), Steps(*its_steps), *others).codes)
    return np.concatenate([np.asarray(codes)[0] for codes in found])


def _compare(
    target: Format, codes: np.ndarray, block: np.ndarray, found: np.ndarray, rounding: Rounding
) -> None:
    """Raise Mismatch where `found` is not what the reference makes of `codes`."""
    expected = codes
    for c, key in zip(block, _keys(len(block)), strict=True):
        words = None
        if rounding == "stochastic":
            words = reference.words(key, np.zeros(1, np.uint32), len(codes))[0]
        expected = reference.step(expected, c, target, rounding, words)
    wrong = np.argwhere(expected != found)
    if len(wrong):
        device, k = wrong[0]
        raise Mismatch(
            f"{target.name} {rounding}: code {codes[k]:#x} ({target.value(codes[k]):g}) moved by"
            f" {', '.join(f'{c:.9g}' for c in block[:3, k])}{' …' if len(block) > 3 else ''}:"
            f" expected {expected[k]:#x}, found {found[device, k]:#x}"
        )


@dataclass(frozen=True)
class Check:
    """The outcome of one check; the names are those of the JSON."""

    name: str
    """the format and rounding, or fused, edges, cloud, run"""
    ok: bool
    """true where all agrees"""
    detail: str
    """what agrees, or the first input that does not"""


def checks(device: jax.Device) -> Iterator[Check]:
    """Make every check of `device`, in turn."""
    for target in FORMATS.values():
        for rounding in get_args(Rounding):
            arithmetic = Arithmetic(target, target, rounding)
            name = f"{target.name} {rounding}"
            yield _outcome(name, partial(rounds, device, arithmetic))
    yield _outcome("fused", partial(fuses, device))
    yield _outcome("edges", partial(keeps_edges, device))
    yield _outcome("cloud", partial(draws, device))
    yield _outcome("run", partial(runs, device))


def report(device: jax.Device, found: list[Check]) -> dict[str, Any]:
    """Return the document that `drift check --json` prints."""
    return {
        "ok": all(check.ok for check in found),
        "device": {"platform": device.platform, "kind": device.device_kind},
        "checks": [asdict(check) for check in found],
    }


def check_quickly(on: jax.Device | Shards, arithmetic: Arithmetic) -> dict[str, Any]:
    """Check quickly, once a process, that devices other than the CPU can be trusted.

    Returns the attributes that a store keeps of it. Raises RuntimeError, naming the
    first differing input, where the device rounds wrongly.
    """
    shards = Shards.of(on)
    if shards.platform == "cpu":
        return {}
    looks = Arithmetic(arithmetic.view, arithmetic.view)  # how masters are rounded for the view
    steps = arithmetic._replace(decay="none", kahan=False, noise=False)
    arithmetics = [steps] if arithmetic.state == arithmetic.view else [steps, looks]
    details = [f"{one.state.name} {one.rounding}: {_quickly(shards, one)}" for one in arithmetics]
    if arithmetic.kahan or arithmetic.noise:
        details.append(f"sums: {_quickly(shards, arithmetic._replace(decay='none'))}")
    return {"check": {"ok": True, "detail": "; ".join(details)}}


@cache
def _quickly(shards: Shards, arithmetic: Arithmetic) -> str:
    try:
        if arithmetic.kahan or arithmetic.noise:
            every = [try_path(on, arithmetic, plain(on.platform)) for on in shards.devices]
            return every[0]
        return rounds(shards, arithmetic, quick=True)
    except Mismatch as wrong:
        device = shards.devices[0]
        kind = f"{device.platform} ({device.device_kind})"
        raise RuntimeError(f"{kind} does not round as it must: {wrong}; see drift check") from wrong


def _outcome(name: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(name, True, trial())
    except Mismatch as wrong:
        return Check(name, False, str(wrong))
    except jax.errors.JaxRuntimeError as error:
        return Check(name, False, f"did not run: {' '.join(str(error).split())[:300]}")
