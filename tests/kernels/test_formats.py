import ml_dtypes
import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from tests.support import oracle
from tests.support.kernel_cases import finite

SMALL = [each for each in FORMATS.values() if each.width <= 16]


def names(formats):
    return [each.name for each in formats]


@pytest.mark.parametrize("target", FORMATS.values(), ids=names(FORMATS.values()))
def test_codes_and_values_are_those_of_ml_dtypes(target):
    codes = finite(target)
    values = codes.view(oracle.dtype(target.name)).astype(np.float64)
    np.testing.assert_array_equal(target.value(codes), values)
    np.testing.assert_array_equal(np.signbit(target.value(codes)), np.signbit(values))
    np.testing.assert_array_equal(target.code(values), codes)
    info = ml_dtypes.finfo(oracle.dtype(target.name))
    assert target.largest == float(info.max)
    assert target.precision == info.nmant + 1
    assert 2.0**target.smallest_exponent == float(info.smallest_normal)


@pytest.mark.parametrize("target", SMALL, ids=names(SMALL))
def test_coordinates_are_ranks_and_every_finite_code_has_one(target):
    codes = finite(target)
    values = codes.view(oracle.dtype(target.name)).astype(np.float64) + 0.0
    ranks = {value: k for k, value in enumerate(sorted(set(values.tolist())))}
    expected = [ranks[value] - ranks[0.0] for value in values.tolist()]
    assert target.coordinate(codes).tolist() == expected
    again = target.code_at(target.coordinate(codes))
    np.testing.assert_array_equal(again, np.where(codes == target.sign, 0, codes))
    bits = np.arange(1 << target.width, dtype=target.storage)
    with np.errstate(invalid="ignore"):
        decoded = bits.view(oracle.dtype(target.name)).astype(np.float64)
    assert set(codes.tolist()) == set(bits[np.isfinite(decoded)].tolist())


@pytest.mark.parametrize("target", FORMATS.values(), ids=names(FORMATS.values()))
def test_ordinals_are_coordinates_that_fit_a_code(target):
    codes = finite(target)
    ordinals = target.ordinal(codes)
    assert ordinals.dtype == codes.dtype
    expected = target.coordinate(codes) + (1 << (target.width - 1))
    np.testing.assert_array_equal(ordinals, expected)


@pytest.mark.parametrize("target", FORMATS.values(), ids=names(FORMATS.values()))
def test_the_ulp_is_the_distance_to_the_next_value(target):
    magnitudes = finite(target)
    magnitudes = magnitudes[magnitudes < target.largest_magnitude].astype(np.int64)
    steps = target.value(magnitudes + 1) - target.value(magnitudes)
    np.testing.assert_array_equal(target.ulp(target.value(magnitudes)), steps)
    np.testing.assert_array_equal(target.ulp(-target.value(magnitudes)), steps)
    # By formula: 2**(1 - precision) of the binade, and never below the first binade's.
    binades = 2.0 ** np.floor(np.log2(np.maximum(target.value(magnitudes), 2.0**-149)))
    floor = 2.0**target.smallest_exponent
    np.testing.assert_array_equal(steps, np.maximum(binades, floor) * 2.0 ** (1 - target.precision))


@pytest.mark.parametrize("target", SMALL, ids=names(SMALL))
def test_places_are_in_the_order_of_values_with_minus_zero_below_plus_zero(target):
    codes = np.arange(1 << target.width).astype(target.storage)
    ranks = target.rank_of(codes)
    assert ranks.dtype == target.storage
    assert sorted(ranks.tolist()) == codes.tolist()
    np.testing.assert_array_equal(target.code_of_rank(ranks), codes)
    assert ranks[target.sign] == ranks[0] - 1
    rising = finite(target)[np.argsort(target.rank_of(finite(target)))]
    assert np.all(np.diff(target.coordinate(rising)) >= 0)


@pytest.mark.parametrize("target", FORMATS.values(), ids=names(FORMATS.values()))
def test_extremes_are_the_first_and_the_last_by_value_with_minus_zero_below_plus_zero(target):
    rng, every = np.random.default_rng(0), finite(target)
    zeros = np.array([[0], [target.sign]], target.storage)
    for rows, some in ((1, every), (7, every), (5, every[every < target.sign])):
        codes = rng.choice(some, (rows, 40))
        for columns in (codes, codes | zeros[1], np.resize(zeros, (rows, 1))):
            ranks = np.sort(target.rank_of(columns), axis=0)
            expected = target.code_of_rank(ranks[[0, -1]])
            np.testing.assert_array_equal(target.extremes(columns), expected)


@pytest.mark.parametrize("target", SMALL, ids=names(SMALL))
def test_what_is_finite_is_finite_to_ml_dtypes(target):
    codes = np.arange(1 << target.width).astype(target.storage)
    values = codes.view(oracle.dtype(target.name))
    np.testing.assert_array_equal(target.finite(codes), np.isfinite(values.astype(np.float32)))
