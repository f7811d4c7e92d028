"""Comparisons against brute force, value by value in Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT16, FLOAT32, FORMATS
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.structures.compare import LONG, compare, distances
from tests.support import oracle

NARROW = [target for target in FORMATS.values() if target.width <= 16]


def interesting(target):
    """Zeros, the smallest and largest values, some between, and what is not finite."""
    largest, sign = target.largest_magnitude, target.sign
    magnitudes = {0, 1, 2, largest // 2, largest - 1, largest, largest + 1, sign - 1}
    return sorted({m | s for m in magnitudes if m < sign for s in (0, sign)})


@st.composite
def matrices(draw):
    """Two matrices of one format and one width; the second has much of the first."""
    target = draw(st.sampled_from(list(FORMATS.values())))
    dims = draw(st.integers(1, 5))
    code = st.sampled_from(interesting(target))
    row = st.lists(code, min_size=dims, max_size=dims)
    rows = {token: draw(row) for token in range(draw(st.integers(0, 12)))}
    other = {
        token: draw(st.sampled_from([row, *rows.values()])) for token, row in rows.items()
    }  # which makes black holes
    for token in other:
        if draw(st.booleans()):
            other[token] = [draw(code) if draw(st.booleans()) else c for c in other[token]]
    return tuple(
        matrix({t: row for t, row in side.items() if draw(st.integers(0, 4))}, dims, target, name)
        for side, name in ((rows, "A"), (other, "B"))
    )


def matrix(rows, dims, target, label="A"):
    codes = np.array(list(rows.values()), target.storage).reshape(len(rows), dims)
    return Matrix(codes, target, label, np.array(list(rows), np.int64))


def coordinate(code, target):
    """None of what is not finite."""
    magnitude = code % target.sign
    if magnitude > target.largest_magnitude:
        return None
    return -magnitude if code >= target.sign else magnitude


def brute(a, b):
    """What a comparison says of values, in plain Python."""
    rows = [dict(zip(m.token_ids.tolist(), m.codes.tolist(), strict=True)) for m in (a, b)]
    both = sorted(rows[0].keys() & rows[1].keys())
    counts, moved, kept, flips, alike, strange = {}, {}, {}, 0, 0, 0
    for token in both:
        for one, other in zip(rows[0][token], rows[1][token], strict=True):
            alike += one == other
            x, y = coordinate(one, a.format), coordinate(other, a.format)
            if x is None or y is None:
                strange += 1
                continue
            apart = abs(x - y)
            key = apart if apart < LONG else 1 << (apart.bit_length() - 1)
            counts[key] = counts.get(key, 0) + 1
            moved[token] = max(moved.get(token, 0), apart)
            flips += x * y < 0
            kept[token] = max(kept.get(token, 0), apart if x * y >= 0 else 0)
    most = max(moved.values(), default=None)
    first = min((token for token in moved if moved[token] == most), default=None)
    near = max(kept.values(), default=None)
    closest = min((token for token in kept if kept[token] == near), default=None)
    same = [token for token in both if rows[0][token] == rows[1][token]]
    return {
        "rows": [len(a.codes), len(b.codes)],
        "compared_rows": len(both),
        "only_a": len(rows[0].keys() - rows[1].keys()),
        "only_b": len(rows[1].keys() - rows[0].keys()),
        "identical": rows[0] == rows[1],
        "identical_rows": len(same),
        "identical_values": alike,
        "incomparable_values": strange,
        "largest_distance": most,
        "moved_most": {"token_id": first, "distance": most} if most else None,
        "moved_most_same_sign": {"token_id": closest, "distance": near} if near else None,
        "sign_flips": flips,
        "distance_counts": {str(key): counts[key] for key in sorted(counts)},
    }


@pytest.mark.slow
@settings(max_examples=200)
@given(matrices())
def test_every_number_is_that_of_brute_force(pair):
    a, b = pair
    found = compare(a, b)
    document = found.as_json()
    expected = brute(a, b)
    assert {name: document[name] for name in expected} == expected
    assert list(document["distance_counts"]) == list(expected["distance_counts"])
    compared = sum(found.distance_counts.values()) + found.incomparable_values
    assert compared == len(found.token_ids) * found.dims
    assert (found.only_a.tolist(), found.only_b.tolist()) == (
        sorted(set(a.token_ids.tolist()) - set(b.token_ids.tolist())),
        sorted(set(b.token_ids.tolist()) - set(a.token_ids.tolist())),
    )


@given(matrices())
def test_there_and_back_is_the_same(pair):
    there, back = compare(*pair).as_json(), compare(*pair[::-1]).as_json()
    for name in ("identical_rows", "identical_values", "distance_counts", "moved_most"):
        assert there[name] == back[name]
    for one, other in (("born", "dissolved"), ("split", "merged"), ("absorbed", "parted")):
        assert there["lineage"][one] == back["lineage"][other]


@pytest.mark.parametrize("target", NARROW, ids=lambda target: target.name)
def test_distances_are_differences_of_ranks(target):
    codes = np.arange(1 << target.width).astype(target.storage)
    values = codes.view(oracle.dtype(target.name)).astype(np.float32)
    codes, values = codes[np.isfinite(values)], values[np.isfinite(values)]
    rank = np.unique(values, return_inverse=True)[1]
    other = np.random.default_rng(0).permutation(len(codes))
    for place in (other, np.arange(len(codes)), np.arange(len(codes))[::-1]):
        found = distances(codes, codes[place], target)
        np.testing.assert_array_equal(found, np.abs(rank - rank[place]))


def test_long_distances_are_counted_under_powers_of_two():
    edges = [LONG - 1, LONG, 2 * LONG - 1, 2 * LONG, (1 << 31) - 1, 1 << 31]
    edges = [edge for edge in edges if edge <= 2 * FLOAT32.largest_magnitude]
    low = [FLOAT32.code_at(-(edge // 2)) for edge in edges]
    high = [FLOAT32.code_at(edge - edge // 2) for edge in edges]
    a, b = (Matrix.whole(np.array([codes], np.uint32), FLOAT32, "A") for codes in (low, high))
    found = compare(a, b)
    expected = {LONG - 1: 1, LONG: 2, 2 * LONG: 1, 1 << 30: 1, 1 << 31: 1}
    assert found.distance_counts == expected
    assert found.largest_distance == edges[-1]


def test_many_blocks_are_one_matrix(monkeypatch):
    random = np.random.default_rng(0)
    codes = random.integers(0, 1 << 16, (500, 6)).astype(np.uint16)
    other = np.where(random.random(codes.shape) < 0.01, codes ^ 1, codes)
    ids = np.flatnonzero(random.random(500) < 0.7)
    a = Matrix.whole(codes, BFLOAT16, "A")
    b = Matrix(other[ids], BFLOAT16, "B", ids)
    whole = compare(a, b).as_json()
    monkeypatch.setattr("drift.sim.structures.compare._BLOCK_BYTES", 7 * 12)
    assert compare(a, b).as_json() == whole
    assert whole["compared_rows"] == len(ids)


def test_a_file_that_is_mapped_is_compared(tmp_path):
    codes = np.arange(40, dtype=np.uint16).reshape(8, 5)
    (tmp_path / "codes").write_bytes(b"\0" + codes.tobytes())  # not where words begin
    mapped = np.memmap(tmp_path / "codes", np.uint16, mode="r", offset=1, shape=(8, 5))
    a, b = (Matrix.whole(each, BFLOAT16, "A") for each in (codes, mapped))
    assert compare(a, b).identical


def test_the_bits_of_a_row_that_is_not_finite_can_be_identical():
    codes = np.array([[0x7FC0, 1, 0x8000], [2, 2, 2]], np.uint16)
    found = compare(*(Matrix.whole(codes, BFLOAT16, name) for name in "AB"))
    assert found.identical
    assert (found.identical_values, found.incomparable_values) == (6, 1)
    assert found.distance_counts == {0: 5}
    assert found.moved_most is None


def test_nothing_in_common_is_said():
    a, b = (matrix({token: [1, 2]}, 2, BFLOAT16) for token in (3, 4))
    found = compare(a, b)
    assert (found.largest_distance, found.moved_most, found.distance_counts) == (None, None, {})
    assert not found.identical
    assert (found.only_a.tolist(), found.only_b.tolist()) == ([3], [4])


def test_other_dims_and_other_formats_are_refused():
    a = matrix({0: [1, 2]}, 2, BFLOAT16, "one")
    with pytest.raises(BadInput, match=r"dims is 2 in one, 3 in other; it must be the same"):
        compare(a, matrix({0: [1, 2, 3]}, 3, BFLOAT16, "other"))
    with pytest.raises(BadInput, match=r"format is bfloat16 in one, float16 in other"):
        compare(a, matrix({0: [1, 2]}, 2, FLOAT16, "other"))
