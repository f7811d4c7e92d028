"""Progress on terminals and elsewhere."""

import io
from types import SimpleNamespace

import pytest

from drift.experiments.console import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def counts(step):
    return SimpleNamespace(step=step, distinct=7)


def test_a_terminal_gets_a_bar_with_its_title_and_its_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress.RunBar("drift to a.zarr", stream) as told:
        for k in range(1, 4):
            told.record(counts(k), k, 3)
    assert "drift to a.zarr" in stream.getvalue()
    assert "3/3" in stream.getvalue()


def test_a_bar_within_another_stands_below_it_and_the_outer_goes_on(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress.ProgressBar("sections", stream) as outer:
        outer(1, 4)
        with progress.ProgressBar("neighbours", stream) as inner:
            inner(2, 5)
            inner._bar.refresh()
        outer(3, 4)
    said = stream.getvalue()
    assert "sections" in said
    assert "2/5" in said
    assert "3/4" in said
    assert not progress.ProgressBar._open


@pytest.mark.parametrize("name", [None, "", "dumb", "unknown"])
def test_a_terminal_that_moves_no_cursor_gets_no_bar(monkeypatch, name):
    monkeypatch.delenv("TERM", raising=False)
    if name is not None:
        monkeypatch.setenv("TERM", name)
    stream = Terminal()
    with progress.RunBar("drift", stream) as told:
        told.record(counts(1), 1, 3)
        monkeypatch.setattr(progress, "_QUIET_SECONDS", -1.0)
        told.record(counts(2), 2, 3)
    assert stream.getvalue() == "record 2/3: step 2, 7 distinct\n"


def test_elsewhere_a_plain_line_appears_now_and_then(monkeypatch):
    stream = io.StringIO()
    with progress.RunBar("drift", stream) as told:
        told.record(counts(10), 1, 3)
        assert stream.getvalue() == ""  # too soon after the start
        monkeypatch.setattr(progress, "_QUIET_SECONDS", -1.0)
        told.record(counts(20), 2, 3)
    assert stream.getvalue() == "record 2/3: step 20, 7 distinct\n"


def test_other_work_says_its_title(monkeypatch):
    monkeypatch.setattr(progress, "_QUIET_SECONDS", -1.0)
    stream = io.StringIO()
    with progress.ProgressBar("neighbours", stream) as told:
        told(1000, 2000)
    assert stream.getvalue() == "neighbours: 1,000 of 2,000\n"
