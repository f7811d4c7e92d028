"""A spec that is run again: of a store, of a JSON file, and what goes with it."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16
from drift.sim.errors import BadInput
from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from tests.support import builders
from tests.support.builders import arrays, assert_same_arrays
from tests.support.run_cli import drift

SMALL = {"sigma": 1e-9, "tokens": 20, "dims": 16, "steps": 30}
SPECS = {
    "plain": {},
    "options": {"jitter": 0.2, "schedule": "cosine", "survivors": 5, "at": [30, 0, 7]},
    "formats": {"format": "float8_e5m2", "sigma": 0.01, "rounding": "stochastic", "records": 3},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_the_spec_of_a_store_or_of_a_document_gives_its_arrays_again(in_tmp, capsys, name):
    first = run(Drift(**SMALL | SPECS[name]), "first.zarr", on="cpu").as_json()
    status, out, err = drift(
        capsys, "run", "--spec", "first.zarr", "--out", "second.zarr", "--engine", "step", "--json"
    )
    assert (status, err) == (0, "")
    second = json.loads(out)
    assert_same_arrays("first.zarr", "second.zarr")
    for key, value in arrays("first.zarr").items():
        assert value.tobytes() == arrays("second.zarr")[key].tobytes()
    aside = dict.fromkeys(("store", "seconds", "engine", "engine_reason"))
    assert {**second, **aside} == {**first, **aside}
    document = first if name == "plain" else first["spec"]
    (in_tmp / "spec.json").write_text(json.dumps(document))
    assert drift(capsys, "run", "--spec", "spec.json", "--out", "third.zarr")[0] == 0
    assert_same_arrays("first.zarr", "third.zarr")


@pytest.mark.slow
def test_nothing_that_changes_a_bit_goes_with_it(in_tmp, capsys):
    run(Drift(**SMALL), "first.zarr", on="cpu")
    for option in (["--seed", "0"], ["--sigma", "1"], ["--at", "3"], ["--from", "x"]):
        status, out, err = drift(
            capsys, "run", "--spec", "first.zarr", *option, "--out", "second.zarr"
        )
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"drift: {option[0]} is given with --spec, which fixes it; --out, ")
    status, _, err = drift(capsys, "run", "--spec", "first.zarr", "--out", "first.zarr")
    assert (status, err.count("\n")) == (0, 1)
    assert "first.zarr is complete, so that nothing is done; --overwrite runs it again" in err
    assert (
        drift(capsys, "run", "--spec", "first.zarr", "--out", "first.zarr", "--overwrite")[0] == 0
    )
    assert [each.name for each in in_tmp.iterdir()] == ["first.zarr"]


def refused(capsys, message):
    status, out, err = drift(capsys, "run", "--spec", "first.zarr", "--out", "second.zarr")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.slow
def test_rows_and_directions_must_be_those_of_before(in_tmp, capsys):
    rows = BFLOAT16.code(np.linspace(0.01, 0.02, 12 * 8).reshape(12, 8))

    def write():
        tensors = {"lm_head.weight": builders.matrix(rows, BFLOAT16)}
        builders.write(in_tmp / "model.safetensors", tensors)

    write()
    asked = ["--from", "model.safetensors", "--radius", "0.1", "--steps", "5"]
    assert drift(capsys, "run", *asked, "--out", "first.zarr")[0] == 0
    assert drift(capsys, "run", "--spec", "first.zarr", "--out", "again.zarr")[0] == 0
    assert_same_arrays("first.zarr", "again.zarr")
    rows[3, 3] += 1
    write()
    refused(capsys, "first.zarr was begun with other rows than model.safetensors holds now; its")

    np.save("u.npy", np.ones(16))
    run(Drift(**SMALL, direction="u.npy"), "first.zarr", on="cpu", overwrite=True)
    np.save("u.npy", np.arange(16.0))
    refused(capsys, "first.zarr was begun with another direction than u.npy gives; its spec can't")
    assert not (in_tmp / "second.zarr").exists()


BAD = {
    "a list": ([1], "is not a spec: a JSON object with a drift's fields is needed"),
    "a field": ({"sigmas": 1}, "has 'sigmas'; a spec has sigma, from, tensor, near"),
    "a text": ({"sigma": "1"}, "sigma is '1'; it must be a number"),
    "a truth": ({"tokens": True}, "tokens is True; it must be a whole number"),
    "half": ({"sigma": 1, "steps": 1.5}, "steps is 1.5; it must be a whole number"),
    "steps": ({"sigma": 1, "at": [1, "2"]}, "at has '2'; it must be a list of whole numbers"),
    "nothing": ({"sigma": 1, "format": None}, "format is None; it must be one of bfloat16, "),
    "no cloud": ({}, "no cloud is named"),
    "out of bounds": ({"sigma": -1}, "sigma is -1; it must be 2**-100 (about 7.9e-31) or more"),
    "half a checkpoint": ({"from": "x"}, "from alone; from and tensor name a matrix"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_is_no_spec_gets_one_line(in_tmp, capsys, name):
    document, message = BAD[name]
    (in_tmp / "spec.json").write_text(json.dumps(document))
    status, out, err = drift(capsys, "run", "--spec", "spec.json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("drift: spec.json")
    assert message in err
    assert [each.name for each in in_tmp.iterdir()] == ["spec.json"]


def test_what_is_no_store_of_a_run_gets_one_line(in_tmp, capsys):
    (in_tmp / "text").write_text("{")
    for name, message in (
        ("gone", "gone is not a drift store: there is nothing"),
        ("text", "text is not JSON"),
        (".", "is not a drift store"),
    ):
        status, out, err = drift(capsys, "run", "--spec", name)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert message in err


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    found=st.dictionaries(
        st.sampled_from([*Drift(sigma=1.0).as_json(), "from", "tensor", "near", "exponents", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
        | st.lists(st.integers(0, 9), max_size=3),
        max_size=5,
    )
)  # fmt: skip
def test_whatever_the_document_holds_it_is_a_drift_or_bad_input(found):
    with suppress(BadInput):
        made = Drift.from_json(found, "it")
        assert Drift.from_json(made.as_json(), "it") == made
