"""Streams of random words against NumPy, and apart from each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.sampling.philox import Stream, words32, words64
from drift.sim.spec.drift import MOST_SEED
from tests.support import oracle


def test_the_generator_is_philox_4x64_10():
    # Random123's known answers for key and counter of zeros, and of all ones.
    # NumPy raises the counter before each block, so it starts one lower.
    ones = 2**64 - 1
    for key, counter, expected in [
        (0, [ones] * 4, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
        (
            ones,
            [ones - 1, ones, ones, ones],
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
    ]:
        philox = np.random.Philox(
            key=np.array([key, key], np.uint64), counter=np.array(counter, np.uint64)
        )
        assert [f"{int(w):016x}" for w in philox.random_raw(4)] == expected.split()


@given(st.integers(0, MOST_SEED), st.integers(0, 60), st.integers(0, 40))
def test_any_part_of_a_stream_is_that_part_of_the_whole(seed, start, count):
    whole = oracle.words(seed, 1, start + count)
    assert words64(seed, Stream.CLOUD, start, count).tolist() == whole[start:]
    assert (
        words32(seed, Stream.CLOUD, start, count).tolist()
        == oracle.halves(seed, 1, start + count)[start:]
    )


def test_streams_of_one_seed_share_no_word():
    drawn = [words64(7, stream, 0, 1000) for stream in Stream]
    assert len(np.unique(np.concatenate(drawn))) == 1000 * len(Stream)
