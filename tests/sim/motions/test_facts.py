"""The facts that are told of a motion, against all values by ml_dtypes."""

import ml_dtypes
import numpy as np

from drift.sim.motions.facts import facts
from drift.sim.spec.drift import Drift

ADAMW = {"sigma": 1e-3, "motion": "adamw", "gradient": 1.0}


def test_decay_and_beta2_are_told_where_they_do_nothing():
    found = facts(Drift(**ADAMW, lr=3e-4, weight_decay=0.1))
    assert found[:2] == [
        "weight decay 3e-05 per step is below 2⁻⁹: it changes no bfloat16 value",
        "β2 = 0.999 never lowers v in bfloat16",
    ]
    assert "asks every coordinate with a gradient for about 0.0003" in found[2]


def test_shares_are_those_of_all_values():
    values = (np.arange(0x80, 0x7F80, dtype=np.uint16)).view(ml_dtypes.bfloat16)
    wide = values.astype(np.float32)
    lowered = np.mean((wide * np.float32(0.997)).astype(ml_dtypes.bfloat16) != values)
    assert f"for {lowered:.1%} of" in facts(Drift(**ADAMW, beta2=0.997))[0]
    assert len(facts(Drift(**ADAMW, beta2=0.99))) == 1
    changed = np.mean((wide * np.float32(1 - 0.003)).astype(ml_dtypes.bfloat16) != values)
    found = facts(Drift(sigma=1e-3, weight_decay=0.003))
    assert found == [f"weight decay 0.003 per step changes {changed:.1%} of bfloat16's values"]


def test_nothing_is_told_of_a_straight_drift():
    assert facts(Drift(sigma=1e-3)) == []
    assert facts(Drift(sigma=1e-3, weight_decay=1e-5, master="float32")) == []
