"""Unit vectors of every kind, and files that hold none."""

import math
import os

import numpy as np
import pytest

from drift.sim.clouds.direction import direction
from drift.sim.errors import BadInput


@pytest.mark.parametrize("name", ["random", "diagonal", "axis"])
@pytest.mark.parametrize("dims", [1, 2, 2560])
def test_named_directions_are_unit_vectors(name, dims):
    u = direction(name, dims)
    assert u.shape == (dims,)
    assert u.dtype == np.float64
    assert abs(math.fsum((u * u).tolist()) - 1) < 1e-15


def test_diagonal_and_axis_are_what_they_say():
    np.testing.assert_array_equal(direction("diagonal", 4), [0.5, 0.5, 0.5, 0.5])
    np.testing.assert_array_equal(direction("axis", 3), [1, 0, 0])


def test_random_directions_are_gaussian_and_depend_on_their_seed():
    u = direction("random", 100_000, 1) * math.sqrt(100_000)
    assert abs(u.mean()) < 5 / math.sqrt(len(u))
    assert abs((u**4).mean() - 3) < 5 * math.sqrt(96 / len(u))
    assert not np.array_equal(direction("random", 8, 1), direction("random", 8, 2))


def test_a_file_is_normalised_even_where_its_squares_overflow(in_tmp):
    np.save("v.npy", np.array([3e200, 0.0, -4e200]))
    np.testing.assert_allclose(direction("v.npy", 3), [0.6, 0, -0.8], rtol=1e-15)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.zeros(3), "v.npy: it is zero"),
        (np.ones(4), r"v.npy: its shape is \(4,\); it must be \(3,\)"),
        (np.ones((3, 1)), r"v.npy: its shape is \(3, 1\)"),
        (np.array([1, np.nan, 0]), "v.npy: it holds values that are not finite"),
        (np.array([1, np.inf, 0]), "v.npy: it holds values that are not finite"),
        (np.array(["a", "b", "c"]), "v.npy: it must hold real numbers"),
        (np.array([1j, 0, 0]), "v.npy: it must hold real numbers"),
    ],
)
def test_unusable_vectors_are_named(in_tmp, vector, message):
    np.save("v.npy", vector)
    with pytest.raises(BadInput, match=message):
        direction("v.npy", 3)


def test_unreadable_files_are_named(in_tmp):
    with pytest.raises(BadInput, match=r"gone\.npy: there is no such file"):
        direction("gone.npy", 3)
    (in_tmp / "text.npy").write_text("no array")
    with pytest.raises(BadInput, match=r"text\.npy: it is not a readable \.npy array"):
        direction("text.npy", 3)
    np.save("pickled.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(BadInput, match=r"pickled\.npy: it is not a readable \.npy array"):
        direction("pickled.npy", 1)


def test_a_header_that_promises_too_much_takes_no_memory(in_tmp):
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    with open("huge.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(BadInput, match=r"huge\.npy: it is not a readable \.npy array"):
        direction("huge.npy", 3)


def test_what_is_no_file_is_not_waited_for(in_tmp):
    os.mkfifo("pipe.npy")
    with pytest.raises(BadInput, match=r"pipe\.npy is not a regular file"):
        direction("pipe.npy", 3)


def test_what_only_wider_numbers_hold_is_not_finite(in_tmp):
    np.save("v.npy", np.array([1, 2, 3], np.longdouble) * np.longdouble("1e4000"))
    with pytest.raises(BadInput, match=r"v\.npy: it holds values that are not finite"):
        direction("v.npy", 3)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(BadInput, match=r"'up'; it must be random, diagonal, axis, centroid or a "):
        direction("up", 3)
