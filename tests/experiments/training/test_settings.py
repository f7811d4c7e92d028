"""The settings of a training: what is accepted, and one line on what is not."""

import pytest

from drift.experiments.training import model
from drift.experiments.training.settings import Settings
from drift.sim.errors import BadInput

WRONG = {
    "vocabulary is 1; it must be in 2": {"vocabulary": 1},
    "vocabulary is 2.5; it must be a whole number": {"vocabulary": 2.5},
    "dead is 1.0; it must be in 0 ... 1, and leave two tokens that occur": {"dead": 1.0},
    "dead is 0.99; it must": {"dead": 0.99, "vocabulary": 20},
    "dead is nan": {"dead": float("nan")},
    "batch is 0; it must be in 1": {"batch": 0},
    "length is 0; it must be in 1": {"length": 0},
    "steps is 0; it must be in 1": {"steps": 0},
    "lr is -1.0; it must be in 1e-12 ... 1": {"lr": -1.0},
    "lr is inf": {"lr": float("inf")},
    "lr-schedule is 'step'; it must be one of constant, linear, cosine": {"lr_schedule": "step"},
    "warmup is 11; it must be in 0 ... steps": {
        "warmup": 11, "steps": 10, "record_every": 1,
    },
    "weight-decay is 2,000.0; it must be 0 or more, and 1 over the learning rate": {
        "weight_decay": 2000.0,
    },
    "beta1 is 1; it must": {"beta1": 1},
    "beta2 is -0.1; it must": {"beta2": -0.1},
    "eps is 0; it must": {"eps": 0},
    "sigma is 0; it must": {"sigma": 0},
    "arithmetic is 'float16'; it must be one of nearest, master, stochastic, kahan": {
        "arithmetic": "float16",
    },
    "seed is -1; it must": {"seed": -1},
    "seed is True; it must be a whole number": {"seed": True},
    "record-every is 0; it must": {"record_every": 0},
    "record-every is 2,000; it must be in 1 ... steps": {"record_every": 2000},
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_one_line_says_what_is_wrong(line):
    with pytest.raises(BadInput) as told:
        Settings(**WRONG[line])
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


def test_records_end_with_the_last_step():
    of = Settings(steps=25, record_every=10, warmup=0)
    assert of.record_steps == [0, 10, 20, 25]
    assert of.records == 4
    assert of.record_bytes == 4 * 512 * model.DIMS * 2
    assert Settings(steps=20, record_every=10, warmup=0).record_steps == [0, 10, 20]
    assert Settings(**of.as_json()) == of
    assert Settings(vocabulary=512, dead=0.25).live == 384
