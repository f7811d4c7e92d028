"""Random words: NumPy's Philox 4x64-10, one stream for each use.

The generator is counter-based (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", SC 2011), so any word of a stream is reached directly and the same
word results however a cloud is cut into chunks. The key is (seed, stream): two
streams of one seed never share a draw.
"""

from enum import IntEnum

import numpy as np

_PER_COUNTER = 4
"""64-bit words that one value of Philox's counter gives."""


class Stream(IntEnum):
    """The use of words that are drawn; each has a stream of its own."""

    CLOUD = 1
    CLOUD_LOW = 2
    DIRECTION = 3
    JITTER = 4
    SURVIVORS = 5
    ROUNDING = 6
    WALK = 7
    NOISE = 8
    CENTRE = 9
    PARAMETERS = 10
    CORPUS = 11
    SUCCESSORS = 12


def words64(seed: int, stream: Stream, start: int, count: int) -> np.ndarray:
    """Return words start ... start + count - 1 of a stream, uint64."""
    counter, skip = divmod(start, _PER_COUNTER)
    philox = np.random.Philox(key=_words(seed, stream), counter=_words(counter, 0, 0, 0))
    return philox.random_raw(skip + count)[skip:]


def words32(seed: int, stream: Stream, start: int, count: int) -> np.ndarray:
    """Return words of a stream as 32-bit words, the low half of each 64-bit word first."""
    first = start // 2
    last = -(-(start + count) // 2)
    halves = words64(seed, stream, first, last - first).astype("<u8", copy=False).view("<u4")
    return halves[start - 2 * first :][:count]


def _words(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.uint64)
