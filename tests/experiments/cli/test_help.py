"""The help of every verb: whole at 80 columns."""

import inspect

import pytest

from tests.support.run_cli import VERBS, drift


@pytest.fixture(autouse=True)
def _eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERMINAL_WIDTH", raising=False)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_its_text_is_not_broken(verb):
    _, *more = inspect.getdoc(VERBS[verb].callback).splitlines()
    assert max(map(len, more), default=0) <= 78


@pytest.mark.parametrize("words", [(), ("plot",), *VERBS], ids=" ".join)
def test_it_shows_no_types(capsys, words):
    assert "<" not in drift(capsys, *words, "--help")[1]
