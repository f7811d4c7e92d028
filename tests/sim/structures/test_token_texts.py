"""Texts of tokens: what reads best of each kind of vocabulary, and what has none."""

import numpy as np
from tokenizers import decoders

from drift.sim.structures.token_texts import TokenTexts, texts_of_model
from tests.support import builders
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


def test_a_model_that_is_gone_has_no_texts_and_gets_no_line(tmp_path):
    assert texts_of_model(None) == (None, "")
    assert texts_of_model(tmp_path / "gone.safetensors") == (None, "")
    there = builders.write(tmp_path / "a.safetensors", {"x": ("F32", [2, 1], bytes(8))})
    assert texts_of_model(there) == (None, "")
    tokenizer({"a": 0, "b": 1}).save(str(tmp_path / "tokenizer.json"))
    assert texts_of_model(there)[0].of(np.array([1, 0, 2])) == ["b", "a", None]
