"""Signals wait while something is written, and only then."""

import signal

import pytest

from drift.sim import interrupts


class Came(Exception):
    pass


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request):
    def handler(number, frame):
        raise Came

    before = signal.signal(request.param, handler)
    yield request.param
    signal.signal(request.param, before)


def written_beside(*signals):
    """What a block has written that gets `signals` on the way; one of them takes effect."""
    done = []

    def block():
        with interrupts.delay_signals():
            for number in signals:
                signal.raise_signal(number)
            done.append("written")

    with pytest.raises(Came):
        block()
    return done


def test_a_signal_waits_for_the_end_of_the_block(number):
    assert written_beside(number) == ["written"]


def test_a_second_signal_does_not_wait(number, monkeypatch):
    monkeypatch.setattr(interrupts, "ECHO_SECONDS", 0.0)
    assert written_beside(number, number) == []


def test_the_same_signal_sent_to_the_group_as_well_is_no_second_one(number):
    assert written_beside(number, number) == ["written"]


def test_work_is_given_up_only_after_a_while_and_in_any_process_that_is_asked_to(number):
    def block():
        with interrupts.delay_signals():
            signal.raise_signal(number)
            interrupts.give_up_if_pending()  # not yet

    with pytest.raises(Came):
        block()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interrupts, "PATIENCE_SECONDS", 0.0)
        interrupts.give_up_if_pending()  # nobody wants it
        interrupts.ask_to_stop(True)
        with pytest.raises(interrupts.GivenUp):
            interrupts.give_up_if_pending()
        interrupts.ask_to_stop(False)
        interrupts.give_up_if_pending()


def test_handlers_are_as_before(number):
    before = signal.getsignal(number)
    with interrupts.delay_signals():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.delay_signals():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_work_in_a_block_can_see_that_a_signal_waits(number):
    seen = [interrupts.pending()]

    def block():
        with interrupts.delay_signals():
            with interrupts.delay_signals():
                seen.append(interrupts.pending())
            signal.raise_signal(number)
            with interrupts.delay_signals():
                seen.append(interrupts.pending())

    with pytest.raises(Came):
        block()
    assert [*seen, interrupts.pending()] == [False, False, True, False]
