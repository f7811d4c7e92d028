"""The normal distribution against high precision."""

import math
from statistics import NormalDist

import numpy as np

from drift.sim.sampling.normal import exp, log, masses, upper_quantile


def test_exp_and_log_agree_with_the_libm_to_a_few_ulps():
    x = np.linspace(-700, 0, 20_001)
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=1e-15)
    y = np.exp(np.linspace(-690, 0, 20_001))
    np.testing.assert_allclose(log(y), np.log(y), rtol=1e-15, atol=1e-16)


def test_masses_agree_with_erf_and_erfc():
    z = np.concatenate([np.linspace(0, 10, 5_001), 10.0 ** np.linspace(-25, 0, 501)])
    inside, outside = masses(z)
    expected_inside = [math.erf(x / math.sqrt(2)) for x in z]
    expected_outside = [math.erfc(x / math.sqrt(2)) for x in z]
    np.testing.assert_allclose(inside, expected_inside, rtol=1e-13)
    np.testing.assert_allclose(outside, expected_outside, rtol=1e-13)


def test_tails_are_right_at_ten_sigma():
    _, outside = masses(np.array([10.0]))
    # 2 * (1 - Phi(10)), Abramowitz & Stegun table 26.2 and many others
    np.testing.assert_allclose(outside, 2 * 7.61985302416052606597e-24, rtol=1e-13)


def test_the_quantile_agrees_with_the_standard_library():
    tails = np.concatenate([np.linspace(1e-4, 0.5, 2_001), 10.0 ** np.linspace(-290, -4, 501)])
    expected = [-NormalDist().inv_cdf(t) for t in tails]
    np.testing.assert_allclose(upper_quantile(tails), expected, rtol=2e-15, atol=2e-15)
