"""What compiles: shapes and kinds of motion, never the numbers of a drift."""

import pytest

from sim import compilation
from sim.runs import run
from sim.spec import Drift

BASE = {"sigma": 1e-9, "tokens": 23, "dims": 19, "records": 3, "snapshots": "none"}


@pytest.mark.parametrize(
    "motion",
    [{}, {"rounding": "stochastic"}, {"master": "float32"}, {"jitter": 0.5}],
    ids=lambda motion: "".join(motion) or "plain",
)
def test_no_number_of_a_drift_compiles_anything_anew(tmp_path, motion):
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
    for number, other in enumerate(others):
        run(Drift(**BASE | motion | other), tmp_path / str(number), engine="step")
        assert compilation.compiled() == first, other
