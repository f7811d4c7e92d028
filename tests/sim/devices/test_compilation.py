"""What compiles: shapes and kinds of motion, never the numbers of a drift."""

import jax
import numpy as np
import pytest

from drift.sim.devices import compilation
from drift.sim.engines import choose
from drift.sim.runs.run import run
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift

BASE = {"sigma": 1e-9, "tokens": 23, "dims": 19, "records": 3, "snapshots": "none"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "motion",
    [{}, {"rounding": "stochastic"}, {"master": "float32"}, {"jitter": 0.5}],
    ids=lambda motion: "".join(motion) or "plain",
)
def test_no_number_of_a_drift_compiles_anything_anew(tmp_path, monkeypatch, motion):
    monkeypatch.setattr(choose, "host_engine", lambda *given: (None, ""))
    compilation.release_programs(most=0)  # not in the middle
    before = compilation.compiled()
    run(Drift(**BASE | motion), tmp_path / "first", engine="step")
    first = compilation.compiled()
    assert first > before  # the shape is this test's own
    others = [
        {"sigma": 0.02},
        {"radius": 1.5},
        {"steps": 1},
        {"steps": 321},
        {"seed": 7, "direction_seed": 8},
        {"direction": "diagonal"},
        {"schedule": "linear"},
        {"schedule": "exponential", "decay": 0.9},
        {"records": 1, "at": (3, 5, 99)},
        {"survivors": 4},
    ]
    if motion.get("jitter"):
        others.append({"jitter": 0.25})
    for other in others:
        simulate(Drift(**BASE | motion | other), engine="step")
        assert compilation.compiled() == first, other


@pytest.mark.slow
def test_our_programs_are_let_go_of_once_they_are_many():
    ours, theirs = compilation.tracked(jax.jit(lambda x: x + x)), jax.jit(lambda x: x * x)
    compilation.release_programs(most=0)
    assert compilation.programs_held() == 0
    for n in range(5):
        ours(np.zeros(n))
        theirs(np.zeros(n))
    assert compilation.programs_held() == 5
    compilation.release_programs(most=5)
    assert compilation.programs_held() == 5
    compilation.release_programs(most=4)
    assert (compilation.programs_held(), theirs._cache_size()) == (0, 5)
    before = compilation.compiled()
    ours(np.zeros(3))
    assert (compilation.compiled() - before, compilation.programs_held()) == (1, 1)
