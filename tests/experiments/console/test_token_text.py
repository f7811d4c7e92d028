"""Texts of tokens: what reads best of each kind of vocabulary, and what has none."""

import sys

import numpy as np
import pytest
from tokenizers import decoders

from drift.experiments.console.token_text import TokenTexts, load_token_texts
from tests.support.builders import tokenizer


def test_bytes_are_decoded_and_what_is_no_character_stays_as_it_is_written():
    vocabulary = {"a": 0, "Ġhello": 1, "à¹Ģ": 2, "à¸": 3, "Ċ": 4}
    texts = TokenTexts(tokenizer(vocabulary, decoders.ByteLevel(), ["<|end|>"]))
    expected = ["a", " hello", "เ", "à¸", "\n", "<|end|>", None]
    assert [texts.text(token) for token in range(7)] == expected


def test_words_keep_the_space_before_them():
    texts = TokenTexts(tokenizer({"a": 0, "▁a": 1, "▁▁": 2, "<0x0A>": 3}, decoders.Metaspace()))
    assert [texts.text(k) for k in range(5)] == ["a", " a", "  ", "<0x0A>", None]


def test_ids_without_a_token_are_padding():
    texts = TokenTexts(tokenizer({"a": 0, "b": 1, "c": 4}))
    assert texts.padding(np.arange(7)).tolist() == [False, False, True, True, False, True, True]


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
