"""The rules of a spec, each with its message, and its JSON."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sigma": 0.0}, r"sigma is 0; it must be 2\*\*-100 \(about 7.9e-31\) or more, and finite"),
        ({"sigma": math.nan}, "sigma is nan"),
        ({"sigma": math.inf}, "sigma is inf"),
        ({"sigma": 1e-31}, "sigma is 1e-31; it must be"),
        ({"radius": -0.1}, "radius is -0.1; it must be 0 or more"),
        ({"radius": math.inf}, "radius is inf"),
        ({"tokens": 0}, r"tokens is 0; it must be in 1 \.\.\. 2\*\*63"),
        ({"dims": -3}, "dims is -3"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2**63}, "steps is 9223372036854775808; it must be in 1"),
        ({"records": 0}, "records is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"direction_seed": 2**64}, "direction_seed is 18446744073709551616"),
        (
            {"format": "bf16"},
            "format is 'bf16'; it must be one of bfloat16, float16, float8",
        ),
        ({"rounding": "up"}, "rounding is 'up'; it must be one of nearest, toward-zero, stoch"),
        ({"schedule": "step"}, "schedule is 'step'; it must be one of constant, linear, cosine"),
        ({"decay": 1.0}, "decay is 1; it must be between 0 and 1"),
        ({"decay": math.nan}, "decay is nan"),
        ({"jitter": -0.1}, "jitter is -0.1; it must be in 0"),
        ({"jitter": 1e3}, "jitter is 1000"),
        ({"jitter": math.nan}, "jitter is nan"),
        ({"survivors": 0}, "survivors is 0; it must be in 1"),
        ({"survivors": 2213}, "survivors is 2213"),
        ({"master": "float64"}, "master is 'float64'; it must be one of none, float32"),
        ({"master": "float32", "rounding": "stochastic"}, "rounding is stochastic with master"),
        ({"snapshots": "all"}, "snapshots is 'all'; it must be one of none, ends, records"),
        ({"at": ()}, "at is empty"),
        ({"at": (0, 101)}, r"at names step 101; it must be in 0 \.\.\. 100"),
        ({"at": (-1, 5)}, "at names step -1"),
        ({"at": (5, 5)}, "at names step 5 twice"),
        ({"steps": 10**7, "records": 10**6}, "records is 1000000"),
    ],
)
def test_what_makes_no_sense_is_named(fields, message):
    with pytest.raises(BadInput, match=message):
        Drift(**{"sigma": 1.0, **fields})


@given(st.integers(1, 300), st.integers(1, 300))
def test_records_are_spread_evenly_and_never_repeated(steps, records):
    found = Drift(sigma=1.0, steps=steps, records=records).record_steps
    formula = {math.floor(k * steps / records + 0.5) for k in range(records + 1)}
    assert list(found) == sorted(formula)


def test_steps_that_are_named_are_the_records():
    drift = Drift(sigma=1.0, at=(7, 3), snapshots="records")
    assert drift.record_steps == drift.snapshot_steps == (3, 7)
    assert Drift(sigma=1.0).snapshot_steps == (0, 100)
    assert Drift(sigma=1.0, snapshots="none").snapshot_steps == ()
