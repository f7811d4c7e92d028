"""The time that a piece of work takes, and which of its parts take it.

part  a name; a part that is timed within another one counts for itself alone, so that the
      seconds of all parts together are never more than those that have passed
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")


class Stopwatch:
    """Seconds spent in each of `parts`, since the stopwatch was made; for one thread."""

    def __init__(self, *parts: str):
        self._seconds = dict.fromkeys(parts, 0.0)
        self._inner = 0.0
        """seconds of the parts that ended within the one that is being timed"""

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds of each part so far, of those parts alone that have ended."""
        return dict(self._seconds)

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Count the time of the block, also where it is left by an error, as that of `part`."""
        outside, self._inner = self._inner, 0.0
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self._seconds[part] += took - self._inner
            self._inner = outside + took

    def each(self, part: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield `items`; the time to make each is that of `part`, the time to use it is not."""
        making = iter(items)
        while True:
            with self.timing(part):
                found = next(making, None)
            if found is None:
                return
            yield found
