"""Workers that come, die and lose things, without Dask: what becomes of the batches."""

import itertools
import signal
from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim import interrupts
from drift.sim.errors import BadInput, Unfinished
from drift.sim.sweeps.local import BatchResult
from drift.sim.sweeps.workers import team, worker
from drift.sim.sweeps.workers.line import Answer, Failed, Lost, Present
from drift.sim.sweeps.workers.team import Team
from drift.sim.sweeps.workers.worker import Met, Orders

ORDERS = Orders("sweep", None, {}, "cpu", "auto", 1, None)
MET = Met({"device": {"platform": "cpu"}}, 2)


class FakeLine:
    """A line whose ends are both here; `choose` picks what happens next."""

    def __init__(self, choose, workers=2, deaths=0, losses=0, poison=(), joining=True):
        self.choose, self.poison, self.joining = choose, set(poison), joining
        self.deaths, self.losses = deaths, losses
        self.addresses = (f"tcp://10.0.0.{n % 2}:{n}" for n in itertools.count())
        self.told, self.asked, self.greeted = deque(), set(), set()
        self.workers, self.seats, self.counted = {}, {}, Counter()
        for _ in range(workers):
            self.join()

    def join(self):
        self.workers[next(self.addresses)] = deque()
        self.tell_present()

    def die(self, address):
        del self.workers[address]
        self.seats.pop(address, None)
        self.tell_present()

    def tell_present(self):
        self.told.append(Present(dict.fromkeys(self.workers, 1)))

    def greet(self, ticket, address, work, orders, seat):
        assert (work, orders) == (worker.meet, ORDERS)
        host = address.rpartition(":")[0]
        others = [each for where, each in self.seats.items() if where.startswith(host)]
        assert seat.index not in [each.index for each in others]
        self.asked.add(ticket)
        self.greeted.add(ticket)
        if address in self.workers:
            self.seats[address] = seat
            self.workers[address].append((ticket, None))

    def ask(self, ticket, address, work, sweep, cells):
        assert (work, sweep) == (worker.count, "sweep")
        self.asked.add(ticket)
        if address in self.workers:
            assert len(self.workers[address]) < 2, "no more than two batches are held"
            self.workers[address].append((ticket, cells))

    def forget(self, ticket):
        self.asked.discard(ticket)
        for held in self.workers.values():
            for place, (other, _) in enumerate(held):
                if other == ticket and place:
                    del held[place]
                    break

    def hear(self, seconds):
        if not self.told:
            self.happen()
        heard = self.told.popleft() if self.told else None
        if isinstance(heard, Present) or heard is None:
            return heard
        if heard.ticket not in self.asked:
            return None
        self.asked.remove(heard.ticket)
        return heard

    def happen(self):
        busy = [address for address, held in self.workers.items() if held]
        if self.joining and (not self.workers or (len(self.workers) < 3 and not self.choose(6))):
            self.join()
        elif busy:
            address = busy[self.choose(len(busy))]
            self.work(address, *self.workers[address].popleft())

    def work(self, address, ticket, cells):
        if cells is None:
            self.told.append(Answer(ticket, MET))
        elif self.poison & set(cells.tolist()):
            self.die(address)
        elif self.deaths and self.choose(3) == 0:
            self.deaths -= 1
            self.die(address)
        elif self.losses and self.choose(3) == 0:
            self.losses -= 1
            self.told.append(Lost(ticket))
        else:
            self.counted.update(cells.tolist())
            self.told.append(Answer(ticket, BatchResult(cells, [[]] * len(cells), 2.0, 0.5)))


def met(line):
    found = Team(line, ORDERS)
    found.meet(1.0)
    return found


def always(choice):
    return lambda choices: min(choice, choices - 1)


def outcomes(found):
    """What became of each cell; all of them, once."""
    found = list(found)
    pairs = [
        pair for each in found for pair in zip(each.cells.tolist(), each.outcomes, strict=True)
    ]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@given(st.data(), st.lists(st.integers(1, 5), max_size=12), st.integers(1, 4))
def test_every_cell_is_counted_whoever_dies(data, sizes, workers):
    line = FakeLine(lambda n: data.draw(st.integers(0, n - 1)), workers, deaths=1, losses=1)
    cells = np.arange(sum(sizes))
    batches = np.split(cells, np.cumsum(sizes)[:-1]) if sizes else []
    found = outcomes(met(line).count(batches))
    assert found == {cell: [] for cell in cells.tolist()}
    assert line.asked <= line.greeted, "no batch is left with anyone"


@given(st.data(), st.sets(st.integers(0, 11), min_size=1, max_size=2))
def test_only_a_cell_that_kills_its_workers_fails(data, poison):
    line = FakeLine(lambda n: data.draw(st.integers(0, n - 1)), poison=poison)
    found = outcomes(met(line).count(np.split(np.arange(12), 3)))
    said = "3 workers died counting it; it may need more memory"
    assert found == {cell: said if cell in poison else [] for cell in range(12)}


def test_batches_are_taken_as_they_are_needed():
    taken = []

    def batches():
        for cell in range(1000):
            taken.append(cell)
            yield np.array([cell])

    counted = met(FakeLine(always(1), workers=3)).count(batches())
    next(counted)
    assert len(taken) <= 3 * 2 + 1


def test_whoever_has_nothing_left_takes_over_what_others_have_not_begun():
    # The choice falls on the last who is busy: the first one never gets on.
    line = FakeLine(always(9), workers=2)
    counted = met(line).count(np.split(np.arange(4), 4))
    cells = [next(counted).cells.tolist() for _ in range(3)]
    assert sorted(cells) == [[1], [2], [3]], "0 is what the first one counts"


def test_a_first_signal_waits_for_what_was_begun_and_nothing_else():
    class Came(Exception):
        pass

    def handler(number, frame):
        raise Came

    line = FakeLine(always(1), workers=2)
    counted = met(line).count(np.split(np.arange(40), 20))
    before, found = signal.signal(signal.SIGINT, handler), []

    def going_on():
        while True:
            with interrupts.delay_signals():
                found.append(next(counted))
                if len(found) == 2:
                    signal.raise_signal(signal.SIGINT)

    def stopping():
        with interrupts.delay_signals():
            signal.raise_signal(signal.SIGINT)
            found.append(next(counted))

    try:
        with pytest.raises(Came):
            going_on()
        with pytest.raises(Came):
            stopping()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [len(each.cells) for each in found] == [2, 2, 4], "those of both workers, at once"
    assert (found[2].seconds, found[2].compiling) == (4.0, 1.0)
    assert len(outcomes(found)) == 8
    assert not line.asked


def test_nobody_is_met_where_nobody_is():
    with pytest.raises(BadInput, match="has no workers; dask worker ADDRESS starts one"):
        Team(FakeLine(always(9), workers=0, joining=False), ORDERS).meet(0.0)


def test_without_workers_for_long_the_sweep_ends(monkeypatch):
    monkeypatch.setattr(team, "_ALONE_SECONDS", 0.0)
    line = FakeLine(always(9), workers=1, poison=[0], joining=False)
    with pytest.raises(Unfinished, match="no worker is left; the same command goes on"):
        list(met(line).count([np.array([0])]))


def test_workers_that_die_as_they_get_ready_are_not_waited_for_for_ever():
    class Stillborn(FakeLine):
        def work(self, address, ticket, cells):
            self.die(address)

    with pytest.raises(Unfinished, match="5 workers in a row died before they were ready"):
        met(Stillborn(always(0), workers=1))


class Unable(FakeLine):
    """The first worker can't do as it is told."""

    def work(self, address, ticket, cells):
        if cells is None and address.endswith(":0"):
            self.told.append(Failed(ticket, BadInput("device gpu is not\x1b there")))
        else:
            super().work(address, ticket, cells)


def test_a_worker_that_is_unable_stops_a_sweep_that_was_not_begun():
    with pytest.raises(BadInput, match=r"worker tcp://10.0.0.0:0: device gpu is not\x1b there"):
        met(Unable(always(0), workers=1))


def test_a_worker_that_is_unable_is_left_out_later(capsys, monkeypatch):
    monkeypatch.setattr(team, "_GATHER_SECONDS", -1.0)
    turns = itertools.cycle([1, 0])
    line = Unable(lambda choices: min(next(turns), choices - 1), workers=2, joining=False)
    assert len(outcomes(met(line).count(np.split(np.arange(8), 4)))) == 8
    said = "drift: left out: worker tcp://10.0.0.0:0: device gpu is not\\x1b there\n"
    assert capsys.readouterr().err == said


def test_what_a_worker_raises_ends_the_sweep():
    class Wrong(FakeLine):
        def work(self, address, ticket, cells):
            if cells is None:
                return super().work(address, ticket, cells)
            self.told.append(Failed(ticket, RuntimeError("gpu does not round as it must")))

    with pytest.raises(Unfinished, match=r"worker tcp://10.0.0.0:0: gpu does not round .* goes on"):
        list(met(Wrong(always(0), workers=1, joining=False)).count([np.array([0])]))
