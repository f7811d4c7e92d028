"""Expected counts against sums over every cell, and over every cloud where there are few."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binom

from drift.sim.prediction.cells import binomial
from drift.sim.prediction.cells.law import LawGrid, LawSum
from drift.sim.prediction.cells.occupancy import occupancy, rarely_shared
from drift.sim.prediction.cells.spectrum import rarely, spectrum
from drift.sim.prediction.expected import expect
from drift.sim.prediction.masses import DimensionMasses
from drift.sim.spec.drift import Drift
from tests.sim.prediction.test_predict import drawn


def law_of(dims, tokens, repeats=1):
    """The law of dimensions that are given by the masses of their classes."""
    law = LawSum(tokens)
    bounds = np.cumsum([0, *map(len, dims)])
    mass = np.concatenate(dims)
    law.add(DimensionMasses(mass, 1 - mass, bounds), np.full(len(dims), repeats))
    return law.law()


def cells_of(dims):
    found = np.ones(1)
    for mass in dims:
        found = np.outer(found, mass).ravel()
    return found


CASES = [(2, 3, 3, 1), (3, 4, 10, 0.2), (5, 3, 60, 0.2), (4, 5, 200, 1), (6, 2, 2000, 0.3)]


@pytest.mark.parametrize(("dims", "classes", "tokens", "even"), CASES)
def test_counts_are_sums_over_all_cells(dims, classes, tokens, even):
    random = np.random.default_rng(dims)
    masses = [random.dirichlet(np.full(classes, even)) for _ in range(dims)]
    law, p = law_of(masses, tokens), cells_of(masses)
    found = occupancy(law, tokens)
    distinct, alone = np.sum(1 - (1 - p) ** tokens), np.sum(tokens * p * (1 - p) ** (tokens - 1))
    both = np.clip(1 - p[:, None] - p, 0, None) ** tokens
    both -= np.outer((1 - p) ** tokens, (1 - p) ** tokens)
    np.fill_diagonal(both, 0)
    variance = np.sum((1 - p) ** tokens * (1 - (1 - p) ** tokens)) + both.sum()
    allowed = max(found.grid_error, 1e-12)
    assert found.distinct == pytest.approx(distinct, abs=allowed)
    assert found.singletons == pytest.approx(alone, abs=allowed)
    assert found.black_holes == pytest.approx(distinct - alone, abs=allowed)
    assert found.black_hole_tokens == pytest.approx(tokens - alone, abs=allowed)
    assert found.distinct_error == pytest.approx(math.sqrt(variance), rel=1e-6)
    assert found.grid_error < 1e-5
    entries = spectrum(law, tokens, found.singletons)
    assert [first for first, _, _ in entries[1:]] == [last + 1 for _, last, _ in entries[:-1]]
    assert (entries[0][0], entries[-1][1]) == (1, tokens)
    for first, last, cells in entries:
        k = np.arange(first, last + 1)
        assert cells == pytest.approx(np.sum(binom.pmf(k[:, None], tokens, p)), abs=1e-6)
    for quantile, count in (
        (0.05, found.largest_5),
        (0.5, found.largest),
        (0.95, found.largest_95),
    ):

        def chance(most):
            with np.errstate(divide="ignore"):
                return np.exp(np.sum(np.log(binom.cdf(most, tokens, p))))

        assert chance(count) >= quantile > chance(count - 1)


def test_three_tokens_in_two_dimensions_over_all_clouds_there_are():
    d = Drift(
        sigma=0.2, tokens=3, dims=2, steps=1, radius=1.0, direction="axis", format="float4_e2m1fn"
    )
    values, masses = drawn(d)
    inside = np.abs(values.astype(float)) <= 2
    values, masses = values[inside].astype(float), masses[inside]
    moved = np.array(values + 1, d.target.dtype).astype(float)
    first, second = (
        [np.sum(masses[ends == w]) for w in sorted(set(ends))] for ends in (moved, values)
    )
    cells = np.outer(first, second).ravel()
    cells = np.append(cells[cells > 1e-9], 0.0)
    sums = Counter()
    for cloud in itertools.product(range(len(cells)), repeat=3):
        chance = math.prod(cells[cell] for cell in cloud)
        sizes = Counter(cloud).values()
        for name, value in {
            "distinct": len(sizes),
            "squared": len(sizes) ** 2,
            "singletons": sum(size == 1 for size in sizes),
            "black_holes": sum(size > 1 for size in sizes),
            "black_hole_tokens": sum(size for size in sizes if size > 1),
            "three": sum(size == 3 for size in sizes),
        }.items():
            sums[name] += chance * value
    found = expect(d, [1], [d.sigma], spectra=True)[0][0]
    for name in ("distinct", "singletons", "black_holes", "black_hole_tokens"):
        assert getattr(found, name) == pytest.approx(sums[name], abs=1e-7)
    error = math.sqrt(sums["squared"] - sums["distinct"] ** 2)
    assert found.distinct_error == pytest.approx(error, abs=1e-6)
    assert found.spectrum[2] == (3, 3, pytest.approx(sums["three"], abs=1e-7))


def test_nearly_all_in_one_cell():
    law = law_of([np.array([1e-7, 1 - 1e-7])] * 40, 1000)
    found = occupancy(law, 1000)
    apart = 40 * 1e-7 * 1000
    assert found.distinct - 1 == pytest.approx(apart, rel=1e-2)
    assert found.distinct_error == pytest.approx(math.sqrt(apart), rel=1e-2)
    assert (found.largest, found.largest_95) == (1000, 1000)


def test_one_cell_and_one_token():
    law = law_of([np.ones(1)], 50)
    found = occupancy(law, 50)
    assert (found.distinct, found.distinct_error, found.singletons) == (1, 0, 0)
    assert (found.black_holes, found.black_hole_tokens, found.largest_5) == (1, 50, 50)
    assert spectrum(law, 50, 0.0)[-1] == (50, 50, 1)
    alone = occupancy(law_of([np.full(4, 0.25)], 1), 1)
    assert (alone.distinct, alone.singletons) == (pytest.approx(1), pytest.approx(1))
    assert (alone.black_holes, alone.largest_95) == (pytest.approx(0, abs=1e-15), 1)


def test_dimensions_that_are_alike_are_added_once():
    one = [np.array([0.1, 0.6, 0.3])]
    together, apart = occupancy(law_of(one, 30, 5), 30), occupancy(law_of(one * 5, 30), 30)
    assert together.distinct == pytest.approx(apart.distinct, rel=1e-7)
    assert together.distinct_error == pytest.approx(apart.distinct_error, rel=1e-6)


def test_where_nothing_is_shared_the_leading_order_is_what_the_law_gives():
    dims = [np.full(100, 0.01)] * 7
    found = occupancy(law_of(dims, 400), 400)
    pairs = 400 * 399 / 2 * 1e-14
    few = rarely_shared(pairs, 400)
    assert found.black_holes == pytest.approx(few.black_holes, rel=1e-4)
    assert found.distinct_error == pytest.approx(few.distinct_error, rel=1e-4)
    assert (few.distinct, few.largest, few.largest_95) == (400 - pairs, 1, 1)
    assert rarely(pairs, 400) == [(1, 1, 400 - 2 * pairs), (2, 2, pairs), (3, 400, 0.0)]
    assert rarely(0.0, 1) == [(1, 1, 1.0)]


def test_large_clouds_have_entries_of_several_occupancies():
    dims = [np.array([0.5, 0.3, 0.2])] * 2
    law, p = law_of(dims, 100_000), cells_of(dims)
    found = occupancy(law, 100_000)
    assert found.distinct == pytest.approx(9, abs=1e-6)
    entries = spectrum(law, 100_000, found.singletons)
    assert sum(cells for _, _, cells in entries) == pytest.approx(9, rel=1e-3)
    for first, last, cells in entries:
        wanted = np.sum(binom.cdf(last, 100_000, p) - binom.cdf(first - 1, 100_000, p))
        assert cells == pytest.approx(wanted, abs=0.02)


def test_the_grid_grows_with_the_tokens():
    assert LawGrid.fit(1) == (48 * 128, 128)
    assert LawGrid.fit(2212) == (64 * 256, 256)
    assert LawGrid.fit(10**9).per_nat == 1024


def test_binomial_probabilities_are_those_of_scipy():
    at = np.array([1e-9, 0.5, 1.0, 4.0, 30.0])
    p = np.exp(-at)
    for n in (1, 2, 50, 5000):
        for count in {1, 2, n // 2 or 1, n}:
            found = binomial.upper_tail(count, n, at)
            wanted = binom.sf(count - 1, n, p)
            np.testing.assert_allclose(found, np.where(wanted > 1e-25, wanted, found), rtol=1e-9)
    k = np.array([0, 1, 2, 7, 63])
    exact = [math.log(math.comb(1 << 21, each)) for each in k.tolist()]
    np.testing.assert_allclose(binomial.choose(1 << 21, k), exact, rtol=1e-9, atol=1e-12)
