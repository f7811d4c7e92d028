"""Values from Python, JSON and a shell become a field's own, or are refused in one line."""

import dataclasses
import hashlib
import json
import re
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import get_args

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drift
from drift.kernels.formats import Rounding
from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.spec.fields import Field, rows
from drift.sim.spec.origin import ORIGIN
from drift.sim.spec.vector import DirectionVector
from drift.sim.stores.run_store import RunStore
from tests.support.source_files import FILES, ROOT

SMALL = {"sigma": 1e-6, "tokens": 20, "dims": 3, "steps": 5, "records": 2}

CONVERTED = {
    "a float32 of NumPy": ("radius", np.float32(0.5), 0.5),
    "a bfloat16": ("sigma", ml_dtypes.bfloat16(0.5), 0.5),
    "an array of no dimensions": ("radius", np.array(0.25), 0.25),
    "an array of JAX": ("radius", jnp.float32(0.25), 0.25),
    "an integer": ("radius", 1, 1.0),
    "a fraction": ("radius", Fraction(1, 4), 0.25),
    "a decimal": ("radius", Decimal("0.25"), 0.25),
    "an int64 of NumPy": ("tokens", np.int64(40), 40),
    "a float that is whole": ("steps", 1e3, 1000),
    "a text of NumPy": ("rounding", np.str_("stochastic"), "stochastic"),
    "a path": ("direction", Path("u.npy"), "u.npy"),
    "an array of steps": ("at", np.array([5, 0]), (0, 5)),
    "a range": ("at", range(3), (0, 1, 2)),
    "a set of steps": ("at", {np.int32(3), 1}, (1, 3)),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_a_value_becomes_the_fields_own(case):
    name, given_, expected = CONVERTED[case]
    drift = Drift(**{"sigma": 1.0, name: given_})
    found = getattr(drift, name)
    assert (found, type(found)) == (expected, type(expected))
    assert json.loads(json.dumps(drift.as_json())) == drift.as_json()
    assert Drift.from_json(drift.as_json()) == drift


REFUSED = {
    "half a token": ("tokens", 40.5, "tokens is 40.5; it must be a whole number"),
    "a truth": ("tokens", True, "tokens is True; it must be a whole number"),
    "a truth of NumPy": ("radius", np.True_, "; it must be a number, 0 or more"),
    "a text for a number": ("sigma", "1e-8", "sigma is '1e-8'; it must be a number, 2**-100"),
    "a list for a number": ("radius", [0.371], "radius is [0.371]; it must be a number"),
    "an array for a number": ("radius", np.ones(1), "an array of shape (1,); it must be a number"),
    "a complex number": ("radius", 1j, "radius is 1j; it must be a number"),
    "a huge integer": ("radius", 10**400, "; it must be a number, 0 or more, and finite"),
    "not a number": ("jitter", np.float32("nan"), "jitter is nan; it must be in 0 ... 10"),
    "nothing": ("seed", None, "seed is None; it must be a whole number, in 0 ... 2**64 - 1"),
    "a number for a name": ("rounding", 3, "rounding is 3; it must be one of nearest, "),
    "bytes": ("format", b"bfloat16", "format is b'bfloat16'; it must be one of bfloat16, "),
    "one step": ("at", 5, "at is 5; it must be a list of steps"),
    "steps as a text": ("at", "1,2", "at is '1,2'; it must be a list of steps"),
    "half a step": ("at", [1.5], "at has 1.5; it must be a list of whole numbers"),
    "an origin as a text": ("origin", "model", "origin is 'model'; it must be a drift.Origin"),
    "no name of a direction": ("direction", "up", "direction is 'up'; it must be random, "),
    "a number for a direction": ("direction", 5, "direction is 5; it must be random, diagonal"),
    "a matrix": ("direction", np.ones((3, 2)), "is an array of shape (3, 2); it must be (dims,)"),
    "another length": ("direction", np.ones(4), "of shape (4,); it must be (2560,), as dims is"),
    "zero": ("direction", np.zeros(2560), "direction is zero; its length must be positive"),
    "infinity": ("direction", [np.inf] * 2560, "direction holds values that are not finite"),
    "texts": ("direction", ["a"] * 2560, "direction is not an array of real numbers"),
    "ragged": ("direction", [[1], [1, 2]], "direction is not an array of real numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_value_of_a_field_is_named_with_what_is_accepted(case):
    name, given_, message = REFUSED[case]
    with pytest.raises(drift.BadInput, match=re.escape(message)) as found:
        Drift(**{"sigma": None if name == "origin" else 1.0, name: given_})
    assert "\n" not in str(found.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@given(name=st.sampled_from([each.name for each in dataclasses.fields(Drift)]), value=VALUES)
def test_whatever_is_given_is_a_drift_of_plain_values_or_bad_input(name, value):
    with suppress(drift.BadInput):
        made = Drift(**{"sigma": 1.0, name: value})
        text = json.dumps(made.as_json(), allow_nan=False)
        assert Drift.from_json(json.loads(text)).as_json() == made.as_json()


def test_a_grid_takes_the_same_values():
    grid = drift.Grid.given(
        {"sigma": np.geomspace(1e-9, 1e-7, 3), "seed": np.arange(4), "steps": np.int64(10)}
    )
    assert json.loads(json.dumps(grid.as_json())) == grid.as_json()
    assert {type(value) for axis in grid.axes for value in axis.values} == {float, int}
    for name, value, message in (
        ("tokens", (40.5,), "tokens is 40.5"),
        ("seed", (1, 2**64), "seed is 18446744073709551616"),
        ("sigmas", (1.0,), "sigmas is no field of a grid; it has sigma, "),
        ("direction", ([1.0, 2.0],), "direction is an array; a grid takes names"),
    ):
        with pytest.raises(drift.BadInput, match=re.escape(message)):
            drift.Grid.given({"sigma": (1.0,), name: value})


def test_an_array_is_a_direction_like_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vector = np.array([1.0, -2.0, 0.5])
    np.save("u.npy", vector)
    of_file = drift.simulate(Drift(**SMALL, direction="u.npy"), on="cpu")
    given_ = Drift(**SMALL, direction=vector)
    found = drift.simulate(given_, on="cpu")
    np.testing.assert_array_equal(found.bits, of_file.bits)
    u = direction("u.npy", 3)
    assert given_.direction == f"sha256:{hashlib.sha256(u.tobytes()).hexdigest()}"
    assert given_ == Drift(**SMALL, direction=(2 * vector).tolist())
    with pytest.raises(ValueError, match="read-only"):
        given_.direction.u[0] = 1


def test_a_store_keeps_the_vector_and_its_digest(tmp_path):
    vector = [3.0, 4.0, 12.0]
    asked = Drift(**SMALL, direction=vector)
    drift.run(asked, tmp_path / "a.zarr", on="cpu")
    store = RunStore(tmp_path / "a.zarr")
    assert store.drift == asked
    assert store.attrs["spec"]["direction"] == str(DirectionVector.of(vector))
    drift.run(store.drift, tmp_path / "b.zarr", on="cpu")
    again = RunStore(tmp_path / "b.zarr")
    np.testing.assert_array_equal(again.read("bits"), store.read("bits"))
    with pytest.raises(drift.BadInput, match="an array that is not available; the run's store has"):
        drift.run(Drift.from_json(store.attrs["spec"]), tmp_path / "c.zarr", on="cpu")


def test_the_rows_are_those_of_the_attributes():
    assert set(rows(Drift)) == {each.name for each in dataclasses.fields(Drift)} - {"origin"}
    assert set(FIELDS) == {*rows(Drift), *(row.name for row in ORIGIN.values())}
    ranks = [row.axis for row in FIELDS.values() if row.axis]
    assert len(set(ranks)) == len(ranks)
    for name, row in FIELDS.items():
        assert isinstance(row, Field)
        assert row.name == name
        if row.default is not None:
            assert row.value(row.default) == row.default
    assert FIELDS["format"].choices == tuple(drift.FORMATS)
    assert FIELDS["rounding"].choices == get_args(Rounding)


def test_a_field_is_named_in_its_row_and_in_its_physics_alone():
    """What reads the table must not name fields: --dampening stands for all of them."""
    naming = {
        str(path.relative_to(ROOT))
        for path in FILES
        if re.search(r"""["'.]dampening\b|\bdampening\s*[:=]""", path.read_text())
    }
    physics = {"sim/spec/motion_rules.py", "sim/motions/sgd.py"}
    assert naming == {"sim/spec/motion_fields.py", *physics}
