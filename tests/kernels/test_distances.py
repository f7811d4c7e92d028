import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels import distances

KINDS = {"uint8": 255, "uint16": 65_535, "uint32": 2**32 - 1}


def by_hand(a, b):
    return [[max(abs(int(x) - int(y)) for x, y in zip(p, q, strict=True)) for q in b] for p in a]


@st.composite
def clouds(draw):
    """Two small sets of ordinals of one kind, close together or far apart."""
    kind = draw(st.sampled_from(list(KINDS)))
    top = draw(st.sampled_from([1, 4, KINDS[kind]]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dims = draw(st.integers(1, 4))
    sizes = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    return [rng.integers(0, top, (n, dims), kind, endpoint=True) for n in sizes]


@pytest.mark.parametrize("widest", [1, 128])
def test_distances_are_those_of_whole_numbers(widest, monkeypatch):
    monkeypatch.setattr(distances, "_WIDEST", widest)
    monkeypatch.setattr(distances, "_ROWS", 8)

    @given(clouds())
    def holds(sets):
        a, b = sets
        expected = by_hand(a, b)
        assert distances.between(a, b).tolist() == expected
        assert distances.closest(a, b) == min(map(min, expected))

    holds()


@given(clouds())
def test_every_pair_is_counted_once(sets):
    rows = np.concatenate(sets)
    found = by_hand(rows, rows)
    each = [found[i][j] for i in range(len(rows)) for j in range(i)]
    counted = distances.count_by_distance(rows)
    assert counted == {d: each.count(d) for d in sorted(set(each))}
    assert list(counted) == sorted(counted)


@pytest.mark.slow
def test_the_closest_of_many_is_found_behind_dimensions_that_do_not_tell():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 9, (400, 200)).astype("u2") for _ in range(2))
    a[:, 150:], b[:, 150:] = 1000, 1020  # a spread that is looked at last hides the rest
    a[7], b[300] = b[300], a[7]
    a[7, 150:] = 1000
    b[300] = a[7]
    b[300, 199] += 3
    expected = np.abs(a[:, None].astype(int) - b[None].astype(int)).max(axis=2).min()
    assert distances.closest(a, b) == expected == 3


def test_few_rows_have_few_distances():
    assert distances.count_by_distance(np.zeros((1, 3), "u2")) == {}
    assert distances.between(np.zeros((0, 3), "u2"), np.zeros((2, 3), "u2")).shape == (0, 2)
