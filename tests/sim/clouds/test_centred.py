"""Clouds around a centre, and of another shape: every bit, the law of every code, bad input."""

import numpy as np
import pytest
from scipy import stats

from drift.kernels.formats import BFLOAT16, FORMATS
from drift.sim.clouds.centre import centre_of
from drift.sim.clouds.centred import CentredThresholds
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.clouds.initial import initial_cloud
from drift.sim.errors import BadInput
from drift.sim.sampling.philox import Stream, words64
from drift.sim.sampling.shapes import SHAPES
from drift.sim.sampling.thresholds import Thresholds
from drift.sim.spec.drift import Drift
from tests.support import oracle

SIGMAS = {"bfloat16": 0.02, "float16": 1e-3, "float32": 1e-6}
LAWS = {"normal": stats.norm(), "laplace": stats.laplace(scale=np.sqrt(0.5))}


@pytest.mark.parametrize("shape", LAWS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_bit_is_the_oracles(name, shape):
    for centre in ("random:1.5", np.linspace(-1, 1, 9), None):
        fields = {"sigma": SIGMAS.get(name, 0.5), "tokens": 40, "dims": 9, "format": name}
        drift = Drift(**fields, centre=centre, shape=shape)
        cloud = initial_cloud(drift)
        codes = cloud.codes(0, 40)
        np.testing.assert_array_equal(codes, oracle.bits(oracle.cloud(drift)))
        np.testing.assert_array_equal(cloud.codes(7, 19), codes[7:19])
        master = Drift(**fields, centre=centre, shape=shape, master="float32")
        held = initial_cloud(master).states(0, 40).view(np.float32).astype(float)
        np.testing.assert_array_equal(held, oracle.cloud(master).astype(float))


@pytest.mark.parametrize("shape", LAWS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_centre_of_zero_changes_nothing(name, shape):
    for sigma in (1e-9, 0.3):
        drift = Drift(sigma=sigma, tokens=50, dims=40, format=name, shape=shape)
        around = draw_cloud(drift, 0, 50, np.zeros(40))
        np.testing.assert_array_equal(draw_cloud(drift, 0, 50), around)


def test_a_centre_on_a_boundary_is_drawn_to_either_side():
    # In float64 the sum is the boundary itself, a tie; the thresholds tell the sides apart.
    drift = Drift(sigma=1e-20, tokens=200, dims=50, centre=np.full(50, 1 + 2.0**-8))
    codes, counts = np.unique(initial_cloud(drift).codes(0, 200), return_counts=True)
    assert codes.tolist() == [0x3F80, 0x3F81]
    assert abs(counts[0] - 5000) < 5 * np.sqrt(2500)


@pytest.mark.parametrize("shape", LAWS)
@pytest.mark.parametrize(("name", "sigma"), [("bfloat16", 0.01), ("float8_e4m3fn", 0.3)])
def test_every_code_has_its_probability(name, sigma, shape):
    target, centre = FORMATS[name], np.array([0.75, -1e-3, 0.0])
    table = CentredThresholds(centre, sigma, target, target.smallest_drawn, SHAPES[shape])
    drawn = np.zeros((20_000, 3), np.int64)
    drawn[...] = table.coordinates(words64(1, Stream.CLOUD, 0, drawn.size).reshape(drawn.shape))
    every = np.arange(-target.largest_magnitude, target.largest_magnitude + 2)
    values = target.value(target.code_at(every[:-1]))
    middles = (values[1:] + values[:-1]) / 2
    for dim in range(3):
        least, never = table.least_keys(every, np.full(len(every), dim))
        below = np.array(
            [1 << 64 if no else key for key, no in zip(least.tolist(), never, strict=True)]
        )
        found = np.diff([0, *below[1:-1], 1 << 64]).astype(float) / 2.0**64
        # Each from the tail that is smaller, so that scipy's numbers cancel nothing either.
        z = np.concatenate([[-np.inf], (middles - centre[dim]) / sigma, [np.inf]])
        law = LAWS[shape]
        expected = np.where(z[:-1] > 0, -np.diff(law.sf(z)), np.diff(law.cdf(z)))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=2.0**-52)
        assert found.sum() == pytest.approx(1, abs=1e-15)
        counts = np.bincount(drawn[:, dim] + target.largest_magnitude, minlength=len(found))
        expected *= len(drawn)
        several = expected >= 5
        if several.sum() > 1:
            counts = np.append(counts[several], counts[~several].sum())
            wanted = np.append(expected[several], expected[~several].sum())
            kept = wanted > 0
            chi = ((counts - wanted)[kept] ** 2 / wanted[kept]).sum()
            assert stats.chi2.sf(chi, kept.sum() - 1) > 1e-5


def test_laplaces_table_has_its_law():
    sigma, target = 0.3, BFLOAT16
    table = Thresholds(sigma, target, target.smallest_drawn, "laplace")
    coordinates = np.arange(1, target.largest_magnitude, 7)
    upper, lower = table.first_keys(coordinates)
    keys = [(int(u) << 32) | int(low) for u, low in zip(upper, lower, strict=True)]
    found = np.array([2**64 - key for key in keys], float) / 2.0**64
    values = target.value(target.code_at(np.stack([coordinates - 1, coordinates])))
    expected = LAWS["laplace"].sf(values.mean(axis=0) / sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=2.0**-62)


@pytest.mark.parametrize("shape", LAWS)
def test_a_shape_has_the_variance_of_its_sigma(shape):
    z = SHAPES[shape].numbers(words64(3, Stream.CLOUD, 0, 200_000))
    moments = {"normal": {1: 0, 2: 1, 4: 3, 8: 105}, "laplace": {1: 0, 2: 1, 4: 6, 8: 2520}}[shape]
    for k in (1, 2, 4):
        error = np.sqrt((moments[2 * k] - moments[k] ** 2) / len(z))
        assert np.mean(z**k) == pytest.approx(moments[k], abs=5 * error)
    assert stats.kstest(z, LAWS[shape].cdf).pvalue > 1e-5


def test_a_random_centre_has_its_length_and_its_own_stream():
    drift = Drift(sigma=1e-3, tokens=3, dims=500, centre="random:0.25")
    found = centre_of(drift)
    assert np.linalg.norm(found) == pytest.approx(0.25, rel=1e-14)
    assert not np.array_equal(found, centre_of(Drift(**{**drift.as_json(), "seed": 1})))
    other = centre_of(Drift(**{**drift.as_json(), "direction_seed": 1}))
    np.testing.assert_array_equal(found, other)


WRONG = {
    "a word": ({"centre": "middle"}, "centre is 'middle'; it must be random:NORM"),
    "a number": ({"centre": 3.0}, "centre is 3.0; it must be random:NORM"),
    "negative": ({"centre": "random:-1"}, "centre is random:-1; random:NORM needs a length"),
    "no length": ({"centre": "random:"}, "centre is random:; random:NORM needs a length"),
    "NaN": ({"centre": [1.0, np.nan]}, "centre holds values that are not finite"),
    "of two axes": ({"centre": np.zeros((2, 2))}, r"centre is an array of shape \(2, 2\)"),
    "too long": ({"centre": np.zeros(3)}, r"centre is an array of shape \(3,\); it must be \(2,\)"),
    "outside": ({"centre": [0.0, 500.0], "format": "float8_e4m3fn"}, "its value 500 in dim 1 is"),
    "a far draw": ({"centre": [6.0, 0.0], "format": "float4_e2m1fn", "sigma": 9.0}, "sigma is 9"),
    "no file": ({"centre": "nowhere.npy"}, "nowhere.npy: there is no such file"),
    "no checkpoint": ({"centre": "nowhere:3"}, "nowhere: there is no such file"),
    "a shape": ({"shape": "cauchy"}, "shape is 'cauchy'; it must be one of normal, laplace"),
}  # fmt: skip


def draw(**fields):
    return initial_cloud(Drift(**fields)).codes(0, 40)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_a_line(name):
    fields, said = WRONG[name]
    with pytest.raises(BadInput, match=said) as found:
        draw(**{"sigma": 1e-3, "tokens": 40, "dims": 2, **fields})
    assert "\n" not in str(found.value)
