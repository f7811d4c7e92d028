"""Contenders are warmed up, checked, interleaved and summed up as they should be."""

from types import SimpleNamespace

import pytest

from drift.experiments.bench import runner
from drift.experiments.bench.rivals import Missing
from drift.experiments.bench.runner import Case, Contender, WrongResult, measure


@pytest.fixture
def takes(monkeypatch):
    """takes(s) is a function that takes s seconds, by the only clock there is."""
    now = [0.0]

    def taking(seconds):
        def run():
            now[0] += seconds() if callable(seconds) else seconds

        return run

    monkeypatch.setattr(runner, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return taking


def quiet(line):
    pass


def case(*contenders, unit="ns per thing"):
    return Case("group", "name", unit, {"tokens": 1}, list(contenders))


def test_each_round_has_everyone_once_and_begins_with_another():
    ran = []
    names = ["a", "b", "c"]
    everyone = [
        Contender(n, lambda n=n: ran.append(n), ready=lambda n=n: ran.append(f"ready {n}"))
        for n in names
    ]
    measure(case(*everyone), 4, quiet)
    assert ran[0::2] == [f"ready {name}" for name in ran[1::2]]
    rounds = "".join(ran[1::2])
    assert rounds == "abc" + "abc" + "bca" + "cab" + "abc"  # the first is the warm-up


def test_the_warm_up_and_what_makes_ready_are_not_timed(takes):
    naps = iter([1.5, 0.5, 0.25, 1.0])
    one = Contender("a", takes(lambda: next(naps)), ready=takes(20.0))
    (row,) = measure(case(one), 3, quiet)["contenders"]
    assert row["seconds"] == [0.5, 0.25, 1.0]
    assert (row["median"], row["min"], row["max"]) == (0.5, 0.25, 1.0)


def test_the_parts_of_a_run_are_medians_of_the_rounds_too():
    found = iter([9.0, 1.0, 5.0, 2.0])
    parts = lambda draw: {"draw": draw, "twice": 2 * draw}  # noqa: E731
    told = Contender("told", lambda: next(found), parts=parts)
    rows = measure(case(told, Contender("silent", lambda: None)), 3, quiet)["contenders"]
    assert rows[0]["parts"] == {"draw": 2.0, "twice": 4.0}
    assert "parts" not in rows[1]


def test_costs_are_per_unit_of_work_or_multiples_of_a_contender(takes):
    ours, read = Contender("ours", takes(0.5), work=1e9, traffic=4000), Contender("read", takes(2))
    (row,) = measure(case(ours), 3, quiet)["contenders"]
    assert (row["cost"], row["bytes_per_second"]) == (0.5, 8000)
    rows = measure(case(ours, read, unit="read"), 3, quiet)["contenders"]
    assert [row["cost"] for row in rows] == [0.25, 1]


def test_who_computes_something_else_stops_the_bench():
    good = Contender("good", lambda: 1, wrong=lambda found: None if found == 1 else "no")
    bad = {"name": "bad", "run": lambda: 2, "wrong": lambda found: f"{found} is not 1"}
    with pytest.raises(WrongResult, match="bad computes something else: 2 is not 1"):
        measure(case(good, Contender(**bad)), 1, quiet)


def test_every_result_is_checked_not_the_first_alone():
    found = iter([1, 1, 2])
    fickle = Contender("fickle", lambda: next(found), lambda x: None if x == 1 else "no")
    with pytest.raises(WrongResult, match="fickle"):
        measure(case(fickle), 2, quiet)


def test_the_slow_take_part_in_fewer_rounds(takes):
    ran, parts = [], lambda found: {"all": 25.0}
    everyone = [
        Contender(f"{nap}", takes(nap), ready=lambda nap=nap: ran.append(nap), parts=parts)
        for nap in (0.5, 2.5, 25.0)
    ]
    rows = measure(case(*everyone), 5, quiet)["contenders"]
    assert {row["name"]: len(row["seconds"]) for row in rows} == {"0.5": 5, "2.5": 3, "25.0": 1}
    assert (ran.count(0.5), ran.count(2.5), ran.count(25.0)) == (6, 4, 1)
    assert (rows[2]["median"], rows[2]["parts"]) == (25.0, {"all": 25.0})


def test_who_is_missing_is_absent_with_the_reason():
    def make():
        raise Missing("it is not installed")

    one = case()
    one.enter("torch", make)
    one.enter("ours", lambda: Contender("ours", lambda: None))
    assert one.absent == {"torch": "it is not installed"}
    assert [contender.name for contender in one.contenders] == ["ours"]
