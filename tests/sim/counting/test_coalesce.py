"""The coalescence counter against a set of byte strings."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16
from drift.kernels.rounding import merge_zeros
from drift.kernels.row_hash_jax import as_words, fingerprint, weights
from drift.sim.counting.cells import CellCounts
from drift.sim.counting.coalesce import coalesce
from drift.sim.engines.chunks import TILE, Chunks
from tests.support.drifts import rows_of

FINGERPRINTS = {
    "the real one": lambda codes: as_words(
        np.asarray(fingerprint(merge_zeros(codes, BFLOAT16), weights(codes.shape[1])))
    ),
    "a constant": lambda codes: np.zeros(len(codes), np.uint64),
    "a few values": lambda codes: np.where(codes == 0x8000, 0, codes).astype(np.uint64).sum(1) % 3,
}


clouds = st.integers(1, 4).flatmap(
    lambda dims: st.lists(
        st.lists(st.sampled_from([0, 0x8000, 1, 0x3F80]), min_size=dims, max_size=dims),
        min_size=1,
        max_size=60,
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FINGERPRINTS)
@given(codes=clouds, size=st.integers(1, 64))
def test_counts_are_those_of_a_set_of_byte_strings(name, codes, size):
    codes = np.array(codes, np.uint16)
    prints = FINGERPRINTS[name](codes)
    fingerprints = [lambda some: prints[some] % 2, lambda some: prints[some]]
    representatives = coalesce(np.arange(len(codes)), fingerprints, rows_of(codes, size).equal)
    cells = CellCounts.of_representatives(representatives)
    merged = np.where(codes == 0x8000, 0, codes).astype(np.uint16)
    expected = Counter(row.tobytes() for row in merged)
    found = {
        merged[r].tobytes(): n for r, n in zip(cells.representative, cells.occupancy, strict=True)
    }
    assert found == dict(expected)
    assert cells.populations.tolist() == sorted(n for n in expected.values() if n > 1)[::-1]
    assert cells.counts() == {
        "distinct": len(expected),
        "black_holes": sum(n > 1 for n in expected.values()),
        "black_hole_tokens": sum(n for n in expected.values() if n > 1),
        "singletons": sum(n == 1 for n in expected.values()),
        "largest": max(expected.values()),
        "pairs": sum(n * (n - 1) // 2 for n in expected.values()),
    }


def test_representatives_are_the_first_tokens_of_their_cells():
    codes = np.array([[1], [2], [1], [3], [2]], np.uint16)
    constant = [lambda some: np.zeros(len(some), np.uint64)]
    representatives = coalesce(np.arange(5), constant, rows_of(codes, 2).equal)
    assert representatives.tolist() == [0, 1, 0, 3, 1]
    assert coalesce(np.array([4, 2, 1]), constant, rows_of(codes, 2).equal).tolist() == [4, 2, 4]


def test_only_what_a_fingerprint_leaves_open_is_looked_at_further():
    codes = np.array([[1], [2], [1], [3], [2]], np.uint16)
    asked = []

    def sharper(some):
        asked.append(some.tolist())
        return codes[some, 0]

    def dull(some):
        return np.minimum(codes[some, 0], 2)

    def equal(a, b):
        asked.append(sorted(set(a.tolist())))
        return rows_of(codes, 2).equal(a, b)

    assert coalesce(np.arange(5), [dull, sharper], equal).tolist() == [0, 1, 0, 3, 1]
    assert asked == [[0, 1, 2, 3, 4], [0, 1, 2, 4]]
    assert coalesce(np.array([3, 0]), [dull, sharper], equal).tolist() == [3, 0]
    assert len(asked) == 2


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_span_of_rows_crosses_chunks(tokens, size, data):
    codes = np.arange(tokens * 3, dtype=np.uint16).reshape(tokens, 3)
    start = data.draw(st.integers(0, tokens - 1))
    stop = data.draw(st.integers(start + 1, tokens))
    np.testing.assert_array_equal(rows_of(codes, size).span(start, stop), codes[start:stop])


@given(st.integers(1, 5000), st.integers(1, 3000), st.integers(1, 64), st.integers(1, 1 << 20))
def test_a_plan_covers_every_token_once(tokens, dims, workers, chunk_bytes):
    chunks = Chunks.plan(tokens, dims, workers, chunk_bytes)
    covered = [chunks.bounds(k) for k in range(len(chunks))]
    assert covered[0][0] == 0
    assert covered[-1][1] == tokens
    assert all(a[1] == b[0] for a, b in itertools.pairwise(covered))
    assert sum(stop - start for start, stop in covered) == tokens
    rows = np.ones((covered[-1][1] - covered[-1][0], 2), bool)
    assert chunks.filled(rows).shape == (chunks.size, 2)
    assert chunks.filled(rows).sum() == rows.size
    assert chunks.size % TILE == 0
