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

from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput, printable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPACE, _UNKNOWN = "\u2581", "\ufffd"


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

    def of(self, tokens: np.ndarray) -> list[str | None]:
        """Return the texts of ids, int64 (tokens,), in their order."""
        return [self.text(token) for token in tokens.tolist()]

    def padding(self, tokens: np.ndarray) -> np.ndarray:
        """Return True for ids that are padding, bool of the shape of `tokens`."""
        return ~np.isin(tokens, self._ids)


def texts_beside(directory: Path) -> tuple[TokenTexts | None, str]:
    """Return the texts of the tokenizer in a directory, or None with a line on why, if it has one.

    The line is empty where the directory has no tokenizer.
    """
    path = directory / "tokenizer.json"
    if not path.is_file():
        return None, ""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None, f"{path} is ignored: texts of token ids need the extra bf16-drift[tokenizers]"
    try:
        return TokenTexts(Tokenizer.from_file(str(path))), ""
    except BaseException as error:
        # The library's own panics are no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return None, f"{path} can't be read as a tokenizer: {printable(str(error))}"


def texts_of_model(model: Path | None) -> tuple[TokenTexts | None, str]:
    """Return the texts beside the checkpoint at a path, as `texts_beside` does.

    None, with no line, for no path, and where the checkpoint that a run started from is gone.
    """
    try:
        return (None, "") if model is None else texts_beside(Checkpoint(model).directory)
    except BadInput:
        return None, ""
