"""What captions say, and how they are cut into lines."""

import pytest

from drift.experiments.figures.captions import axis_label, captions, in_symbols, parts, wrapped
from drift.experiments.figures.style import text_width
from drift.experiments.figures.ticks.numbers import short_values


def test_long_numbers_are_rounded_where_that_keeps_them_apart():
    assert short_values((1e-10, 3.1622776601683795e-10, 0.371)) == (1e-10, 3.16e-10, 0.371)
    assert short_values((0.371, 0.123456)) == (0.371, 0.123456)  # short enough as they are
    assert short_values((1.23412345678, 1.23456789012)) == (1.234, 1.235)
    assert len(set(short_values((1 / 3, 1 / 3 + 1e-16)))) == 2
    assert short_values((None, 5, "nearest")) == (None, 5, "nearest")


def test_long_names_lose_what_all_have():
    names = [f"/models/some/long/checkpoint-{k}000/model.safetensors" for k in (1, 20)]
    assert short_values(tuple(names)) == ("…1000/…", "…20000/…")
    assert short_values((None, *names)) == (None, "…1000/…", "…20000/…")
    assert short_values(("stochastic", "a-very-long-name-of-a-file.npy")) == (
        "stochastic",
        "a-very-long-name-of-a-file.npy",
    )
    assert short_values(("random", "toward/random")) == ("random", "toward/random")


@pytest.mark.slow
def test_lines_are_no_wider_than_they_may_be():
    said = ["$R$ = 0.371", "random direction", "mean over 5 seeds", r"$\sigma$ = 1", "x"]
    for points in (1, 80, 120, 200, 1000):
        lines = wrapped(said, points).split("\n")
        assert ",  ".join(lines).split(",  ") == said
        assert all(text_width(line) <= points or line in said for line in lines)
        if points == 1:
            assert lines == said
    assert "\n" not in wrapped(said, 1000)
    assert wrapped([], 100) == ""


def test_a_caption_has_what_is_known_and_not_usual():
    spec = {"sigma": 1e-9, "steps": 1000, "rounding": "nearest", "master": "float32", "near": None}
    assert parts(spec) == [r"$\sigma$ = $10^{-9}$", "$X$ = 1,000", "float32 master"]
    decays = [{"schedule": "exponential", "decay": decay} for decay in (0.5, 0.9)]
    assert captions(decays) == ("exponential schedule", ["decay = 0.5", "decay = 0.9"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("steps", "number of steps, $X$"),
        ("jitter", "relative spread of the step between tokens"),
        ("rounding", "rounding after each step"),
    ],
)
def test_an_axis_has_its_symbol(name, label):
    assert axis_label(name) == label


def test_a_value_is_written_as_in_captions():
    assert in_symbols("radius", 2.5e-7) == r"$R$ = $2.5 \times 10^{-7}$"
    assert in_symbols("survivors", None) == "survivors = all"
