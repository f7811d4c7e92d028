"""Token ids with their texts: where these come from, and how they look."""

import sys

import pytest

from drift.experiments.console.token_text import label_with, load_token_texts
from tests.support.builders import tokenizer


def test_the_texts_beside_a_checkpoint_are_those_of_its_tokenizer(tmp_path, capsys):
    assert load_token_texts(tmp_path) is None
    (tmp_path / "tokenizer.json").mkdir()
    assert load_token_texts(tmp_path) is None
    (tmp_path / "tokenizer.json").rmdir()
    tokenizer({"a": 0}).save(str(tmp_path / "tokenizer.json"))
    assert load_token_texts(tmp_path).text(0) == "a"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"model": 1}', b"\xff\xfe", b"[" * 10**5])
def test_a_broken_tokenizer_gets_one_line_and_no_texts(tmp_path, capsys, raw):
    (tmp_path / "tokenizer.json").write_bytes(raw)
    assert load_token_texts(tmp_path) is None
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "tokenizer.json can't be read as a tokenizer: " in captured.err


def test_without_the_library_one_line_names_the_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert load_token_texts(tmp_path) is None
    assert capsys.readouterr().err == ""
    (tmp_path / "tokenizer.json").write_text("{}")
    assert load_token_texts(tmp_path) is None
    assert "the extra bf16-drift[tokenizers]\n" in capsys.readouterr().err


def test_a_label_is_an_id_with_its_text_cut_short_and_without_control_characters():
    assert label_with(7, None) == "7"
    assert label_with(7, "\x1b[2J") == r"7 '\x1b[2J'"
    assert label_with(7, "c" * 99) == f"7 '{'c' * 18}…"
