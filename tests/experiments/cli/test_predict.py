"""`drift predict` on the command line."""

import json
import math

import pytest

from drift.experiments.tables.predict import stalls
from drift.experiments.tables.spectrum import octaves
from drift.sim.prediction.predict import expect, onsets
from drift.sim.spec.drift import Drift
from tests.support.run_cli import drift

SMALL = ["predict", "--tokens", "60", "--dims", "8", "--steps", "20"]
SAME = Drift(sigma=1e-5, tokens=60, dims=8, steps=20)


@pytest.mark.slow
def test_json_is_one_document_with_the_promised_keys(capsys):
    status, out, err = drift(capsys, *SMALL, "--sigma", "1e-5", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    expected = expect(SAME, [20], [1e-5])[0][0]
    assert found["expected_pairs"] == expected.pairs
    assert found["pairs_error"] == expected.pairs_error
    assert found["log_pair_probability"] == expected.log_pair_probability
    assert found["pair_probability"] == math.exp(expected.log_pair_probability)
    assert (found["radius"], found["stalled"]) == (expected.radius, expected.stalled)
    assert found["onset_sigma"] == onsets(SAME, [20])[0]
    assert (found["alive"], len(found["stall_steps"])) == (60, 8)
    assert [(at["sigma"], at["expected_pairs"]) for at in found["curve"]] == [
        (1e-5, expected.pairs)
    ]


def test_several_sigmas_make_a_curve_and_nothing_is_said_of_one(capsys):
    status, out, _ = drift(capsys, *SMALL, "--sigma", "1e-7:1e-3:3", "--json")
    assert status == 0
    found = json.loads(out)
    assert [point["sigma"] for point in found["curve"]] == [1e-7, 1e-5, 1e-3]
    pairs = [row[0].pairs for row in expect(SAME, [20], [1e-7, 1e-5, 1e-3])]
    assert [point["expected_pairs"] for point in found["curve"]] == pairs
    assert pairs[0] > pairs[1] > 1 > pairs[2]
    for name in ("expected_pairs", "pair_probability", "log_pair_probability", "radius"):
        assert found[name] is None
    assert 1e-7 < found["onset_sigma"] < 1e-3


@pytest.mark.slow
def test_every_option_that_matters_is_taken(capsys):
    options = ["--radius", "0.1", "--direction", "diagonal"]
    options += ["--format", "float16", "--rounding", "toward-zero", "--schedule", "exponential"]
    options += ["--decay", "0.9", "--survivors", "10", "--sigma", "1e-5", "--json"]
    found = json.loads(drift(capsys, *SMALL, *options)[1])
    same = Drift(
        sigma=1e-5, tokens=60, dims=8, steps=20, radius=0.1, direction="diagonal", format="float16",
        rounding="toward-zero", schedule="exponential", decay=0.9, survivors=10,
    )  # fmt: skip
    assert found["log_pair_probability"] == expect(same, [20], [1e-5])[0][0].log_pair_probability
    assert found["alive"] == 10
    master = json.loads(
        drift(capsys, *SMALL, "--sigma", "1e-5", "--master", "float32", "--json")[1]
    )
    assert master["radius"] != found["radius"]


def test_people_see_a_table(capsys):
    status, out, err = drift(capsys, *SMALL, "--sigma", "1e-5,0.1,3e4", "--steps", "1e6")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == (
        "60 tokens × 8 dims in bfloat16, σ = 1e-05 … 3e+04, R = 0.371, X = 1,000,000,"
        " direction random"
    )
    rows = [line.split() for line in lines if line.strip()[:1].isdigit()][1:]
    assert [row[0] for row in rows] == ["1e-05", "0.1", "3e+04"]
    header = next(line for line in lines if "distinct" in line)
    assert header.split() == ["σ", "distinct", "black", "holes", "largest", "pairs"]
    assert [row[2] for row in rows] == ["±"] * 3
    assert rows[-1][1] == "60"
    assert "one pair is expected at σ = " in out
    assert "coordinates that start at 0 stall from step " in lines[-1]


@pytest.mark.slow
def test_probabilities_too_small_for_a_number_are_shown(capsys):
    arguments = ["predict", "--sigma", "1", "--tokens", "60", "--dims", "150", "--steps", "1"]
    out = drift(capsys, *arguments)[1]
    log = expect(Drift(sigma=1.0, tokens=60, dims=150, steps=1), [1], [1.0])[0][0]
    assert log.log_pair_probability < -700
    line = next(line for line in out.splitlines() if line.startswith("pair probability"))
    mantissa, exponent = line.split()[2].rstrip(",").split("e")
    shown = math.log(float(mantissa)) + int(exponent) * math.log(10)
    assert shown == pytest.approx(log.log_pair_probability, abs=0.005)


def test_a_missing_onset_is_said(capsys):
    status, out, err = drift(capsys, *SMALL, "--sigma", "1e-5", "--tokens", "2", "--json")
    assert (status, json.loads(out)["onset_sigma"]) == (0, None)
    assert err == "drift: no sigma gives one expected coalesced pair\n"
    out = drift(capsys, *SMALL, "--sigma", "1e-5", "--tokens", "2")[1]
    assert "expected at" not in out


def test_stalls_are_told_in_a_line():
    assert stalls([None, None]) == "no coordinate that starts at 0 stalls"
    told = "coordinates that start at 0 stall from step 7 on"
    assert stalls([1000, 7, 9]) == f"{told}, half of them by step 9, all by step 1,000"
    assert stalls([7, None, 9]) == f"{told}, half of them by step 9; 1 of 3 never do"
    assert stalls([7, None, None]) == f"{told}; 2 of 3 never do"


BAD = {
    "no sigma": ([], "no cloud is named; --sigma draws one"),
    "stochastic": (["--sigma", "1", "--rounding", "stochastic"], "for stochastic rounding"),
    "jitter": (["--sigma", "1", "--jitter", "0.1"], "no exact form is implemented for jitter"),
    "float32": (["--sigma", "1", "--format", "float32"], "exact form is implemented for float32"),
    "rows": (["--from", "gone"], "no exact form is implemented for a cloud that is a checkpoint"),
    "centroid": (["--sigma", "1", "--direction", "centroid"], "direction is centroid"),
    "sigma zero": (["--sigma", "1e-9,0"], "sigma is 0; it must be 2**-100"),
    "sigma too small": (["--sigma", "1e-40"], "sigma is 1e-40; it must be 2**-100"),
    "a range reversed": (["--sigma", "1e-3:1e-9:5"], "is reversed"),
    "too many": (["--sigma", "1e-9:1e-3:5000"], "5,000 values; at most 1,000 are predicted"),
    "dims": (["--sigma", "1", "--dims", "1e18"], "1000000000000000000 dims need "),
    "steps": (["--sigma", "1", "--steps", "0"], "steps is 0"),
    "two steps of one": (["--sigma", "1", "--steps", "2,2"], "steps names 2 twice"),
    "records": (["--sigma", "1", "--records", "0"], "records is 0"),
    "a grid of stochastic": (
        ["--sigma", "1", "--rounding", "nearest,stochastic"],
        "no exact form is implemented for stochastic rounding; drift run simulates it",
    ),
    "too many to list": (
        ["--sigma", "1e-9:1e-3:500", "--radius", "0.1,0.2,0.3"],
        "the grid has 1,500 points; at most 1,000 are listed; --out STORE keeps more",
    ),
    "directions twice": (
        ["--sigma", "1", "--direction-seeds", "2", "--direction-seed", "1"],
        "direction_seed and direction_seeds are both given",
    ),
    "no directions": (["--sigma", "1", "--direction-seeds", "0"], "direction_seeds is 0"),
    "directions of one": (
        ["--sigma", "1", "--direction", "diagonal", "--direction-seeds", "2"],
        "with direction diagonal; it is for random",
    ),
    "a spectrum of a grid": (
        ["--sigma", "1", "--radius", "0.1,0.2", "--spectrum", "a.csv"],
        "spectrum is for drifts that differ in sigma alone",
    ),
    "nothing to overwrite": (["--sigma", "1", "--overwrite"], "overwrite is given without --out"),
    "range": (["--sigma", "1", "--radius", "1e39"], "leave bfloat16's range"),
    "drawn out of range": (["--sigma", "3e38"], "more likely than not leave bfloat16's range"),
    "an option without meaning": (["--sigma", "1", "--seed", "3"], "--seed"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line(in_tmp, capsys, name):
    arguments, message = BAD[name]
    status, out, err = drift(capsys, *SMALL, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err


def test_records_give_the_whole_curve_over_steps(in_tmp, capsys):
    status, out, _ = drift(capsys, *SMALL, "--sigma", "1e-5", "--records", "4", "--json")
    found = json.loads(out)
    assert status == 0
    assert [record["step"] for record in found["records"]] == [0, 5, 10, 15, 20]
    assert found["records"][-1]["distinct"] == found["distinct"]
    assert found["curve"][0]["records"] == found["records"]
    assert [record["distinct"] for record in found["records"]] == sorted(
        (record["distinct"] for record in found["records"]), reverse=True
    )
    assert "records" not in json.loads(drift(capsys, *SMALL, "--sigma", "1e-5", "--json")[1])
    lines = drift(capsys, *SMALL, "--sigma", "1e-5", "--records", "4")[1].splitlines()
    assert [line.split()[0] for line in lines if "±" in line] == ["0", "5", "10", "15", "20"]


def test_the_promised_keys_are_there_and_the_spectrum_is_whole(capsys):
    found = json.loads(drift(capsys, *SMALL, "--sigma", "1e-6", "--json")[1])
    for at in (found, found["curve"][0]):
        entries = at["spectrum"]
        assert (entries[0][0], entries[-1][1]) == (1, 60)
        assert sum(cells for _, _, cells in entries) == pytest.approx(at["distinct"])
        tokens = sum(first * cells for first, _, cells in entries)
        assert tokens == pytest.approx(60, rel=1e-6)
        assert at["singletons"] + at["black_holes"] == pytest.approx(at["distinct"])
        assert at["singletons"] + at["black_hole_tokens"] == pytest.approx(60)
        assert at["largest_5"] <= at["largest"] <= at["largest_95"]
        assert 0 <= at["grid_error"] < 1e-4


def test_a_grid_is_listed_or_written(in_tmp, capsys):
    grid = [*SMALL[:-2], "--sigma", "1e-6,1e-5", "--steps", "5,20"]
    found = json.loads(drift(capsys, *grid, "--json")[1])
    assert (found["cells"], found["failed"]) == (4, 0)
    assert [(at["sigma"], at["steps"]) for at in found["points"]] == [
        (1e-6, 5), (1e-6, 20), (1e-5, 5), (1e-5, 20)
    ]  # fmt: skip
    out = drift(capsys, *grid)[1]
    assert out.split()[:3] == ["σ", "steps", "distinct"]
    assert out.count("±") == 8
    told = json.loads(drift(capsys, *grid, "--out", "p.zarr", "--json")[1])
    assert (told["store"], told["cells"], told["done"]) == ("p.zarr", 4, 4)
    header, *lines = drift(capsys, "export", "p.zarr")[1].splitlines()
    assert header.startswith("sigma,steps,progress,step,distinct,")
    assert header.endswith("distinct_error,pairs_error,largest_5,largest_95")
    assert len(lines) == 8
    status, _, err = drift(capsys, *grid, "--out", "p.zarr")
    assert (status, err.count("\n")) == (0, 1)
    assert "p.zarr is complete" in err
    status, _, err = drift(capsys, "status", "p.zarr")
    assert (status, err.count("\n")) == (2, 1)


def test_directions_are_averaged_and_their_spread_shown(capsys):
    many = [*SMALL, "--sigma", "1e-6", "--direction-seeds", "3"]
    found = json.loads(drift(capsys, *many, "--json")[1])
    [point] = found["points"]
    assert found["direction_seeds"] == 3
    distinct = [each["distinct"] for each in point["directions"]]
    assert point["distinct"] == pytest.approx(sum(distinct) / 3)
    assert point["over_directions"]["distinct"]["most"] == max(distinct)
    alone = json.loads(
        drift(capsys, *SMALL, "--sigma", "1e-6", "--direction-seed", "2", "--json")[1]
    )
    assert distinct[2] == pytest.approx(alone["distinct"])
    assert "means over 3 random directions" in drift(capsys, *many)[1]


def test_a_spectrum_is_written_as_csv(in_tmp, capsys):
    options = ["--sigma", "1e-6,1e-5", "--spectrum", "s.csv", "--json"]
    found = json.loads(drift(capsys, *SMALL, *options)[1])
    header, *lines = (in_tmp / "s.csv").read_text().splitlines()
    assert header == "sigma,step,k_first,k_last,cells"
    wanted = [
        f"{point['sigma']!r},20,{first},{last},{cells!r}"
        for point in found["curve"]
        for first, last, cells in point["spectrum"]
    ]
    assert lines == wanted


def test_octaves_sum_the_spectrum():
    assert octaves([(1, 1, 5.0), (2, 2, 1.0), (3, 3, 0.5), (4, 9, 0.25), (10, 20, 0.0)]) == [
        (1, 1, 5.0), (2, 3, 1.5), (4, 7, 0.25)
    ]  # fmt: skip


def test_a_lone_token_is_a_singleton(capsys):
    lone = ["--sigma", "1e-5", "--tokens", "1", "--json"]
    found = json.loads(drift(capsys, *SMALL, *lone)[1])
    assert (found["distinct"], found["singletons"], found["largest_95"]) == (1, 1, 1)
    assert (found["black_holes"], found["distinct_error"], found["onset_sigma"]) == (0, 0, None)
    assert found["spectrum"] == [[1, 1, 1.0]]
