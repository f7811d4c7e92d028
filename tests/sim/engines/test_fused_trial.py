"""Which path a device takes is decided by what it does with a small cloud."""

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16, FLOAT4_E2M1FN, FLOAT32, Arithmetic
from drift.kernels.stepping.fused import Fused
from drift.sim.devices import device
from drift.sim.engines import fused_trial, reference

HARD = [
    Arithmetic(),
    Arithmetic(BFLOAT16, BFLOAT16, "stochastic"),
    Arithmetic(FLOAT4_E2M1FN, FLOAT4_E2M1FN),
    Arithmetic(FLOAT32, BFLOAT16, jitter=True),
]


class Imaginary:
    device_kind = "Imaginary"

    def __init__(self, platform):
        self.platform = platform


@pytest.mark.parametrize("arithmetic", HARD, ids=str)
def test_the_steps_are_such_as_a_drift_takes_and_hard(arithmetic):
    course = fused_trial.trial_course(arithmetic)
    c = course.displacements[: fused_trial.TAKEN]
    assert np.all((c == 0) | (np.abs(c) >= 2.0**-103))
    assert np.mean(c != 0) > 0.8
    assert np.mean(course.codes != course.expected) > 0.7
    values = arithmetic.state.value(course.expected)
    assert np.all(np.abs(values) <= arithmetic.view.largest)
    assert np.all(course.displacements[fused_trial.TAKEN :] == 0)


def test_many_sums_of_the_first_step_are_ties():
    course = fused_trial.trial_course(Arithmetic())
    sums = BFLOAT16.value(course.codes).astype(np.float32) + course.displacements[0]
    low = sums.view(np.uint32) & 0xFFFF
    for half, least in [(0x8000, 100), (0x7FFF, 20), (0x8001, 20)]:
        assert np.count_nonzero(low == half) > least


def test_a_cpu_takes_the_plain_path():
    path, why = fused_trial.fast_path(device.find_device("cpu"), Arithmetic())
    assert path == "cache"
    assert why == "there is no fused kernel for a cpu"


@pytest.mark.parametrize("platform", ["gpu", "tpu"])
def test_an_accelerator_takes_the_fused_path_where_it_is_right(monkeypatch, platform):
    asked = []
    monkeypatch.setattr(fused_trial, "try_path", lambda *given: asked.append(given) or "all agree")
    imaginary = Imaginary(platform)
    for _ in range(2):
        found = fused_trial.fast_path(imaginary, Arithmetic())
        assert found == (Fused(platform), "fused: all agree")
    assert asked == [(imaginary, Arithmetic(), Fused(platform))]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (fused_trial.Mismatch("expected 0x1, found 0x2"), "expected 0x1, found 0x2"),
        (NotImplementedError("no\n rule"), "NotImplementedError: no rule"),
    ],
)
def test_it_takes_the_plain_path_where_that_is_not_so_and_says_why(monkeypatch, error, why):
    def wrong(*given):
        raise error

    monkeypatch.setattr(fused_trial, "try_path", wrong)
    path, said = fused_trial.fast_path(Imaginary("gpu"), Arithmetic())
    assert path == "memory"
    assert said == f"plain, since the fused kernel is not right here: {why}"


@pytest.mark.slow
def test_a_difference_is_found_and_named(monkeypatch):
    original = reference.step

    def wrong(codes, *rest):
        moved = original(codes, *rest)
        moved[7, 11] = 0x3F80
        return moved

    monkeypatch.setattr(reference, "step", wrong)
    with pytest.raises(fused_trial.Mismatch, match=r"row 7, dim 11: expected 0x3f80, found 0x\w+"):
        fused_trial.try_path(device.find_device("cpu"), Arithmetic(), "cache")


@pytest.mark.slow
def test_every_plain_path_agrees():
    for path in ("cache", "memory"):
        assert (
            fused_trial.try_path(device.find_device("cpu"), Arithmetic(), path)
            == "9 steps of 37 × 600 codes agree"
        )
