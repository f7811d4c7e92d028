"""Work that is done in turn."""

import pytest

from sim.in_turn import InTurn


def test_it_is_done_at_once_and_in_order():
    done = []
    with InTurn() as pool:
        assert list(pool.map(lambda k: done.append(k) or 2 * k, range(3))) == [0, 2, 4]
        assert done == [0, 1, 2]


def test_what_it_raises_is_raised_where_it_is_asked_for():
    failed = InTurn().submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result()
