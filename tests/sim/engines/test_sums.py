"""Compensated sums and noise: every bit against plain NumPy, by every engine and in any chunks."""

import re
from dataclasses import replace

import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.sim.engines import choose, reference
from drift.sim.engines.range_check import check_range
from drift.sim.errors import BadInput
from drift.sim.motions.make import motion_of
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import keys
from tests.support import oracle
from tests.support.drifts import assert_equal_states, states

SMALL = {"tokens": 24, "dims": 5, "steps": 30, "radius": 0.371}
SIGMAS = {"bfloat16": 1e-3, "float16": 1e-3, "float32": 1e-6, "float4_e2m1fn": 0.5}


def assert_the_oracles(drift, engine, **how):
    u, found = states(drift, engine=engine, **how)
    held, clouds = oracle.walk(drift, u)
    for step, (counts, populations, codes) in enumerate(found):
        np.testing.assert_array_equal(codes, oracle.bits(clouds[step]))
        expected = oracle.counts(drift, held, clouds, step, u)
        there = clouds[step][oracle.present(drift, step)]
        assert populations.tolist() == [n for n in oracle.occupancies(there) if n > 1]
        got = counts.as_json()
        for name in ("stalled", "distinct", "largest", "pairs", "alive"):
            assert got[name] == expected[name], (step, name)
        if step:
            before, after = held[step - 1].astype(float), held[step].astype(float)
            changed = (before != after)[oracle.present(drift, step)]
            assert got["moved"] == np.count_nonzero(changed) / changed.size
    return found


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rounding", ["nearest", "toward-zero"])
def test_compensated_sums_on_the_host_are_the_oracles(name, rounding):
    drift = Drift(
        **{**SMALL, "sigma": SIGMAS.get(name, 0.05)}, kahan=True, format=name, rounding=rounding
    )
    if rounding == "nearest" or name in ("bfloat16", "float32"):
        assert_the_oracles(drift, "host")


MOTIONS = {
    "kahan": {"kahan": True, "schedule": "cosine", "survivors": 7},
    "kahan, float32": {"kahan": True, "format": "float32", "sigma": 1e-8},
    "noise": {"noise": 2.0, "format": "float8_e5m2", "sigma": 0.05},
    "all": {"kahan": True, "noise": 0.5, "jitter": 0.3, "rounding": "stochastic"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MOTIONS)
def test_every_bit_on_a_device_is_the_oracles_in_any_chunks(name):
    drift = Drift(**{"sigma": 1e-3, **SMALL, **MOTIONS[name]})
    found = assert_the_oracles(drift, "step")
    assert_equal_states(found, states(drift, 40, 3)[1])
    if not drift.noise:
        assert_equal_states(found, states(drift, engine="host")[1])


def test_a_compensated_sum_arrives_where_a_plain_one_stalls():
    plain = Drift(sigma=1e-3, tokens=8, dims=16, steps=5000, radius=2.0)
    last = [5000]
    stalled = states(plain, engine="host", steps=last)[1][-1][0].radius
    arrived = states(replace(plain, kahan=True), engine="host", steps=last)[1][-1][0].radius
    assert stalled < 0.8 * plain.radius
    # Each of 16 coordinates is within half a last place, 2**-9 of itself.
    assert arrived == pytest.approx(plain.radius, rel=2.0**-8)


def test_tokens_of_one_cell_that_keep_other_compensations_part_again():
    # Both round to 256 at once; what is kept of each takes them to other values later.
    x = np.array([[255.0], [256.0]], np.float32)
    k = np.zeros_like(x)
    apart = []
    for _ in range(6):
        x, k = oracle.compensated(x, k, np.float32(0.75), "bfloat16", "nearest")
        apart.append(float(x[1, 0] - x[0, 0]))
    assert 0.0 in apart[:-1]
    first = apart.index(0.0)
    assert any(each for each in apart[first:])


@pytest.mark.slow
def test_rest_of_a_compensated_sum_is_of_value_and_compensation():
    # The last steps are below a half of a last place: values rest, and compensations do not.
    drift = Drift(
        sigma=1e-3, tokens=3, dims=2, steps=2000, radius=0.5, direction="diagonal", kahan=True
    )
    steps = [1, 2, 500, 2000]
    host, device = (states(drift, engine=engine, steps=steps)[1] for engine in ("host", "step"))
    assert_equal_states(host, device)
    assert host[-1][0].radius == pytest.approx(0.5, rel=0.01)
    # Here neither moves: a compensation of float8 holds no part of such a step.
    resting = replace(drift, format="float8_e5m2", sigma=1.0, radius=1e-3, steps=10**9)
    steps = [0, 1, 10**9]
    host, device = (states(resting, engine=each, steps=steps)[1] for each in ("host", "step"))
    assert_equal_states(host, device)


def test_what_is_refused_says_why_in_a_line():
    with pytest.raises(BadInput, match=r"^kahan is on with master float32; each keeps"):
        Drift(sigma=1e-3, kahan=True, master="float32")
    for fields, found in (({"kahan": True}, "compensated sums"), ({"noise": 1.0}, "noise")):
        drift = Drift(sigma=1e-3, **fields)
        assert found in choose.leap_unsupported_reason(drift)
        assert not choose.has_monotone_steps(drift)
    for wrong in (-1, 1e7, float("nan"), "much"):
        with pytest.raises(BadInput, match="noise is "):
            Drift(sigma=1e-3, noise=wrong)
    with pytest.raises(BadInput, match="kahan is 2"):
        Drift(sigma=1e-3, kahan=2)


def refusal(drift, extent):
    """What the range check says of a drift; None where it lets it through."""
    try:
        check_range(motion_of(drift), extent, 1.0, lambda: np.stack([-extent, extent]))
    except BadInput as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("name", ["float4_e2m1fn", "float8_e4m3fn", "float16"])
@pytest.mark.parametrize("own", [{"kahan": True}, {"noise": 1.0}])
def test_no_drift_that_is_let_through_leaves_the_range(name, own):
    target, let, rng = FORMATS[name], 0, np.random.default_rng(0)
    for _ in range(60):
        radius = float(rng.uniform(0.02, 1.2)) * target.largest
        drift = Drift(
            sigma=1.0, tokens=1, dims=1, direction="axis", format=name, radius=radius,
            steps=int(rng.integers(1, 40)), seed=int(rng.integers(99)), **own,
        )  # fmt: skip
        start = float(rng.choice(target.magnitudes()[:-1]))
        extent = np.array([start])
        if (said := refusal(drift, extent)) is not None:
            assert re.search(r"(the largest radius that fits is|any radius up to) \S+", said)
            assert start + 2 * (1 + 4.4) * radius > target.largest
            continue
        let += 1
        motion = motion_of(drift)
        held = target.code(np.array([[start]])), np.zeros((1, 1), target.storage)
        move = reference._mover(drift, motion, (np.arange(1), np.arange(1)))
        for t in range(1, drift.steps + 1):
            held = move(held, t)
            assert target.finite(held[0]).all()
            assert target.finite(held[1]).all()
    assert let > 5


def test_noise_has_a_stream_of_its_own():
    drift = Drift(sigma=1.0)
    from drift.sim.sampling.philox import Stream

    assert not np.array_equal(keys(drift, 1, 5), keys(drift, 1, 5, Stream.NOISE))
    np.testing.assert_array_equal(
        keys(drift, 3, 5, Stream.NOISE), keys(drift, 1, 5, Stream.NOISE)[2:]
    )
