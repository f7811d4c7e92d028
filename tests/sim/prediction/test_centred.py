"""Predictions of clouds around a centre, or of another shape, against clouds and by brute force."""

import numpy as np
import pytest
from scipy import stats

from drift.sim.clouds.centre import centre_of
from drift.sim.prediction.onset import onsets
from drift.sim.prediction.predict import predict
from drift.sim.prediction.transport import Transport
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift
from tests.support import oracle

LAWS = {"normal": stats.norm(), "laplace": stats.laplace(scale=np.sqrt(0.5))}
CASES = {
    "centre": {"sigma": 1e-5, "centre": "random:0.5"},
    "laplace": {"sigma": 1e-6, "shape": "laplace"},
    "both": {"sigma": 0.02, "centre": "random:0.2", "shape": "laplace", "format": "float8_e4m3fn"},
    "wide": {"sigma": 0.3, "centre": np.array([0.5, -0.25, 0.0, 1.0]), "format": "float8_e5m2"},
    "optimizer": {
        "sigma": 1e-3, "centre": "random:0.5", "motion": "adamw", "gradient": 1.0, "lr": 1e-4,
        "weight_decay": 0.1,
    },
    "master": {"sigma": 1e-4, "centre": "random:0.5", "master": "float32"},
}  # fmt: skip


def brute(drift, steps):
    """The chance of a pair, the radius and the stalled share at steps: every value is walked."""
    transport, c = Transport(drift), centre_of(drift)
    c = np.zeros(drift.dims) if c is None else c
    table = oracle.magnitudes(drift.format)
    values = np.concatenate([-table[:0:-1], table])
    p = 24 if drift.master == "float32" else oracle.precision(drift.format)
    middles = (values[1:] + values[:-1]) / 2
    law, motion = LAWS[drift.shape], transport._motion
    z = (middles[:, None] - c) / drift.sigma
    ends = np.full((1, drift.dims), np.inf)
    z = np.concatenate([-ends, z, ends])
    mass = np.where(z[:-1] > 0, -np.diff(law.sf(z), axis=0), np.diff(law.cdf(z), axis=0))
    values[np.abs(values) < 2.0 ** (p - 127)] = 0
    x = np.broadcast_to(values[:, None], mass.shape).astype(oracle.dtype(drift.format))
    held = x.astype(np.float32)
    found = {}
    for t in range(drift.steps + 1):
        if t:
            before, disp = held, motion.displacements(t, t)[0]
            factors = motion.factors(t, t)
            with np.errstate(over="ignore"):
                if factors is not None:
                    held = (held * factors[0]).astype(x.dtype).astype(np.float32)
                held = held + disp
                if drift.master == "none":
                    held = held.astype(x.dtype).astype(np.float32)
        if t in steps:
            seen = held.astype(x.dtype).astype(np.float64) + 0.0
            pair = 1.0
            for d in range(drift.dims):
                kept = mass[:, d] > 0
                _, where = np.unique(seen[kept, d], return_inverse=True)
                pair *= (np.bincount(where, mass[kept, d]) ** 2).sum()
            real = np.where(mass > 0, seen, 0)
            stalled = ((held == before) & (disp != 0)) if t else np.zeros(mass.shape)
            found[t] = pair, (mass * real).sum(axis=0) @ transport.u, (mass * stalled).sum()
    return found


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_those_of_every_value(name):
    drift = Drift(**{"tokens": 50, "dims": 4, "steps": 12, **CASES[name]})
    steps = [0, 1, 5, 12]
    expected = brute(drift, steps)
    for record in predict(drift, steps=steps).records:
        pair, radius, stalled = expected[record.step]
        assert record.pair_probability == pytest.approx(pair, rel=1e-9)
        assert record.radius == pytest.approx(radius, rel=1e-9, abs=1e-12)
        assert record.stalled == pytest.approx(stalled / 4, rel=1e-9, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["centre", "laplace", "both"])
def test_clouds_have_as_many_cells_as_predicted(name):
    fields = {"tokens": 300, "dims": 24, "steps": 40, "records": 2, **CASES[name]}
    if "centre" in fields:  # one centre for all seeds
        rng = np.random.default_rng(0).normal(size=24)
        fields["centre"] = 0.5 * rng / np.linalg.norm(rng)
    expected = predict(Drift(**fields), steps=[0, 20, 40]).records
    counted = [simulate(Drift(**fields, seed=seed), on="cpu").records for seed in range(24)]
    for k, record in enumerate(expected):
        mean = np.mean([records[k].distinct for records in counted])
        error = record.distinct_error / np.sqrt(24)
        assert mean == pytest.approx(record.distinct, abs=5 * error + 1e-6)


def test_the_onset_of_a_centred_cloud_is_where_one_pair_is_expected():
    drift = Drift(sigma=1e-9, tokens=40, dims=16, steps=20, centre="random:0.5", shape="laplace")
    (onset,) = onsets(drift, [20])
    fields = {**drift.as_json(), "sigma": onset}
    assert predict(Drift(**fields)).expected_pairs == pytest.approx(1, rel=1e-3)


def test_a_centre_of_zero_is_none():
    plain = Drift(sigma=1e-5, tokens=40, dims=16, steps=20)
    around = Drift(**{**plain.as_json(), "centre": np.zeros(16)})
    one, two = predict(plain), predict(around)
    assert two.expected_pairs == pytest.approx(one.expected_pairs, rel=1e-12)
    assert two.distinct == pytest.approx(one.distinct, rel=1e-9)
    assert two.onset_sigma == pytest.approx(one.onset_sigma, rel=1e-6)
    assert two.stall_steps == one.stall_steps
