"""The text that stands in a spec for an array that was given: its digest. It loads no NumPy."""

DIGEST = "sha256:"
"""The beginning of the text."""
_SHOWN = len(DIGEST) + 8


def short(text: str) -> str:
    """Return the text as a line shows it."""
    return f"{text[:_SHOWN]}…"


def unavailable(field: str, text: str) -> str:
    """Return that the array of a field is not at hand, as the beginning of a line."""
    return f"{field} is {short(text)}, an array that is not available"
