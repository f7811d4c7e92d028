"""A stopwatch counts each second once, for the innermost part, and for nobody else's work."""

from types import SimpleNamespace

import pytest

from drift.sim import stopwatch
from drift.sim.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told otherwise: clock.now += 1."""
    clock = SimpleNamespace(now=5.0)
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_part_within_another_counts_for_itself_alone(clock):
    watch = Stopwatch("outer", "inner", "never")
    clock.now += 100
    with watch.timing("outer"):
        clock.now += 1
        for _ in range(2):
            with watch.timing("inner"):
                clock.now += 3
                with watch.timing("outer"):
                    clock.now += 0.5
        clock.now += 10
    clock.now += 100
    assert watch.seconds == {"outer": 12.0, "inner": 6.0, "never": 0.0}


def test_what_is_made_is_timed_and_what_is_done_with_it_is_not(clock):
    def make():
        for k in range(3):
            clock.now += 1
            yield k
        clock.now += 7

    watch = Stopwatch("make")
    for _ in watch.each("make", make()):
        clock.now += 100
    assert watch.seconds == {"make": 10.0}


def test_nothing_is_lost_by_an_error(clock):
    def fail():
        clock.now += 2
        raise KeyError

    watch = Stopwatch("outer", "inner")
    with pytest.raises(KeyError), watch.timing("outer"), watch.timing("inner"):
        fail()
    assert watch.seconds == {"outer": 0.0, "inner": 2.0}


def test_a_part_that_was_not_named_is_a_slip():
    with pytest.raises(KeyError), Stopwatch("draw").timing("drew"):
        pass
