"""Texts of token ids, from the tokenizer.json beside a checkpoint.

text     the decoded token; where that is empty, or bytes that are not a whole character, the
         token as the vocabulary writes it
padding  of a row: the tokenizer has no token of that id. Matrices often have more rows than their
         vocabulary has tokens, and the surplus rows were never trained

The optional library `tokenizers` is needed; without it, or without a file, ids have no texts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drift.experiments.console.terminal import remark
from drift.sim.errors import printable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPACE, _UNKNOWN = "\u2581", "\ufffd"
_LETTERS = 20
"""Most characters shown of a token's text."""


class TokenTexts:
    """The texts of a tokenizer's ids."""

    def __init__(self, tokenizer: "Tokenizer"):
        self._tokenizer = tokenizer
        self._ids = np.unique(list(tokenizer.get_vocab(with_added_tokens=True).values()))

    def text(self, token: int) -> str | None:
        """Return the text of an id; None for padding."""
        written = self._tokenizer.id_to_token(token)
        if written is None:
            return None
        if written.startswith(_SPACE):  # decoded by itself, a word would lose its space
            return written.replace(_SPACE, " ")
        decoded = self._tokenizer.decode([token], skip_special_tokens=False)
        return written if not decoded or _UNKNOWN in decoded else decoded

    def padding(self, tokens: np.ndarray) -> np.ndarray:
        """Return True for ids that are padding, bool of the shape of `tokens`."""
        return ~np.isin(tokens, self._ids)


def token_label(token: int, texts: TokenTexts | None) -> str:
    """Return a token id with its text, where there is one: 17 'seventeen'."""
    text = None if texts is None else texts.text(token)
    return str(token) if text is None else f"{token} {printable(repr(text), _LETTERS)}"


def load_token_texts(directory: Path) -> TokenTexts | None:
    """Return the texts of the tokenizer in a directory; None, with a remark, where it has none."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        return None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        remark(f"{path} is ignored: texts of token ids need the extra bf16-drift[tokenizers]")
        return None
    try:
        return TokenTexts(Tokenizer.from_file(str(path)))
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        remark(f"{path} can't be read as a tokenizer: {printable(str(error))}")
        return None
