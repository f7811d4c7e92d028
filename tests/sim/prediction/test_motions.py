"""Predictions of motions and of decay: where every drawable value goes is where engines take it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import drift
from drift.sim.engines import reference
from drift.sim.prediction.transport import Transport
from drift.sim.spec.drift import Drift

SHAPE = {"sigma": 0.02, "tokens": 50, "dims": 3, "format": "float8_e5m2"}
TABLE = (np.random.default_rng(0).standard_normal((20, 3)) * 0.01).astype(np.float32)
KINDS = {
    "a table": {"motion": TABLE},
    "a table and decay": {"motion": TABLE, "weight_decay": 0.05},
    "fused": {"motion": TABLE, "weight_decay": 0.05, "fused": True},
    "straight and decay": {"steps": 20, "weight_decay": 0.2},
    "a master and decay": {"motion": TABLE, "weight_decay": 0.05, "master": "float32"},
    "adamw": {"motion": "adamw", "gradient": 0.3, "lr": 0.01, "steps": 20, "state": "float32"},
    "sgd": {"motion": "sgd", "gradient": 0.3, "lr": 0.1, "steps": 20, "momentum": 0.9},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_drawable_value_goes_where_a_step_takes_it(name):
    d = Drift(**{**SHAPE, **KINDS[name]})
    transport, steps = Transport(d), [1, 7, 20]
    target, state = d.target, d.arithmetic.state
    values = target.value(target.code_of_rank(transport._drawable()))
    motion = transport._motion
    with ThreadPoolExecutor(1) as pool:
        strips = list(transport.strips(steps, pool))
    assert len(strips) == 1
    codes = state.code(np.tile(values[:, None], (1, len(transport._dims))))
    for t in range(1, 21):
        factors, decay = motion.factors(t, t), None
        if factors is not None:
            decay = reference.Decayed(factors[0], d.fused)
        c = motion.displacements(t, t, transport._dims)
        codes = reference.step(codes, c, state, d.rounding, decay=decay)
        if t in steps:
            seen = reference.round_to(state.value(codes).astype(np.float32), target, "nearest")
            ranks = target.rank_of(np.where(seen == target.sign, 0, seen).astype(target.storage))
            found = strips[0][1][steps.index(t)].classes
            ends = np.append(found.first_value, ranks.size)
            moved = np.repeat(found.values, np.diff(ends)).reshape(ranks.T.shape)
            np.testing.assert_array_equal(moved, ranks.T)


def test_a_prediction_of_adamw_is_met_by_clouds():
    fields = {"tokens": 60, "dims": 8, "sigma": 1e-4, "steps": 30, "direction": "diagonal"}
    d = Drift(**fields, motion="adamw", gradient=1.0, lr=1e-3, weight_decay=0.01)
    expected = drift.predict(d)
    pairs = [
        drift.simulate(Drift(**{**d.as_json(), "seed": seed}), on="cpu").final.pairs
        for seed in range(8)
    ]
    error = expected.pairs_error / np.sqrt(len(pairs))
    assert abs(np.mean(pairs) - expected.expected_pairs) < 5 * error + 1e-6
    assert len(expected.stall_steps) == 8


def test_what_has_no_form_is_refused():
    d = Drift(**SHAPE, rounding="toward-zero", weight_decay=0.1)
    with pytest.raises(drift.BadInput, match="no exact form is implemented for weight decay"):
        drift.predict(d)
