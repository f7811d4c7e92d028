import gfloat
import gfloat.formats
import jax
import numpy as np
import pytest

from drift.kernels.formats import FLOAT32, FORMATS
from drift.kernels.rounding import merge_zeros, quantise, widen
from drift.sim.engines import reference
from tests.support import oracle
from tests.support.kernel_cases import finite

EACH = pytest.mark.parametrize("target", FORMATS.values(), ids=list(FORMATS))
ROUNDED = [each for each in FORMATS.values() if each is not FLOAT32]
EACH_ROUNDED = pytest.mark.parametrize("target", ROUNDED, ids=[each.name for each in ROUNDED])

SIZES = 1 << 16, 1 << 21
GFLOAT = {
    "bfloat16": gfloat.formats.format_info_bfloat16,
    "float16": gfloat.formats.format_info_binary16,
    "float8_e4m3fn": gfloat.formats.format_info_ocp_e4m3,
    "float8_e5m2": gfloat.formats.format_info_ocp_e5m2,
    "float4_e2m1fn": gfloat.formats.format_info_ocp_e2m1,
}


def probes(target):
    """float32 values on, at midpoints of, at eighths of and just beside every cell's parts."""
    magnitudes = np.arange(target.largest_magnitude, dtype=np.int64)
    low, high = target.value(magnitudes), target.value(magnitudes + 1)
    parts = [low + (high - low) * (k / 8) for k in range(9)]
    exact = np.unique(np.concatenate(parts).astype(np.float32))
    exact = np.concatenate([exact, np.float32([2.0**-119, 1e-30, 3e-9])])
    beside = [np.nextafter(exact, np.float32(0)), np.nextafter(exact, np.float32(np.inf))]
    both = np.unique(np.concatenate([exact, *beside]))
    # No float32 subnormal arises in a drift, and nothing beyond the largest value.
    both = both[(both == 0) | ((both >= 2.0**-119) & (both <= target.largest))]
    return np.concatenate([both, -both])


def sized(values):
    """The values again and again, up to one of two sizes: for each what is called is compiled."""
    return np.resize(values, next(size for size in SIZES if size >= len(values)))


def random_words(count):
    return np.random.default_rng(3).integers(0, 2**32, count, dtype=np.uint32)


@pytest.mark.slow
@EACH
def test_widening_gives_the_value(target):
    codes = finite(target)
    values = target.value(codes)
    normal = (values == 0) | (np.abs(values) >= 2.0**-126)
    found = np.asarray(widen(codes, target))
    np.testing.assert_array_equal(found[normal], values[normal])
    np.testing.assert_array_equal(np.signbit(found), np.signbit(values))


@pytest.mark.slow
@EACH
def test_values_of_the_lattice_stay(target):
    codes = finite(target)
    values = target.value(codes)
    safe = (values == 0) | (np.abs(values) >= 2.0**-126)
    codes, values = codes[safe], values[safe].astype(np.float32)
    for rounding in ("nearest", "toward-zero", "stochastic"):
        words = np.zeros_like(sized(values), np.uint32)
        found = quantise(sized(values), target, rounding, words)
        np.testing.assert_array_equal(found, sized(codes))


@pytest.mark.slow
@EACH_ROUNDED
@pytest.mark.parametrize("rounding", ["nearest", "toward-zero", "stochastic"])
def test_all_roundings_agree_with_the_oracle_and_the_shipped_reference(target, rounding):
    values = probes(target)
    words = random_words(len(values))
    expected = oracle.bits(oracle.quantise(values, target.name, rounding, words))
    np.testing.assert_array_equal(reference.round_to(values, target, rounding, words), expected)
    for compiled in (quantise, jax.jit(quantise, static_argnums=(1, 2))):
        found = compiled(sized(values), target, rounding, sized(words))
        np.testing.assert_array_equal(found, sized(expected))


@pytest.mark.slow
@EACH_ROUNDED
def test_all_roundings_agree_with_gfloat(target):
    values = probes(target)
    keep = np.random.default_rng(5).choice(len(values), min(len(values), 8_000), replace=False)
    values, words = values[keep], random_words(len(keep))
    info = GFLOAT[target.name]
    modes = {
        "nearest": gfloat.RoundMode.TiesToEven,
        "toward-zero": gfloat.RoundMode.TowardZero,
        "stochastic": gfloat.RoundMode.StochasticFast,
    }
    for rounding, mode in modes.items():
        stochastic = {}
        if rounding == "stochastic":
            # gfloat rounds up where floor(2**n fraction) + bits reaches 2**n: bits reversed.
            stochastic = {"srbits": (2**32 - 1) - words.astype(np.int64), "srnumbits": 32}
        expected = gfloat.round_ndarray(
            info, values.astype(np.float64), mode, sat=True, **stochastic
        )
        found = target.value(np.asarray(quantise(values, target, rounding, words)))
        wrong = np.flatnonzero(found != expected)
        if rounding == "stochastic" and len(wrong):
            # It looks at the fraction's first 32 bits; below that ours still has one word in 2**32.
            assert np.all(words[wrong] == 0)
        else:
            assert len(wrong) == 0, values[wrong[:5]]


@pytest.mark.slow
@EACH_ROUNDED
def test_stochastic_rounding_goes_up_below_the_threshold_and_only_there(target):
    magnitudes = np.arange(target.largest_magnitude, dtype=np.int64)
    low, high = target.value(magnitudes), target.value(magnitudes + 1)
    for eighths in range(1, 8):
        values = (low + (high - low) * (eighths / 8)).astype(np.float32)
        safe = (np.abs(values) >= 2.0**-119) & (low + (high - low) * (eighths / 8) == values)
        for word, up in [(eighths * 2**29 - 1, 1), (eighths * 2**29, 0)]:
            words = np.full_like(sized(values), word, np.uint32)
            found = quantise(sized(values[safe]), target, "stochastic", words)
            np.testing.assert_array_equal(found, sized(magnitudes[safe] + up))


@pytest.mark.slow
@EACH_ROUNDED
def test_tiny_values_round_up_for_the_one_word_that_says_so(target):
    tiny = np.float32([2.0**-119, -(2.0**-119)])
    if target.smallest_exponent == -126:
        return  # it is a value of the format
    found = quantise(tiny, target, "stochastic", np.zeros(2, np.uint32))
    np.testing.assert_array_equal(found, [1, 1 | target.sign])
    found = quantise(tiny, target, "stochastic", np.ones(2, np.uint32))
    np.testing.assert_array_equal(found, [0, target.sign])


@pytest.mark.slow
@EACH_ROUNDED
def test_stochastic_rounding_stops_at_the_largest_value(target):
    for factor in (1 + 2.0**-9, 1.5, 100.0):
        beyond = np.minimum(target.largest * factor, FLOAT32.largest).astype(np.float32)
        for word in (0, 2**32 - 1):
            words = np.full(1, word, np.uint32)
            found = int(quantise(np.array([beyond]), target, "stochastic", words)[0])
            assert found == target.largest_magnitude
            found = int(reference.round_to(np.array([beyond]), target, "stochastic", words)[0])
            assert found == target.largest_magnitude


@EACH
def test_zeros_merge_and_nothing_else(target):
    codes = finite(target)
    merged = np.asarray(merge_zeros(codes, target))
    assert merged[codes == target.sign].tolist() == [0]
    other = codes != target.sign
    np.testing.assert_array_equal(merged[other], codes[other])


def test_bfloat16_addition_is_pytorchs():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal(100_000).astype(np.float32)).to(torch.bfloat16)
    c = torch.from_numpy((rng.standard_normal(100_000) * 1e-2).astype(np.float32)).to(
        torch.bfloat16
    )
    expected = (x + c).view(torch.uint16).numpy()
    exact = x.to(torch.float32).numpy() + c.to(torch.float32).numpy()
    np.testing.assert_array_equal(quantise(exact, FORMATS["bfloat16"], "nearest"), expected)
