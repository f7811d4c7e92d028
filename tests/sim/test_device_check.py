"""The device check: it holds here, and it finds what is wrong."""

import numpy as np
import pytest

from drift.experiments.cli import main
from drift.kernels.formats import BFLOAT16, FLOAT8_E4M3FN, FLOAT32, FORMATS, Arithmetic
from drift.sim import device_check
from drift.sim.devices import device
from drift.sim.engines import fused_trial, reference
from tests.support import oracle


@pytest.fixture
def cpu():
    return device.find_device("cpu")


@pytest.mark.slow
@pytest.mark.parametrize("target", FORMATS.values(), ids=list(FORMATS))
def test_a_quick_trial_holds_for_every_format_and_rounding(cpu, target):
    for rounding in ("nearest", "toward-zero", "stochastic"):
        held = device_check.rounds(cpu, Arithmetic(target, target, rounding), quick=True)
        assert held.endswith("sums agree")


@pytest.mark.slow
@pytest.mark.parametrize(
    "trial", [device_check.fuses, device_check.keeps_edges, device_check.draws, device_check.runs]
)
def test_the_other_trials_hold(cpu, trial):
    assert trial(cpu)


def test_there_is_a_check_for_each_format_and_rounding(cpu, monkeypatch):
    for name in ("rounds", "fuses", "keeps_edges", "draws", "runs"):
        monkeypatch.setattr(device_check, name, lambda *arguments: "held")
    found = list(device_check.checks(cpu))
    names = [f"{f} {r}" for f in FORMATS for r in ("nearest", "toward-zero", "stochastic")]
    assert [c.name for c in found] == [*names, "fused", "edges", "cloud", "run"]
    report = device_check.report(cpu, found)
    assert report["ok"] is True
    assert report["device"] == {"platform": "cpu", "kind": "cpu"}
    assert report["checks"][0] == {"name": "bfloat16 nearest", "ok": True, "detail": "held"}


def test_displacements_reach_ties_and_their_neighbours_in_every_binade():
    codes = fused_trial.codes_of(BFLOAT16)
    values = BFLOAT16.value(codes)
    ties, below, above = set(), set(), set()
    for wanted in fused_trial.displacements_of(BFLOAT16, codes, quick=False):
        c = fused_trial.fitting(BFLOAT16, codes, wanted)
        sums = values.astype(np.float32) + c
        bits = sums.view(np.uint32)
        exponents = (bits >> 23) & 0xFF
        for low_half, seen in [(0x8000, ties), (0x7FFF, below), (0x8001, above)]:
            seen.update(exponents[(bits & 0xFFFF) == low_half].tolist())
    # Sums as large as the smallest initial values at least, up to the largest values.
    for seen in (ties, below, above):
        assert seen >= set(range(127 - 96, 255))


def elided(codes, displacement, *rest, **more):
    """What a compiler makes of a step whose rounding it dropped and took up at the end."""
    return original(codes, np.nextafter(displacement, np.float32(np.inf)), *rest, **more)


original = reference.step


@pytest.mark.slow
@pytest.mark.parametrize("trial", [device_check.fuses, device_check.runs])
def test_a_difference_is_found_and_named(cpu, monkeypatch, trial):
    monkeypatch.setattr(reference, "step", elided)
    with pytest.raises(device_check.Mismatch, match=r"expected 0x.*, found 0x"):
        trial(cpu)


@pytest.mark.slow
def test_the_first_differing_input_is_named_with_both_bits(cpu, monkeypatch):
    def wrong(codes, c, target, rounding, words=None):
        moved = original(codes, c, target, rounding, words)
        moved[5] ^= 1
        return moved

    monkeypatch.setattr(reference, "step", wrong)
    codes = fused_trial.codes_of(FLOAT8_E4M3FN)
    first = next(fused_trial.displacements_of(FLOAT8_E4M3FN, codes, quick=True))
    c = fused_trial.fitting(FLOAT8_E4M3FN, codes, first)[5]
    right = int(original(codes[5:6], c, FLOAT8_E4M3FN, "nearest")[0])
    with pytest.raises(device_check.Mismatch) as raised:
        device_check.rounds(cpu, Arithmetic(FLOAT8_E4M3FN, FLOAT8_E4M3FN), quick=True)
    assert str(raised.value) == (
        f"float8_e4m3fn nearest: code {codes[5]:#x} ({FLOAT8_E4M3FN.value(codes[5]):g})"
        f" moved by {c:.9g}: expected {right ^ 1:#x}, found {right:#x}"
    )


def test_the_verb_exits_1_and_says_what_is_wrong(monkeypatch, capsys):
    def wrong(chosen):
        yield device_check.Check("fused", True, "held")
        yield device_check.Check("run", False, "expected 0x1, found 0x2")

    monkeypatch.setattr(device_check, "checks", wrong)
    assert main.outcome(["check"]) == 1
    out = capsys.readouterr().out
    assert "WRONG  run" in out
    assert "1 of 2 do not hold" in out
    assert main.outcome(["check", "--json"]) == 1
    assert '"ok": false' in capsys.readouterr().out


def test_a_device_is_checked_once_before_it_is_trusted(monkeypatch):
    asked = []
    monkeypatch.setattr(device_check, "rounds", lambda *a, **k: asked.append(a) or "held")
    device_check._quickly.cache_clear()
    device_like = Imaginary()
    for _ in range(2):
        assert device_check.check_quickly(device_like, Arithmetic()) == {
            "check": {"ok": True, "detail": "bfloat16 nearest: held"}
        }
    assert len(asked) == 1
    master = device_check.check_quickly(device_like, Arithmetic(state=FLOAT32))
    assert master["check"]["detail"] == "float32 nearest: held; bfloat16 nearest: held"
    assert len(asked) == 2


class Imaginary:
    platform, device_kind = "gpu", "Imaginary"


def test_a_device_that_rounds_wrongly_is_not_trusted(monkeypatch):
    def wrong(*arguments, **options):
        raise device_check.Mismatch("expected 0x1, found 0x2")

    monkeypatch.setattr(device_check, "rounds", wrong)
    with pytest.raises(RuntimeError, match=r"gpu \(Imaginary\) does not round as it must: exp"):
        device_check.check_quickly(Imaginary(), Arithmetic())


def test_the_shipped_words_are_the_oracles():
    key = np.array([7, 9], np.uint32)
    token, dim = np.indices((4, 6)).astype(np.uint32)
    found = reference.words(key, np.arange(4, dtype=np.uint32), 6)
    np.testing.assert_array_equal(found, oracle.threefry(7 | 9 << 32, token, dim))
