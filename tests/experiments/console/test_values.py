"""Lists and ranges on the command line."""

import math
from fractions import Fraction

import numpy as np
import pytest
import typer
from hypothesis import assume, given
from hypothesis import strategies as st

from drift.experiments.console.values import (
    parse_counts,
    parse_counts_or_all,
    parse_names,
    parse_reals,
    spell_out,
)
from drift.sim.errors import BadInput


def values(parser, text):
    return spell_out({"sigma": parser(text)})["sigma"]


def numbers(low, high):
    """Decimals as a person writes them."""
    return st.decimals(low, high, places=12, allow_nan=False, allow_infinity=False)


@given(numbers("1e-12", "1e6"), numbers("1e-12", "1e6"), st.integers(2, 60))
def test_a_log_range_is_spaced_by_one_factor(low, high, count):
    assume(low < high)
    found = values(parse_reals, f"{low}:{high}:{count}")
    assert (found[0], found[-1], len(found)) == (float(low), float(high), count)
    np.testing.assert_allclose(found, np.geomspace(float(low), float(high), count), rtol=1e-12)
    # To the last bit: value^(n-1) is low^(n-1-k) high^k, exactly, between its two neighbours.
    for k in (count // 3, count // 2):
        power = Fraction(low) ** (count - 1 - k) * Fraction(high) ** k
        below, above = (Fraction(math.nextafter(found[k], end)) for end in (0, math.inf))
        assert below ** (count - 1) < power < above ** (count - 1)


@given(numbers("-1e6", "1e6"), numbers("-1e6", "1e6"), st.integers(2, 60))
def test_a_linear_range_is_spaced_evenly(low, high, count):
    assume(low < high)
    found = values(parse_reals, f"{low}:{high}:{count}:lin")
    a, b = Fraction(low), Fraction(high)
    assert list(found) == [float(a + (b - a) * k / (count - 1)) for k in range(count)]


@pytest.mark.slow
@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(2, 300), st.booleans())
def test_a_range_of_whole_numbers_is_rounded_and_its_repeats_merged(low, high, count, linear):
    assume(low < high)
    kind = ":lin" if linear else ""
    found = values(parse_counts, f"{low}:{high}:{count}{kind}")
    assert all(type(value) is int for value in found)
    assert list(found) == sorted(set(found))
    assert (found[0], found[-1]) == (low, high)
    exact = np.linspace(low, high, count) if linear else np.geomspace(low, high, count)
    apart = np.abs(np.array(found)[:, None] - exact[None]).min(axis=0)
    assert apart.max() <= 0.5 + 1e-6
    assert values(parse_counts_or_all, f"{low}:{high}:{count}{kind}") == found


def test_ranges_name_the_numbers_a_person_expects():
    assert values(parse_reals, "1e-10:1e-6:5") == (1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
    assert values(parse_reals, " 0.1 : 0.5 : 5 : lin") == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert values(parse_counts, "1:10000:5") == (1, 10, 100, 1000, 10000)
    assert values(parse_counts, "1:3:100") == (1, 2, 3)
    assert values(parse_counts, "1:1.4:5") == (1,)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_a_list_is_taken_as_it_is(found):
    assert values(parse_reals, ",".join(map(repr, found))) == tuple(found)


def test_lists_of_wholes_names_and_all():
    assert values(parse_counts, "1, 1e3,5") == (1, 1000, 5)
    assert values(parse_counts_or_all, "all,10") == (None, 10)
    assert values(parse_names, "axis,a:b.npy") == ("axis", "a:b.npy")


BAD = {
    "1e-6:1e-10:5": "is reversed",
    "1:1:5": "has equal bounds",
    "0:1:5": "begins at 0; bounds of a log range must be positive",
    "-1:1:5": "begins at -1",
    "1:2:1": "has n = 1; a range needs 2 values or more",
    "1:2:0": "has n = 0",
    "1:2:-3": "has n = -3",
    "1:2:2.5": "not a whole number",
    "1:2:1e8": "100,000,000 values; at most 10,000,000",
    "1:2": "is not a range",
    "1:2:3:log": "is not a range",
    "1:2:3:lin:4": "is not a range",
    "1:2:3,7": "mixes a range with other values",
    "1:inf:3": "'inf' is not a bound",
    "nan:1:3": "'nan' is not a bound",
    "1::3": "'' is not a number",
    "1,,2": "'' is not a number",
    "": "'' is not a number",
    "a": "'a' is not a number",
}


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("parser", [parse_reals, parse_counts, parse_counts_or_all])
def test_what_is_neither_list_nor_range_is_refused(parser, text):
    with pytest.raises(typer.BadParameter, match=BAD[text]):
        parser(text)


def test_huge_grids_are_refused_before_they_are_spelled_out():
    ranges = {"sigma": parse_reals("1e-9:1:10000000"), "radius": parse_reals("0.1:1:10000000")}
    with pytest.raises(BadInput, match="100,000,000,000,000 points; at most"):
        spell_out(ranges)
