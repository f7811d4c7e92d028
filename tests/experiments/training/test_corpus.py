"""The corpus: Zipf's law, what follows what, and the same tokens from any step on."""

import math

import numpy as np

from drift.experiments.training.corpus import BLOCKS, LINKED, Corpus
from drift.experiments.training.settings import Settings

OF = Settings(vocabulary=40, dead=0.3, batch=64, length=31, steps=100, seed=5)


def law(of):
    """The probability of each live token."""
    weights = 1 / np.arange(1, of.live + 1)
    return weights / weights.sum()


def test_tokens_are_those_of_the_seed_from_any_step_on():
    whole = Corpus(OF).batches(1, 10)
    assert whole.shape == (10, 64, 32)
    assert whole.dtype == np.int32
    np.testing.assert_array_equal(Corpus(OF).batches(4, 6), whole[3:6])
    other = Corpus(Settings(**{**OF.as_json(), "seed": 6})).batches(1, 10)
    assert (other != whole).mean() > 0.5


def test_tokens_occur_as_zipf_says_wherever_they_stand():
    tokens = Corpus(OF).batches(1, 100)
    assert tokens.min() == 0
    assert tokens.max() == OF.live - 1 == 27
    expected = law(OF)
    for there in (tokens[:, :, 0], tokens[:, :, 31]):  # independent of each other, unlike all
        found = np.bincount(there.ravel(), minlength=OF.live) / there.size
        error = np.sqrt(expected * (1 - expected) / there.size)
        assert (np.abs(found - expected) < 5 * error).all()


def following(of):
    """The probability of each token after each, by the overlap of intervals, (live, live)."""
    edges = np.concatenate([[0], np.cumsum(law(of))])
    found = np.zeros((of.live, of.live))
    for i in range(of.live):
        for k, to in enumerate(Corpus(of).exchange.tolist()):
            low = max(edges[i], k / BLOCKS)
            high = min(edges[i + 1], (k + 1) / BLOCKS)
            if low < high:
                shift = (to - k) / BLOCKS
                ends = np.clip([edges[:-1], edges[1:]], low + shift, high + shift)
                found[i] += np.maximum(ends[1] - ends[0], 0) / (edges[i + 1] - edges[i])
    return LINKED * found + (1 - LINKED) * law(of)


def test_pairs_follow_as_the_exchange_says():
    expected = following(OF)
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    np.testing.assert_allclose(law(OF) @ expected, law(OF))  # Zipf's law stays
    tokens = Corpus(OF).batches(1, 100)
    pairs = np.zeros((OF.live, OF.live))
    first, second = tokens[:, :, ::2].ravel(), tokens[:, :, 1::2].ravel()
    np.add.at(pairs, (first, second), 1)
    rows = pairs.sum(axis=1, keepdims=True)
    error = np.sqrt(expected * (1 - expected) / rows) + 1 / rows
    assert (np.abs(pairs / rows - expected) < 5 * error).all()
    # A rare token is nearly always followed by one of a few.
    entropy = -(expected * np.log2(expected)).sum(axis=1)
    assert entropy[-1] < math.log2(OF.live) / 1.5
