"""Token ids with their texts, as tables show them (sim.structures.token_texts)."""

from pathlib import Path

from drift.experiments.console.terminal import remark
from drift.sim.errors import printable
from drift.sim.structures.token_texts import TokenTexts, texts_beside

_LETTERS = 20
"""Most characters shown of a token's text."""


def token_label(token: int, texts: TokenTexts | None) -> str:
    """Return a token id with its text, where there is one: 17 'seventeen'."""
    return label_with(token, None if texts is None else texts.text(token))


def label_with(token: int, text: str | None) -> str:
    """Return a token id with this text, if any."""
    return str(token) if text is None else f"{token} {printable(repr(text), _LETTERS)}"


def load_token_texts(directory: Path) -> TokenTexts | None:
    """Return the texts of the tokenizer in a directory; None, with a remark, where it has none."""
    texts, note = texts_beside(directory)
    if note:
        remark(note)
    return texts
