"""The prediction of one drift, as the library gives it."""

import dataclasses
import json
import math

import pytest

from drift import BadInput, Drift, Origin, predict
from drift.sim.prediction.expected import expect
from drift.sim.prediction.onset import onsets
from drift.sim.prediction.stalling import stall_steps

SMALL = Drift(sigma=1e-5, tokens=60, dims=8, steps=20, survivors=11)


def test_it_says_what_each_part_says_and_follows_the_sigmas_as_they_are_given():
    sigmas = [1e-3, 1e-5, 1e-7, 1e-5]
    found = predict(SMALL, sigmas)
    assert [point.sigma for point in found.curve] == sigmas
    for point, (expected,) in zip(found.curve, expect(SMALL, [20], sigmas, True), strict=True):
        assert point.expected_pairs == expected.pairs
        assert point.pairs_error == expected.pairs_error
        assert point.log_pair_probability == expected.log_pair_probability
        assert point.pair_probability == math.exp(expected.log_pair_probability)
        assert (point.radius, point.stalled) == (expected.radius, expected.stalled)
        for name in ("distinct", "distinct_error", "singletons", "black_holes", "largest_95"):
            assert getattr(point, name) == getattr(expected, name)
        assert (point.step, point.alive, point.spectrum) == (20, 11, expected.spectrum)
    mine = {field.name: getattr(found, field.name) for field in dataclasses.fields(found.curve[1])}
    assert mine == dataclasses.asdict(found.curve[1])
    assert found.alive == 11
    assert found.onset_sigma == onsets(SMALL, [20])[0]
    assert found.stall_steps == stall_steps(SMALL)


def test_alone_it_is_the_drifts_own_sigma_and_plain_json():
    found = predict(SMALL)
    assert [point.sigma for point in found.curve] == [1e-5]
    assert found.expected_pairs == predict(SMALL, [1e-3]).expected_pairs
    assert json.loads(json.dumps(found.as_json())) == found.as_json()
    point = found.as_json()["curve"][0]
    assert point == {name: found.as_json()[name] for name in point}


def test_records_are_what_is_expected_after_each_step_that_is_asked_for():
    found = predict(SMALL, [1e-5, 1e-6], steps=[0, 7, 20])
    for point in (found, *found.curve):
        assert [record.step for record in point.records] == [0, 7, 20]
        assert [record.alive for record in point.records] == [60, 43, 11]
        assert point.records[-1].distinct == point.distinct
        alone = expect(SMALL, [7], [point.sigma])[0][0]
        assert point.records[1].distinct == pytest.approx(alone.distinct, rel=1e-9)
    assert predict(SMALL).records == []
    for steps, message in (([-1], "at names step -1"), ([21], "step 21"), ([3, 3], "3 twice")):
        with pytest.raises(BadInput, match=message):
            predict(SMALL, steps=steps)


BAD = {
    "stochastic": ({"rounding": "stochastic"}, [], "no exact form .* for stochastic rounding"),
    "jitter": ({"jitter": 0.1}, [], "no exact form is implemented for jitter"),
    "rows": (
        {"sigma": None, "origin": Origin(path="a", tensor="b")},
        [],
        "a checkpoint's",
    ),
    "a sigma": ({}, [-1.0], "sigma is -1"),
    "a sigma out of range": ({}, [2e38], "a drift of sigma 2e.38 would more likely"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_prediction_is_refused_in_a_line(name):
    fields, sigmas, message = BAD[name]
    with pytest.raises(BadInput, match=message) as caught:
        predict(dataclasses.replace(SMALL, **fields), sigmas)
    assert "\n" not in str(caught.value)
