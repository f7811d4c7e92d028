"""Clouds that start collapsed are said to; others are not."""

import re

import numpy as np
import pytest

from drift.sim.clouds.initial import initial_cloud
from drift.sim.prediction.collapsed import collapsed_note
from drift.sim.spec.drift import Drift

SHAPE = {"tokens": 50, "dims": 64}
COLLAPSED = {
    "float8": {"sigma": 1e-8, "format": "float8_e5m2"},
    "float4": {"sigma": 0.01, "format": "float4_e2m1fn"},
    "around a centre": {"sigma": 1e-9, "centre": "random:0.5"},
    "float32": {"sigma": 1e-12, "format": "float32", "centre": "random:1"},
    "laplace": {"sigma": 1e-6, "format": "float8_e4m3fn", "shape": "laplace"},
    "an optimizer": {"sigma": 1e-8, "format": "float8_e5m2", "motion": "sgd", "gradient": 1.0},
    "at the end": {"sigma": 1e-3, "format": "float4_e2m1fn", "centre": np.full(64, 6.0)},
}
SPREAD = [
    {"sigma": 1e-9},
    {"sigma": 1e-30},
    {"sigma": 1e-3, "format": "float8_e5m2"},
    {"sigma": 1e-3, "centre": "random:0.5"},
    {"sigma": 1e-9, "centre": np.full(64, 1 + 2.0**-8)},  # on boundaries: half to either side
]


@pytest.mark.parametrize("name", COLLAPSED)
def test_a_collapsed_cloud_is_told_with_a_sigma_that_spreads_it(name):
    drift = Drift(**SHAPE, **COLLAPSED[name])
    said = collapsed_note(drift)
    assert len(np.unique(initial_cloud(drift).codes(0, 50), axis=0)) == 1
    assert "all tokens start in one cell" in said
    apart = float(re.search(r"values are (\S+) apart", said)[1])
    there = float(re.search(r"about (\S+) in a dimension", said)[1])
    assert apart == pytest.approx(float(drift.target.ulp(np.array(there))), rel=0.05)


@pytest.mark.parametrize("fields", SPREAD, ids=str)
def test_a_cloud_that_is_spread_is_not(fields):
    drift = Drift(**SHAPE, **fields)
    assert collapsed_note(drift) == ""
    assert len(np.unique(initial_cloud(drift).codes(0, 50), axis=0)) > 25
