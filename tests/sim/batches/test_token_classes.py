"""Tokens looked at by class, against looking at every one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.batches.token_classes import TokenClasses


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 20))
def test_classes_tell_what_tokens_tell(seed, dims, tokens):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, dims)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    local = (rng.integers(0, 100, (dims, tokens)) % sizes[:, None]).astype(np.uint8)
    columns = TokenClasses(local, bounds)
    classes = local + bounds[:-1, None]
    numbers = np.concatenate([np.sort(rng.integers(0, 3, size)) for size in sizes])
    some = np.flatnonzero(rng.integers(0, 2, tokens))
    of = rng.integers(0, 3, len(some))
    expected = np.zeros((3, bounds[-1]), int)
    for group, token in zip(of, some, strict=True):
        expected[group, classes[:, token]] += 1
    np.testing.assert_array_equal(columns.populations_of(some, of, 3), expected)
    per = 1 + tokens % 2  # tokens of a group
    whole = TokenClasses(np.repeat(local, per, axis=1), bounds).populations(tokens)
    expected = np.zeros((tokens, bounds[-1]), int)
    np.add.at(expected, (np.arange(tokens), classes), per)
    np.testing.assert_array_equal(whole, expected)
    rows = numbers[classes]
    a, b = rng.integers(0, tokens, (2, 6))
    np.testing.assert_array_equal(columns.equal(numbers, a, b), np.all(rows[:, a] == rows[:, b], 0))
    prints = columns.fingerprints(numbers, np.arange(tokens))
    for k in range(tokens):
        assert np.all(prints[np.all(rows == rows[:, [k]], axis=0)] == prints[k])
